using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;

namespace Fabric.Pipeline;

/// <summary>A port that wants a group, or that a multicast router is behind.</summary>
/// <param name="Group">Null: a router is behind the port.</param>
/// <param name="HeardMilliseconds">Its last report or query.</param>
public sealed record MulticastListener(
    IPAddress? Group, ushort Vlan, string Port, long HeardMilliseconds);

/// <summary>Who listens to which group, as IGMP and MLD tell it (RFC 4541).</summary>
/// <remarks>
/// Packet threads read without a lock; reports, which are few, take one. The group that was heard
/// of longest ago goes when the table is full. <see cref="Generation"/> moves when a decision that
/// a megaflow remembers could differ. Addresses are 128 bits, IPv4 as ::ffff:a.b.c.d.
/// </remarks>
public sealed class MulticastTable
{
    public const int CountMaxDefault = 2048;
    public const int AgingSecondsDefault = 300;

    /// <summary>A router that has not asked for so long is gone.</summary>
    private const int RouterMilliseconds = 180_000;

    private readonly record struct Member(string Port, long Heard);

    /// <summary>
    /// One that everybody has left is remembered for a while: it is not flooded meanwhile.
    /// </summary>
    private sealed record Group(ImmutableArray<Member> Members, long Heard);

    private readonly record struct GroupKey(UInt128 Address, ushort Vlan);

    private sealed record State(
        ImmutableDictionary<GroupKey, Group> Groups,
        ImmutableDictionary<ushort, ImmutableArray<Member>> Routers)
    {
        public static readonly State Empty = new(
            ImmutableDictionary<GroupKey, Group>.Empty,
            ImmutableDictionary<ushort, ImmutableArray<Member>>.Empty);
    }

    private readonly Lock _writing = new();
    private State _state = State.Empty;
    private long _generation;

    public int CountMax { get; set; } = CountMaxDefault;
    public int AgingSeconds { get; set; } = AgingSecondsDefault;
    public long Generation => Interlocked.Read(ref _generation);
    public int GroupCount => Volatile.Read(ref _state).Groups.Count;

    /// <summary>Ports that want the group, the one heard of last at the end.</summary>
    /// <returns>False: nobody has asked for the group lately.</returns>
    public bool TryFind(UInt128 group, ushort vlan, out ImmutableArray<string> ports)
    {
        var isKnown = Volatile.Read(ref _state).Groups.TryGetValue(
            new GroupKey(group, vlan), out var found);
        ports = isKnown ? PortsOf(found!.Members) : [];
        return isKnown;
    }

    /// <summary>Ports that multicast routers of a VLAN are behind.</summary>
    public ImmutableArray<string> RoutersOf(ushort vlan) =>
        Volatile.Read(ref _state).Routers.TryGetValue(vlan, out var members)
            ? PortsOf(members) : [];

    /// <summary>A report: 'port' wants 'group'. True when nobody did before.</summary>
    /// <remarks>A port with a router hears everything anyway and is not noted.</remarks>
    public bool Join(UInt128 group, ushort vlan, string port, long now)
    {
        lock (_writing)
        {
            if (RoutersOf(vlan).Contains(port)) return false;
            var key = new GroupKey(group, vlan);
            var groups = _state.Groups;
            var isKnown = groups.TryGetValue(key, out var known);
            if (!isKnown && groups.Count >= CountMax) groups = Evicted(groups);
            var members = known?.Members ?? [];
            var isNews = !members.Any(each => each.Port == port);
            var after = new Group(Heard(members, port, now), now);
            Put(_state with { Groups = groups.SetItem(key, after) }, isNews);
            return !isKnown;
        }
    }

    /// <summary>'port' no longer wants 'group'; true when it did.</summary>
    public bool Leave(UInt128 group, ushort vlan, string port)
    {
        lock (_writing)
        {
            var key = new GroupKey(group, vlan);
            if (!_state.Groups.TryGetValue(key, out var known)) return false;
            var left = known.Members.RemoveAll(each => each.Port == port);
            if (left.Length == known.Members.Length) return false;
            var groups = _state.Groups.SetItem(key, known with { Members = left });
            Put(_state with { Groups = groups }, isNews: true);
            return true;
        }
    }

