using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>One BFD session: time and packets in, packets and a verdict out (RFC 5880).</summary>
/// <remarks>
/// Asynchronous mode without echo and authentication, one hop (RFC 5881), as Open vSwitch runs it.
/// Nothing here reads a clock: all times are monotonic milliseconds that the caller gives.
/// </remarks>
public sealed class BfdSession
{
    private const int SlowTxInterval = 1000; // RFC 5880 6.8.3: while the session is not up.
    private const int JitterPercent = 25;

    private readonly uint _discriminator;
    private uint _random;
    private int _pollMinRx;
    private int _pollMinTx;
    private int _minRx;
    private int _minTx;
    private long _detectAt;
    private bool _isPolling;
    private bool _owesFinal;
    private bool _wasForwarding;

    /// <param name="discriminator">Not 0; no other session of this host has it.</param>
    /// <param name="seed">For the jitter of transmissions.</param>
    public BfdSession(uint discriminator, BfdSettings settings, uint seed, long now)
    {
        ArgumentOutOfRangeException.ThrowIfZero(discriminator);
        _discriminator = discriminator;
        _random = seed | 1;
        Settings = settings;
        (_minRx, _minTx) = (settings.MinRx, settings.MinTx);
        NextTx = now;
        LastTx = now;
        _detectAt = now;
    }

    public BfdSettings Settings { get; private set; }
    public BfdState State { get; private set; } = BfdState.Down;
    public BfdDiagnostic Diagnostic { get; private set; }
    public BfdControlPacket Remote { get; private set; }
    public BfdState RemoteState { get; private set; } = BfdState.Down;
    public BfdDiagnostic RemoteDiagnostic { get; private set; }
    public uint RemoteDiscriminator { get; private set; }
    public uint Discriminator => _discriminator;

    /// <summary>Milliseconds; 0: it wants no packets.</summary>
    public int RemoteMinRx { get; private set; } = 1;
    public int RemoteMinTx { get; private set; }
    public int RemoteMultiplier { get; private set; }

    /// <summary>What an operator says it shall be; null: what the packets say.</summary>
    public bool? ForwardingOverride { get; set; }

    /// <summary>How often <see cref="IsForwarding"/> has changed.</summary>
    public long FlapCount { get; private set; }

    public long NextTx { get; private set; }
    public long LastTx { get; private set; }
    public long DetectAt => _detectAt;
    public bool IsPolling => _isPolling;

    /// <summary>Milliseconds between two packets, without jitter.</summary>
    public int TxInterval => Math.Max(MinTxNow, RemoteMinRx);

    /// <summary>Milliseconds between two packets that the peer may let pass.</summary>
    public int RxInterval => Math.Max(_minRx, RemoteMinTx);

    public int MinRx => _minRx;

    /// <summary>No faster than once a second while the session is not up.</summary>
    public int MinTxNow =>
        State == BfdState.Up ? _minTx : Math.Max(_minTx, SlowTxInterval);

    /// <summary>Packets reach the peer, and it has not said that they end there.</summary>
    public bool IsForwarding => ForwardingOverride ?? (State == BfdState.Up
        && RemoteDiagnostic is not (BfdDiagnostic.PathDown or BfdDiagnostic.ConcatenatedPathDown
            or BfdDiagnostic.ReverseConcatenatedPathDown));

    /// <summary>When <see cref="Advance"/> has something to do next.</summary>
    public long Deadline => State > BfdState.Down ? Math.Min(NextTx, _detectAt) : NextTx;

    public void Configure(BfdSettings settings, long now)
    {
        if (settings == Settings) return;
        if (settings.IsPathDown != Settings.IsPathDown)
        {
            Diagnostic = settings.IsPathDown
                ? BfdDiagnostic.ConcatenatedPathDown : BfdDiagnostic.None;
            NextTx = now;
        }

        Settings = settings;
        StartPoll(now);
    }

    /// <summary>Takes a packet that <see cref="BfdControlPacket.TryParse"/> let through.</summary>
    /// <returns>False when it belongs to another session or to none (RFC 5880 6.8.6).</returns>
    public bool Hear(in BfdControlPacket packet, long now)
    {
        if (packet.YourDiscriminator != 0 && packet.YourDiscriminator != _discriminator)
        {
            return false;
        }

        var oldMinRx = RemoteMinRx;
        Remote = packet;
        RemoteDiscriminator = packet.MyDiscriminator;
        RemoteState = packet.State;
        RemoteDiagnostic = packet.Diagnostic;
        RemoteMinRx = packet.RequiredMinRx == 0 ? 0 : InMilliseconds(packet.RequiredMinRx);
        RemoteMinTx = InMilliseconds(packet.DesiredMinTx);
        RemoteMultiplier = packet.DetectMultiplier;
        if (packet.IsFinal && _isPolling) EndPoll();
        _detectAt = now + ((long)RxInterval * RemoteMultiplier);
        Follow(packet.State, now);
        if (RemoteMinRx != oldMinRx && LastTx + TxInterval < NextTx) Schedule(LastTx);
        if (packet.IsPoll)
        {
            _owesFinal = true;
            NextTx = now;
        }

        NoteForwarding();
        return true;
    }

