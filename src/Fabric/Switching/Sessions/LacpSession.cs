using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>What rows ask of LACP at one port.</summary>
/// <param name="IsActive">Speaks first; a passive end only answers.</param>
/// <param name="IsFast">lacp-time fast: the partner shall send once a second.</param>
/// <param name="FallsBack">lacp-fallback-ab: without a partner it is an active-backup bond.</param>
/// <param name="SystemId">Null: the bridge's address.</param>
/// <param name="Members">By interface.</param>
public sealed record LacpSettings(
    bool IsActive, bool IsFast, bool FallsBack, MacBytes? SystemId, ushort SystemPriority,
    ImmutableSortedDictionary<string, LacpMemberSettings> Members);

/// <param name="PortId">0: the interface's OpenFlow number.</param>
/// <param name="Key">0: the number of the port's first member.</param>
public sealed record LacpMemberSettings(Guid Row, ushort PortId, ushort PortPriority, ushort Key);

/// <summary>How recent what a member knows of its partner is.</summary>
public enum LacpStatus
{
    /// <summary>Nothing is known.</summary>
    Defaulted,
    /// <summary>It was, and will be forgotten.</summary>
    Expired,
    Current,
}

/// <summary>One member of an aggregation.</summary>
public sealed class LacpMember
{
    public required string Interface { get; init; }
    public required LacpMemberSettings Settings { get; set; }
    public ushort PortId { get; set; }
    public LacpStatus Status { get; internal set; }
    public LacpInformation Partner { get; internal set; }

    /// <summary>Data units that were sent, that came in, and that made no sense.</summary>
    public long SentCount { get; internal set; }
    public long HeardCount { get; internal set; }
    public long BadCount { get; internal set; }

    /// <summary>How often its partner fell silent, was forgotten, and its link changed.</summary>
    public long ExpiredCount { get; internal set; }
    public long DefaultedCount { get; internal set; }
    public long CarrierCount { get; internal set; }

    /// <summary>In the aggregation that was chosen.</summary>
    public bool IsAttached { get; internal set; }
    internal long ReceiveBy { get; set; } = long.MaxValue;
    internal long SendAt { get; set; }

    /// <summary>What the partner, as far as its packets say, knows of us.</summary>
    internal LacpInformation Known { get; set; }
}

/// <summary>LACP at one port: a machine on given times (IEEE 802.1AX, as Open vSwitch has it).
/// </summary>
/// <remarks>
/// Members attach to the partner of the member that both ends prefer. All times are monotonic
/// milliseconds that the caller gives.
/// </remarks>
public sealed class LacpSession
{
    private const int FastInterval = 1000;
    private const int SlowInterval = 30_000;
    private const int RetryInterval = 100;
    private const int LostCount = 3;

    private readonly SortedDictionary<string, LacpMember> _members = new(StringComparer.Ordinal);
    private MacBytes _bridge;

    public LacpSession(LacpSettings settings, long now)
    {
        Settings = settings;
        Configure(settings, default, _ => 0, now);
    }

    public LacpSettings Settings { get; private set; }
    public IReadOnlyCollection<LacpMember> Members => _members.Values;

    /// <summary>Some member has a partner.</summary>
    public bool IsNegotiated { get; private set; }
    public MacBytes SystemId => Settings.SystemId ?? _bridge;

    /// <summary>The aggregation key of all members.</summary>
    public ushort Key
    {
        get
        {
            foreach (var member in _members.Values)
                return member.Settings.Key != 0 ? member.Settings.Key : member.PortId;
            return 0;
        }
    }

    public long Deadline
    {
        get
        {
            var next = long.MaxValue;
            foreach (var member in _members.Values)
            {
                next = Math.Min(next, member.ReceiveBy);
                if (MaySend(member)) next = Math.Min(next, member.SendAt);
            }

            return next;
        }
    }

    /// <param name="bridge">The bridge's address.</param>
    /// <param name="number">OpenFlow number of an interface; 0: none yet.</param>
    public void Configure(
        LacpSettings settings, MacBytes bridge, Func<string, uint> number, long now)
    {
        Settings = settings;
        _bridge = bridge;
        foreach (var gone in _members.Keys.Except(settings.Members.Keys).ToArray())
            _members.Remove(gone);
        foreach (var (name, member) in settings.Members)
        {
            if (!_members.TryGetValue(name, out var known))
            {
                _members[name] = known = new LacpMember
                {
                    Interface = name,
                    Settings = member,
                    SendAt = now,
                };
            }

            known.Settings = member;
            known.PortId = member.PortId != 0 ? member.PortId : (ushort)number(name);
        }

        Attach();
    }

    /// <summary>Takes a data unit that came in at a member.</summary>
    public void Hear(string name, in LacpDataUnit unit, long now)
    {
        if (!_members.TryGetValue(name, out var member)) return;
        member.HeardCount++;
        member.Status = LacpStatus.Current;
        member.ReceiveBy =
            now + (LostCount * (Settings.IsFast ? FastInterval : SlowInterval));
        member.Known = unit.Partner;
        member.Partner = unit.Actor;
        Attach();
    }

    /// <summary>A frame that is no data unit came in at a member.</summary>
    public void HearNonsense(string name)
    {
        if (_members.TryGetValue(name, out var member)) member.BadCount++;
    }

