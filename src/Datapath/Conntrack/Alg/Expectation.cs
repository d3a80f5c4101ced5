using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A connection that a control channel announced and that has not come yet.</summary>
/// <param name="control">
/// The channel, as it is now: what is announced may come when it has ended.
/// </param>
internal sealed class Expectation(Connection control)
{
    private readonly ConntrackKey _reply = control.Reply;
    private readonly NatType _nat = control.Nat;

    /// <summary>Its first packet's tuple before translation; source port 0: any.</summary>
    public required ConntrackKey Key { get; init; }

    /// <summary>
    /// The port that the announcing end really listens on, when NAT gave out another.
    /// </summary>
    public required ushort RealPortWire { get; init; }
    public required long ExpiresAt { get; init; }

    /// <summary>It will come from the end that the control channel went to.</summary>
    public required bool IsFromServer { get; init; }

    /// <summary>Tells channels apart; not to be looked into.</summary>
    public Connection Control { get; } = control;

    public ConntrackKey Parent { get; } = control.Original;
    public uint Mark { get; } = control.Mark;
    public UInt128 Label { get; } = control.Label;
    public string? Helper { get; } = control.Extra?.Helper;

    /// <summary>Gives mark, label and parent to the connection that came.</summary>
    public void Bequeath(Connection connection)
    {
        var extra = connection.EnsureExtra();
        extra.Parent = Parent;
        extra.Label = Label;
        connection.Mark = Mark;
    }

    /// <summary>Sets the reply tuple so that both ends see the addresses they know.</summary>
    public void Translate(Connection connection)
    {
        connection.Reply = connection.Original.Reversed();
        connection.Nat = (_nat, IsFromServer) switch
        {
            (NatType.None, _) => NatType.None,
            (NatType.Source, false) or (NatType.Destination, true) => NatType.Source,
            _ => NatType.Destination,
        };
        if (connection.Nat == NatType.None) return;
        connection.Reply.Source = IsFromServer ? Parent.Source : _reply.Source;
        connection.Reply.Destination = IsFromServer ? Parent.Destination : _reply.Destination;
        connection.Reply.PortSourceWire = RealPortWire;
    }
}

/// <summary>Announced connections by the tuple of their first packet.</summary>
/// <remarks>
/// Full (65,536, or 16 of one control channel): the channel's oldest gives way, or when it has none
/// the new one is not noted. An expectation lives for 30 seconds.
/// </remarks>
internal sealed class ExpectationTable
{
    public const int CountMax = 65_536;
    public const int CountPerControlMax = 16;
    public const long LifeMilliseconds = 30_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<ConntrackKey, Expectation> _byKey = [];
    private readonly Dictionary<Connection, List<Expectation>> _byControl = [];
    private volatile int _count;

    public int Count => _count;

    /// <summary>The live expectation that a packet with this tuple fulfils.</summary>
    public Expectation? Find(in ConntrackKey tuple, long now)
    {
        if (_count == 0) return null;
        var key = tuple;
        key.PortSourceWire = 0;
        lock (_gate)
        {
            if (!_byKey.TryGetValue(key, out var expectation)) return null;
            if (expectation.ExpiresAt > now) return expectation;
            RemoveLocked(expectation);
            return null;
        }
    }

    /// <summary>Adds one, or renews the same of the same channel.</summary>
    /// <returns>False when another channel expects that tuple, or there is no room.</returns>
    public bool TryAdd(Expectation expectation)
    {
        lock (_gate)
        {
            if (_byKey.TryGetValue(expectation.Key, out var old))
            {
                var isStale = old.ExpiresAt <= expectation.ExpiresAt - LifeMilliseconds;
                if (!isStale && (!old.Control.Equals(expectation.Control)
                    || old.RealPortWire != expectation.RealPortWire))
                {
                    return false;
                }

                RemoveLocked(old);
            }

            if (!_byControl.TryGetValue(expectation.Control, out var list))
            {
                if (_byKey.Count >= CountMax) return false;
                _byControl.Add(expectation.Control, list = []);
            }

            if (list.Count >= CountPerControlMax) RemoveLocked(list[0]);
            _byControl[expectation.Control] = list;
            list.Add(expectation);
            _byKey.Add(expectation.Key, expectation);
            _count = _byKey.Count;
            return true;
        }
    }

    public void Remove(Expectation expectation)
    {
        lock (_gate) RemoveLocked(expectation);
    }

    /// <summary>A control channel is gone, and what it announced.</summary>
    public void RemoveAll(Connection control)
    {
        if (_count == 0) return;
        lock (_gate)
        {
            if (!_byControl.TryGetValue(control, out var list)) return;
            foreach (var expectation in list.ToArray()) RemoveLocked(expectation);
        }
    }

    /// <summary>Removes what has expired.</summary>
    public void Sweep(long now)
    {
        if (_count == 0) return;
        lock (_gate)
        {
            foreach (var expectation in _byKey.Values.Where(e => e.ExpiresAt <= now).ToArray())
            {
                RemoveLocked(expectation);
            }
        }
    }

    public Expectation[] ToArray()
    {
        lock (_gate) return [.. _byKey.Values];
    }

    private void RemoveLocked(Expectation expectation)
    {
        if (!_byKey.TryGetValue(expectation.Key, out var held)
            || !ReferenceEquals(held, expectation))
        {
            return;
        }

        _byKey.Remove(expectation.Key);
        var list = _byControl[expectation.Control];
        list.Remove(expectation);
        if (list.Count == 0) _byControl.Remove(expectation.Control);
        _count = _byKey.Count;
    }
}
