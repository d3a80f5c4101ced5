using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>One prefix asked for and kept: time and answers in, messages out.</summary>
/// <remarks>
/// RFC 8415 18.2. Reads no clock: all times are monotonic milliseconds that the caller gives.
/// </remarks>
/// <param name="client">MAC of the router port that asks: it makes the DUID.</param>
/// <param name="association">IAID: not the same for two prefixes of one client.</param>
internal sealed class PrefixSession(MacBytes client, uint association, uint seed, long now)
{
    private const long FirstPause = 1_000, LongestPause = 30_000;
    private const int RequestsMax = 10;
    private const uint LeastSeconds = 1, MostSeconds = 7 * 24 * 3600;

    private readonly uint _association = association;
    private uint _transaction = seed & 0xff_ffff;
    private byte[] _server = [];
    private IpPrefix? _offered;
    private long _pause = FirstPause;
    private long _rebindAt;
    private long _endAt;
    private int _asked;

    private enum Phase
    {
        Soliciting,
        Requesting,
        Bound,
        Renewing,
        Rebinding,
    }

    private Phase _phase;

    /// <summary>When <see cref="Advance"/> has something to do next.</summary>
    public long Deadline { get; private set; } = now;

    /// <summary>What was delegated and still holds.</summary>
    public IpPrefix? Prefix { get; private set; }

    /// <summary>Lets time pass.</summary>
    /// <returns>The message that is to be sent now; null: none.</returns>
    public byte[]? Advance(long now)
    {
        if (now < Deadline) return null;
        if (Prefix is not null && now >= _endAt) Begin(now);
        switch (_phase)
        {
            case Phase.Requesting when _asked >= RequestsMax:
                Begin(now);
                break;
            case Phase.Bound:
                Enter(Phase.Renewing);
                break;
            case Phase.Renewing when now >= _rebindAt:
                _server = [];
                Enter(Phase.Rebinding);
                break;
        }

        _asked++;
        Deadline = now + _pause;
        if (Prefix is not null) Deadline = Math.Min(Deadline, _endAt);
        _pause = Math.Min(2 * _pause, LongestPause);
        return PrefixMessage.Compose(
            _phase switch
            {
                Phase.Requesting => PrefixMessageType.Request,
                Phase.Renewing => PrefixMessageType.Renew,
                Phase.Rebinding => PrefixMessageType.Rebind,
                _ => PrefixMessageType.Solicit,
            },
            _transaction, client, _association, _server, Prefix ?? _offered);
    }

    /// <summary>Takes a server's message; only answers to the last question count.</summary>
    public void Hear(ReadOnlySpan<byte> message, long now)
    {
        if (PrefixMessage.Read(message, client, _association) is not { } answer
            || answer.Transaction != _transaction || answer.Server.Length == 0)
        {
            return;
        }

        if (answer.Type == PrefixMessageType.Advertise)
        {
            if (_phase != Phase.Soliciting || answer.Prefix is null) return;
            (_server, _offered) = (answer.Server, answer.Prefix);
            Enter(Phase.Requesting);
            Deadline = now;
        }
        else if (_phase is not (Phase.Soliciting or Phase.Bound))
        {
            if (answer.Prefix is { } prefix) Bind(answer, prefix, now);
            else Begin(now); // It has none for us any more.
        }
    }

    private void Bind(PrefixAnswer answer, IpPrefix prefix, long now)
    {
        var valid = Math.Clamp(answer.Valid, LeastSeconds, MostSeconds);
        var renew = answer.Renew is 0 ? valid / 2 : answer.Renew;
        var rebind = answer.Rebind is 0 ? (uint)(valid * 8L / 10) : answer.Rebind;
        renew = Math.Clamp(renew, LeastSeconds, valid);
        rebind = Math.Clamp(rebind, renew, valid);
        (Prefix, _server) = (prefix, answer.Server);
        Enter(Phase.Bound);
        Deadline = now + (renew * 1000L);
        _rebindAt = now + (rebind * 1000L);
        _endAt = now + (valid * 1000L);
    }

    private void Begin(long now)
    {
        (Prefix, _offered, _server) = (null, null, []);
        Enter(Phase.Soliciting);
        Deadline = now;
    }

    private void Enter(Phase phase)
    {
        (_phase, _pause, _asked) = (phase, FirstPause, 0);
        _transaction = ((_transaction * 1_664_525) + 1_013_904_223) & 0xff_ffff;
    }
}