    /// <summary>The link went down or came up: what is known is old.</summary>
    public void NoteCarrier(string name, long now)
    {
        if (!_members.TryGetValue(name, out var member)) return;
        member.CarrierCount++;
        if (member.Status == LacpStatus.Current) Expire(member, now);
    }

    /// <summary>Lets time pass.</summary>
    /// <returns>Data units to send now, by interface.</returns>
    public ImmutableArray<(string Interface, LacpDataUnit Unit)> Advance(long now)
    {
        foreach (var member in _members.Values)
        {
            if (now < member.ReceiveBy) continue;
            if (member.Status == LacpStatus.Current) Expire(member, now);
            else Default(member);
        }

        Attach();
        var units = ImmutableArray.CreateBuilder<(string, LacpDataUnit)>();
        foreach (var member in _members.Values)
        {
            if (!MaySend(member)) continue;
            var actor = ActorOf(member);
            if (now < member.SendAt && Same(actor, member.Known)) continue;
            member.Known = actor;
            // Nobody there yet: it is looked for without patience.
            var isFast = member.Status == LacpStatus.Defaulted
                || (member.Partner.State & LacpState.Timeout) != 0;
            member.SendAt = now + (isFast ? FastInterval : SlowInterval);
            member.SentCount++;
            units.Add((member.Interface, new LacpDataUnit(actor, member.Partner, 0)));
        }

        return units.ToImmutable();
    }

    /// <summary>A data unit could not be sent: its interface is not there yet.</summary>
    public void NoteUnsent(string name, long now)
    {
        if (!_members.TryGetValue(name, out var member)) return;
        member.SentCount--;
        member.SendAt = now + RetryInterval;
    }

    /// <summary>Packets may go out of the member.</summary>
    public bool MayEnable(LacpMember member) => member.IsAttached
        && ((member.Partner.State & LacpState.Synchronization) != 0
            || (Settings.FallsBack && member.Status == LacpStatus.Defaulted));

    /// <summary>What the member says of itself.</summary>
    public LacpInformation ActorOf(LacpMember member)
    {
        var state = LacpState.None;
        if (Settings.IsActive) state |= LacpState.Activity;
        if (Settings.IsFast) state |= LacpState.Timeout;
        if (member.IsAttached) state |= LacpState.Synchronization;
        if (member.Status == LacpStatus.Defaulted) state |= LacpState.Defaulted;
        if (member.Status == LacpStatus.Expired) state |= LacpState.Expired;
        if (_members.Count > 1) state |= LacpState.Aggregation;
        if (member.IsAttached || !IsNegotiated)
            state |= LacpState.Collecting | LacpState.Distributing;
        return new LacpInformation(
            Settings.SystemPriority, SystemId, Key, member.Settings.PortPriority, member.PortId,
            state);
    }

    private bool MaySend(LacpMember member) =>
        Settings.IsActive || member.Status != LacpStatus.Defaulted;

    private static void Expire(LacpMember member, long now)
    {
        member.Status = LacpStatus.Expired;
        member.ExpiredCount++;
        var partner = member.Partner;
        member.Partner = partner with
        {
            State = (partner.State | LacpState.Timeout) & ~LacpState.Synchronization,
        };
        member.ReceiveBy = now + (LostCount * FastInterval);
    }

    private static void Default(LacpMember member)
    {
        member.Status = LacpStatus.Defaulted;
        member.DefaultedCount++;
        member.Partner = default;
        member.ReceiveBy = long.MaxValue;
    }

    /// <summary>Chooses the partner and who belongs to it.</summary>
    private void Attach()
    {
        LacpMember? lead = null;
        foreach (var member in _members.Values)
        {
            member.IsAttached = false;
            // Our own packets: two members are plugged into each other.
            if (!SystemId.IsZero && member.Partner.System == SystemId) continue;
            if (member.Status == LacpStatus.Defaulted) continue;
            member.IsAttached = true;
            if (lead is null || Priority(member).CompareTo(Priority(lead)) < 0) lead = member;
        }

        IsNegotiated = lead is not null;
        foreach (var member in _members.Values)
        {
            if (lead is null)
            {
                member.IsAttached =
                    Settings.FallsBack && member.Status == LacpStatus.Defaulted;
            }
            else if (member.Partner.Key != lead.Partner.Key
                || member.Partner.System != lead.Partner.System)
            {
                member.IsAttached = false;
            }
        }
    }

    /// <summary>By the end whose system comes first.</summary>
    private (ushort Priority, ushort Port) Priority(LacpMember member)
    {
        var actor = ActorOf(member);
        var partner = member.Partner;
        var order = actor.SystemPriority.CompareTo(partner.SystemPriority);
        if (order == 0) order = actor.System.CompareTo(partner.System);
        var chosen = order < 0 ? actor : partner;
        return (chosen.PortPriority, chosen.Port);
    }

    /// <summary>The partner knows all that matters; what it says of being in default does not.
    /// </summary>
    private static bool Same(LacpInformation actor, LacpInformation known)
    {
        const LacpState told = LacpState.Activity | LacpState.Timeout
            | LacpState.Synchronization | LacpState.Aggregation;
        return actor with { State = actor.State & told }
            == known with { State = known.State & told };
    }
}