    /// <summary>Lets time pass.</summary>
    /// <returns>True when 'packet' is to be sent now.</returns>
    public bool Advance(long now, out BfdControlPacket packet)
    {
        packet = default;
        if (State > BfdState.Down && now >= _detectAt)
        {
            Become(BfdState.Down, BfdDiagnostic.ControlDetectionTimeExpired, now);
        }

        NoteForwarding();
        if (now < NextTx) return false;
        if (RemoteMinRx == 0 && !_owesFinal)
        {
            Schedule(now);
            return false;
        }

        packet = Compose();
        _owesFinal = false;
        LastTx = now;
        Schedule(now);
        return true;
    }

    private void NoteForwarding()
    {
        // What an operator says is no flap.
        if (ForwardingOverride is not null || _wasForwarding == IsForwarding) return;
        _wasForwarding = !_wasForwarding;
        FlapCount++;
    }

    private BfdControlPacket Compose()
    {
        var isPoll = _isPolling && !_owesFinal;
        return new BfdControlPacket
        {
            Diagnostic = Diagnostic,
            State = State,
            IsPoll = isPoll,
            IsFinal = _owesFinal,
            DetectMultiplier = Settings.Multiplier,
            MyDiscriminator = _discriminator,
            YourDiscriminator = RemoteDiscriminator,
            DesiredMinTx = (uint)(_isPolling ? _pollMinTx : MinTxNow) * 1000u,
            RequiredMinRx = (uint)(_isPolling ? _pollMinRx : _minRx) * 1000u,
        };
    }

    private void Follow(BfdState remote, long now)
    {
        if (remote == BfdState.AdminDown)
        {
            if (State != BfdState.Down) Lose(now);
            return;
        }

        switch (State)
        {
            case BfdState.Down when remote == BfdState.Down:
                Become(BfdState.Init, Diagnostic, now);
                break;
            case BfdState.Down when remote == BfdState.Init:
            case BfdState.Init when remote >= BfdState.Init:
                Become(BfdState.Up, Settings.IsPathDown
                    ? BfdDiagnostic.ConcatenatedPathDown : BfdDiagnostic.None, now);
                break;
            case BfdState.Up when remote == BfdState.Down:
                Lose(now);
                break;
        }
    }

    private void Lose(long now) => Become(
        BfdState.Down, BfdDiagnostic.NeighborSignaledSessionDown, now);

    private void Become(BfdState state, BfdDiagnostic diagnostic, long now)
    {
        if (Settings.IsPathDown && state == BfdState.Init)
        {
            diagnostic = BfdDiagnostic.ConcatenatedPathDown;
        }

        var isNews = State != state;
        State = state;
        Diagnostic = diagnostic;
        if (state == BfdState.Down)
        {
            // The peer must be found anew (RFC 5880 6.8.1).
            RemoteDiscriminator = 0;
            RemoteState = BfdState.Down;
            RemoteDiagnostic = BfdDiagnostic.None;
            RemoteMinRx = 1;
            RemoteMinTx = 0;
            EndPoll();
        }

        if (isNews) NextTx = now; // The peer shall know at once.
    }

    /// <summary>New intervals hold once the peer has said that it knows them (6.5).</summary>
    private void StartPoll(long now)
    {
        (_pollMinRx, _pollMinTx) = (Settings.MinRx, Settings.MinTx);
        if (_pollMinRx == _minRx && _pollMinTx == _minTx) return;
        _isPolling = true;
        if (State == BfdState.Down) EndPoll();
        else NextTx = now;
    }

    private void EndPoll()
    {
        if (!_isPolling) return;
        _isPolling = false;
        (_minRx, _minTx) = (_pollMinRx, _pollMinTx);
    }

    private void Schedule(long from)
    {
        // Up to a quarter earlier; with a multiplier of 1 at least a tenth (6.8.7). While the
        // session is down the upper part of that only, so that it is up within a second of the
        // first packet that could pass.
        _random = (_random * 1_664_525) + 1_013_904_223;
        var least = State != BfdState.Up ? 15 : Settings.Multiplier == 1 ? 10 : 0;
        var percent = least + (int)((_random >> 16) % (uint)(JitterPercent + 1 - least));
        NextTx = from + Math.Max(1, (long)TxInterval * (100 - percent) / 100);
    }

    private static int InMilliseconds(uint microseconds) =>
        (int)Math.Max(1, microseconds / 1000);
}