    /// <summary>A query: a router is behind 'port'. True when that is news.</summary>
    public bool SeeRouter(ushort vlan, string port, long now)
    {
        lock (_writing)
        {
            var members = _state.Routers.GetValueOrDefault(vlan, []);
            var isNews = !members.Any(each => each.Port == port);
            Put(_state with
            {
                Routers = _state.Routers.SetItem(vlan, Heard(members, port, now)),
            }, isNews);
            return isNews;
        }
    }

    /// <summary>Forgets what was not heard of for long.</summary>
    public void Age(long now)
    {
        if (ReferenceEquals(Volatile.Read(ref _state), State.Empty)) return;
        Keep(
            member => now - member.Heard < AgingSeconds * 1000L,
            group => now - group.Heard < AgingSeconds * 1000L,
            router => now - router.Heard < RouterMilliseconds);
    }

    /// <summary>Forgets ports that are not there any more.</summary>
    public void KeepPorts(IReadOnlySet<string> ports) =>
        Keep(
            member => ports.Contains(member.Port), _ => ports.Count > 0,
            router => ports.Contains(router.Port));

    public void Flush()
    {
        lock (_writing) Put(State.Empty, isNews: true);
    }

    /// <summary>Groups, the one heard of last at the end, and then routers.</summary>
    public ImmutableArray<MulticastListener> Dump()
    {
        var state = Volatile.Read(ref _state);
        return
        [
            .. state.Groups.OrderBy(group => group.Value.Heard)
                .ThenBy(group => group.Key.Address)
                .SelectMany(group => group.Value.Members.Select(member => new MulticastListener(
                    AddressOf(group.Key.Address), group.Key.Vlan, member.Port, member.Heard))),
            .. state.Routers.SelectMany(vlan => vlan.Value.Select(member => new MulticastListener(
                    null, vlan.Key, member.Port, member.Heard)))
                .OrderBy(router => router.HeardMilliseconds),
        ];
    }

    /// <summary>A group's 4 or 16 bytes as this table keeps it.</summary>
    public static UInt128 NumberOf(ReadOnlySpan<byte> group) => group.Length == 16
        ? BinaryPrimitives.ReadUInt128BigEndian(group)
        : NumberOf(BinaryPrimitives.ReadUInt32BigEndian(group));

    /// <summary>The same of an IPv4 address in host order.</summary>
    public static UInt128 NumberOf(uint group) => 0xFFFF_0000_0000UL | group;

    public static IPAddress AddressOf(UInt128 group)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, group);
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    private static ImmutableArray<string> PortsOf(ImmutableArray<Member> members) =>
        [.. members.Select(member => member.Port)];

    private static ImmutableArray<Member> Heard(
        ImmutableArray<Member> members, string port, long now) =>
        members.RemoveAll(each => each.Port == port).Add(new Member(port, now));

    private static ImmutableDictionary<GroupKey, Group> Evicted(
        ImmutableDictionary<GroupKey, Group> groups) =>
        groups.IsEmpty ? groups : groups.Remove(groups.MinBy(group => group.Value.Heard).Key);

    private void Keep(
        Predicate<Member> keepsMember, Predicate<Group> keepsEmpty, Predicate<Member> keepsRouter)
    {
        lock (_writing)
        {
            var groups = _state.Groups;
            foreach (var (key, group) in _state.Groups)
            {
                var left = group.Members.RemoveAll(each => !keepsMember(each));
                if (left.IsEmpty && !keepsEmpty(group)) groups = groups.Remove(key);
                else if (left.Length != group.Members.Length)
                {
                    groups = groups.SetItem(key, group with { Members = left });
                }
            }

            var routers = _state.Routers;
            foreach (var (vlan, members) in _state.Routers)
            {
                var left = members.RemoveAll(each => !keepsRouter(each));
                if (left.Length == members.Length) continue;
                routers = left.IsEmpty ? routers.Remove(vlan) : routers.SetItem(vlan, left);
            }

            if (!ReferenceEquals(groups, _state.Groups)
                || !ReferenceEquals(routers, _state.Routers))
            {
                Put(new State(groups, routers), isNews: true);
            }
        }
    }

    private void Put(State state, bool isNews)
    {
        Volatile.Write(ref _state, state);
        if (isNews) Interlocked.Increment(ref _generation);
    }
}
