using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>Why connectivity is at fault, in the words of Interface.cfm_fault_status.</summary>
[Flags]
public enum CfmFaults
{
    None = 0,
    /// <summary>No messages from an end point, or from any.</summary>
    Receive = 1,
    /// <summary>A remote end point does not hear us.</summary>
    Remote = 2,
    /// <summary>Messages of another maintenance association.</summary>
    Association = 4,
    /// <summary>Our own messages come back.</summary>
    Loopback = 8,
    /// <summary>More end points than there is room for.</summary>
    Overflow = 16,
    /// <summary>An operator says so.</summary>
    Override = 32,
    /// <summary>The other side has another interval.</summary>
    Interval = 64,
}

/// <summary>A remote end point.</summary>
public sealed record CfmRemote(
    ulong EndPoint, bool WasHeard, bool IsOperational, bool HasDefect);

/// <summary>Connectivity fault management of one interface: a machine on given times.</summary>
/// <remarks>
/// Sends a message an interval, looks every 3.5 intervals who was heard. All times are monotonic
/// milliseconds that the caller gives.
/// </remarks>
public sealed class CfmSession
{
    private const int EndPointCountMax = 256;
    private const int HealthIntervalCount = 6;

    private static readonly ImmutableArray<byte> AssociationId =
    [
        4, 3, (byte)'o', (byte)'v', (byte)'s', 2, 3, (byte)'o', (byte)'v', (byte)'s',
        .. new byte[ContinuityCheckMessage.AssociationIdSize - 10],
    ];

    private readonly SortedDictionary<ulong, CfmRemote> _remotes = [];
    private CfmFaults _faults;
    private CfmFaults _heardFaults;
    private CfmFaults _reportedFaults;
    private uint _sequence;
    private int _heardCount;
    private int _roundCount;
    private int _heardInHealthCount;
    private bool _hasBooted;

    public CfmSession(CfmSettings settings, long now)
    {
        Settings = settings;
        NextTx = now;
        NextCheck = now + settings.FaultInterval;
    }

    public CfmSettings Settings { get; private set; }
    public long NextTx { get; private set; }
    public long NextCheck { get; private set; }
    public bool IsRemoteOperational { get; private set; } = true;

    /// <summary>An operator's word; null: what the messages say.</summary>
    public bool? FaultOverride { get; set; }

    /// <summary>Share of the expected messages that came, 0 to 100; null: not known.</summary>
    public int? Health { get; private set; }

    /// <summary>How often the verdict has changed.</summary>
    public long FlapCount { get; private set; }

    public CfmFaults Faults => FaultOverride switch
    {
        true => _faults | CfmFaults.Override,
        false => CfmFaults.None,
        _ => _faults,
    };

    public ImmutableArray<CfmRemote> Remotes => [.. _remotes.Values];

    /// <summary>End points as of the last check.</summary>
    public ImmutableArray<ulong> RemoteEndPoints { get; private set; } = [];

    public long Deadline => Math.Min(NextTx, NextCheck);

    public void Configure(CfmSettings settings, long now)
    {
        if (settings == Settings) return;
        var isFaster = settings.Interval != Settings.Interval;
        Settings = settings;
        if (!isFaster) return;
        NextTx = now;
        NextCheck = now + settings.FaultInterval;
    }

    public void Hear(in ContinuityCheckMessage message)
    {
        if (!message.AssociationId.SequenceEqual(AssociationId.AsSpan()))
        {
            _heardFaults |= CfmFaults.Association;
            return;
        }

        var endPoint = Settings.IsExtended ? message.ExtendedEndPoint : message.EndPoint;
        var isDown = Settings.IsExtended && message.IsOperationallyDown;
        if (endPoint == Settings.EndPoint)
        {
            _heardFaults |= CfmFaults.Loopback;
            return;
        }

        if (message.IntervalCode != Settings.IntervalCode
            || (Settings.IsExtended && Settings.IntervalCode == 0
                && message.ExtendedInterval != Settings.Interval))
        {
            // The standard would not count it; Open vSwitch only tells.
            _heardFaults |= CfmFaults.Interval;
        }

        if (!_remotes.ContainsKey(endPoint) && _remotes.Count >= EndPointCountMax)
        {
            _heardFaults |= CfmFaults.Overflow;
            return;
        }

        _heardCount++;
        _remotes[endPoint] = new CfmRemote(endPoint, true, !isDown, message.HasRemoteDefect);
        if (message.HasRemoteDefect) _heardFaults |= CfmFaults.Remote;
    }

    /// <summary>Lets time pass.</summary>
    /// <returns>A message to send now, or null.</returns>
    public byte[]? Advance(long now)
    {
        if (now >= NextCheck) Check(now);
        if (now < NextTx) return null;
        NextTx = now + Settings.Interval;
        var bytes = new byte[ContinuityCheckMessage.Size];
        ContinuityCheckMessage.Write(
            bytes, level: 0, _hasBooted && _remotes.Count == 0, Settings.IntervalCode, ++_sequence,
            Settings.IsExtended ? Hash(Settings.EndPoint) : (ushort)Settings.EndPoint,
            AssociationId.AsSpan(),
            Settings.IsExtended && Settings.IntervalCode == 0 ? (ushort)Settings.Interval
                : (ushort)0,
            Settings.IsExtended ? Settings.EndPoint : 0,
            Settings.IsExtended && !Settings.IsOperational);
        return bytes;
    }

    /// <summary>An operator's word may have changed the verdict.</summary>
    public void NoteFaults()
    {
        if ((_reportedFaults == CfmFaults.None) != (Faults == CfmFaults.None)) FlapCount++;
        _reportedFaults = Faults;
    }

    private void Check(long now)
    {
        _faults = _heardFaults;
        _heardFaults = CfmFaults.None;
        MeasureHealth();
        IsRemoteOperational = true;
        foreach (var remote in _remotes.Values.ToArray())
        {
            if (!remote.WasHeard)
            {
                _faults |= CfmFaults.Receive;
                _remotes.Remove(remote.EndPoint);
                continue;
            }

            if (!remote.IsOperational) IsRemoteOperational = false;
            if (remote.HasDefect) _faults |= CfmFaults.Remote;
            _remotes[remote.EndPoint] = remote with { WasHeard = false };
        }

        if (_remotes.Count == 0) _faults |= CfmFaults.Receive;
        RemoteEndPoints = [.. _remotes.Keys];
        _hasBooted = true;
        NextCheck = now + Settings.FaultInterval;
        NoteFaults();
    }

    /// <summary>Health is known of exactly one remote end point.</summary>
    private void MeasureHealth()
    {
        _heardInHealthCount += _heardCount;
        _heardCount = 0;
        if (++_roundCount < HealthIntervalCount) return;
        // Three and a half messages a round are due, less the half that may be late.
        var due = HealthIntervalCount * 7 / 2;
        Health = _remotes.Count switch
        {
            0 => 0,
            1 => Math.Min(100, _heardInHealthCount * 100 / due),
            _ => null,
        };
        (_roundCount, _heardInHealthCount) = (0, 0);
    }

    /// <summary>The 13 bits that others see of a wide end point.</summary>
    private static ushort Hash(ulong endPoint)
    {
        var mixed = endPoint * 0x9E37_79B9_7F4A_7C15UL;
        return (ushort)((mixed >> 51) % 8191 + 1);
    }
}
