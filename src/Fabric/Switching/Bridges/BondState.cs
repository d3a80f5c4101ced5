using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>A member of a bond as it is now.</summary>
/// <param name="MayEnable">Link up, and no session says that the far end is gone.</param>
/// <param name="ChangesInMilliseconds">Until its delay is over; null: nothing is awaited.</param>
public sealed record BondMemberView(
    string Name, MacBytes Mac, bool MayEnable, bool IsEnabled, bool IsActive,
    long? ChangesInMilliseconds, ImmutableArray<(int Hash, ulong Bytes)> Loads);

/// <summary>What `bond/show` tells.</summary>
public sealed record BondView(
    string Name, BondMode Mode, uint HashBasis, int UpDelay, int DownDelay,
    long? NextRebalance, string? Primary, ImmutableArray<BondMemberView> Members);

/// <summary>One bond: who may send, who is active, which hash leaves through whom.</summary>
/// <remarks>
/// It outlives its bridge's actor, which updates it and publishes what comes of it; commands of
/// operators come from other threads. Rules: vswitchd.conf.db(5), "Bonding Configuration".
/// </remarks>
public sealed class BondState(string name)
{
    public const int HashCount = 256;
    private const int RebalanceDefault = 10_000;
    private const int RebalanceMin = 1_000;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Member> _members = new(StringComparer.Ordinal);
    private readonly GroupBucketCounter[] _counters =
        [.. Enumerable.Range(0, HashCount).Select(_ => new GroupBucketCounter())];
    private readonly BondBalance _balance = new();
    private BondMode _mode;
    private uint _basis;
    private int _upDelay;
    private int _downDelay;
    private int _rebalance;
    private long _rebalanceAt;
    private string? _primary;
    private string? _active;
    private bool _isChanged;

    private sealed class Member
    {
        public uint Number;
        public MacBytes Mac;
        public bool MayEnable;
        public bool IsEnabled;
        public long? ChangesAt;
    }

    /// <summary>Takes the row and the ports as they are now; what packets shall see.</summary>
    public BondSnapshot Update(PortSpec port, IEnumerable<PortSnapshot> members, long now)
    {
        lock (_lock)
        {
            Configure(port, now);
            var present = new HashSet<string>();
            foreach (var each in members)
            {
                present.Add(each.Name);
                if (!_members.TryGetValue(each.Name, out var member))
                {
                    _members[each.Name] = member = new Member();
                }

                (member.Number, member.Mac, member.MayEnable) =
                    (each.OpenFlowPort, each.Mac, each.IsLive);
            }

            foreach (var gone in _members.Keys.Except(present).ToArray()) _members.Remove(gone);
            Settle(now);
            Rebalance(now);
            _isChanged = false;
            return Snapshot();
        }
    }

    /// <summary>Something is to change by the passing of time, or by a command.</summary>
    public bool IsDue(long now)
    {
        lock (_lock)
        {
            return _isChanged || (_rebalance > 0 && now >= _rebalanceAt)
                || _members.Values.Any(each => each.ChangesAt <= now);
        }
    }

    public bool HasMember(string member)
    {
        lock (_lock) return _members.ContainsKey(member);
    }

    /// <summary>The member that is used where nothing is balanced; false: it is disabled.</summary>
    public bool TryActivate(string member, long now)
    {
        lock (_lock)
        {
            if (!_members[member].IsEnabled) return false;
            (_active, _isChanged) = (member, true);
            Settle(now);
            return true;
        }
    }

    /// <summary>At once, and only until the link's state is looked at again.</summary>
    public void Enable(string member, bool isEnabled, long now)
    {
        lock (_lock)
        {
            _members[member].IsEnabled = isEnabled;
            _isChanged = true;
            Settle(now);
        }
    }

    /// <summary>Moves a hash to a member; false: that one is disabled.</summary>
    public bool TryMigrate(int hash, string member)
    {
        lock (_lock)
        {
            if (!_members[member].IsEnabled) return false;
            _balance.Assign(hash & (HashCount - 1), _members[member].Number);
            _isChanged = true;
            return true;
        }
    }

    public BondView View(long now)
    {
        lock (_lock)
        {
            long? next = _rebalance > 0 && _mode != BondMode.ActiveBackup
                ? Math.Max(0, _rebalanceAt - now) : null;
            return new BondView(
                name, _mode, _basis, _upDelay, _downDelay, next, _primary,
                [.. _members.Select(each => new BondMemberView(
                    each.Key, each.Value.Mac, each.Value.MayEnable, each.Value.IsEnabled,
                    each.Key == _active, each.Value.ChangesAt - now,
                    _balance.LoadsOf(each.Value.Number)))]);
        }
    }

    private void Configure(PortSpec port, long now)
    {
        _mode = port.BondMode switch
        {
            "balance-slb" => BondMode.BalanceSlb,
            "balance-tcp" => BondMode.BalanceTcp,
            _ => BondMode.ActiveBackup,
        };
        _ = uint.TryParse(port.OtherConfig.GetValueOrDefault("bond-hash-basis"), out _basis);
        (_upDelay, _downDelay) = (port.BondUpDelayMilliseconds, port.BondDownDelayMilliseconds);
        _primary = port.OtherConfig.GetValueOrDefault("bond-primary");
        var text = port.OtherConfig.GetValueOrDefault("bond-rebalance-interval");
        var rebalance = !int.TryParse(text, out var wanted) ? RebalanceDefault
            : wanted == 0 ? 0 : Math.Max(RebalanceMin, wanted);
        if (rebalance == _rebalance) return;
        _rebalance = rebalance;
        _rebalanceAt = now + rebalance;
    }

    /// <summary>A link that stays up, or down, for its delay changes the member.</summary>
    private void Follow(Member member, long now)
    {
        if (member.MayEnable == member.IsEnabled)
        {
            member.ChangesAt = null;
            return;
        }

        // Where nobody else can send, waiting helps nobody.
        var isAlone = member.MayEnable && !_members.Values.Any(each => each.IsEnabled);
        var delay = isAlone ? 0 : member.MayEnable ? _upDelay : _downDelay;
        member.ChangesAt ??= now + delay;
        if (isAlone) member.ChangesAt = now;
        if (now < member.ChangesAt) return;
        (member.IsEnabled, member.ChangesAt) = (member.MayEnable, null);
    }

    private void Settle(long now)
    {
        foreach (var member in _members.Values) Follow(member, now);
        Activate();
    }

    private void Activate()
    {
        if (_primary is not null && _members.TryGetValue(_primary, out var primary)
            && primary.IsEnabled)
        {
            _active = _primary;
            return;
        }

        if (_active is not null && _members.TryGetValue(_active, out var active)
            && active.IsEnabled)
        {
            return;
        }

        _active = _members.FirstOrDefault(each => each.Value.IsEnabled).Key;
    }

    private void Rebalance(long now)
    {
        if (_rebalance == 0 || now < _rebalanceAt) return;
        _rebalanceAt = now + _rebalance;
        if (_mode != BondMode.ActiveBackup) _balance.Rebalance(_counters, Enabled());
    }

    private ImmutableArray<uint> Enabled() =>
        [.. _members.Values.Where(each => each.IsEnabled).Select(each => each.Number).Order()];

    private BondSnapshot Snapshot()
    {
        var enabled = Enabled();
        var active = _active is null ? 0 : _members[_active].Number;
        return new BondSnapshot(
            _mode, active, enabled, _basis, _balance.Spread(enabled), _counters);
    }
}
