using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Fabric.Cluster;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>A service that a host probes: a backend of a load balancer.</summary>
/// <param name="LogicalPort">The port that the backend is behind.</param>
/// <param name="Protocol">IP protocol: 6 or 17.</param>
public sealed record ServiceKey(
    string LogicalPort, IpPrefix Address, byte Protocol, ushort Port) : IComparable<ServiceKey>
{
    public int CompareTo(ServiceKey? other)
    {
        if (other is null) return 1;
        var order = string.CompareOrdinal(LogicalPort, other.LogicalPort);
        return order != 0
            ? order
            : (Address.IsIpv6, Address.Address, Protocol, Port).CompareTo(
                (other.Address.IsIpv6, other.Address.Address, other.Protocol, other.Port));
    }

    public string ProtocolName => Protocol == IpProtocol.Udp ? "udp" : "tcp";
}

/// <summary>Who answers for a virtual port's address.</summary>
/// <param name="HostId">The host that heard it last.</param>
public sealed record VirtualOwner(IpPrefix Address, MacBytes Mac, string HostId);

/// <summary>What hosts have seen of workloads; the gossip of learned addresses has it.</summary>
/// <remarks>
/// A record of gossip names a port, an address and a MAC. Besides a router's neighbours there are:
/// the address of a virtual port, with the MAC that answers for it; a multicast group at a port,
/// with the group's MAC; "PORT tcp:80", a probed service at its backend's address: the zero MAC
/// says that nobody answered. Names of ports hold no blank before "tcp:", so the kinds do not mix.
/// </remarks>
public sealed record Sightings(
    ImmutableSortedDictionary<string, VirtualOwner> Virtual,
    ImmutableSortedDictionary<string, ImmutableSortedSet<IpPrefix>> Groups,
    ImmutableSortedDictionary<ServiceKey, bool> Services)
{
    /// <summary>Stands for a backend that answers.</summary>
    private static readonly MacBytes Answers = MacBytes.FromUInt64(0x0200_0000_0001);

    public static Sightings None { get; } = new(
        ImmutableSortedDictionary<string, VirtualOwner>.Empty,
        ImmutableSortedDictionary<string, ImmutableSortedSet<IpPrefix>>.Empty,
        ImmutableSortedDictionary<ServiceKey, bool>.Empty);

    /// <summary>Backends that were probed and do not answer.</summary>
    public ImmutableSortedSet<ServiceKey> Offline { get; } =
        [.. Services.Where(each => !each.Value).Select(each => each.Key)];

    /// <param name="isVirtual">Whether that is the name of a virtual port.</param>
    public static Sightings Read(LearnedAddressesChanged learned, Predicate<string> isVirtual)
    {
        var owners = ImmutableSortedDictionary.CreateBuilder<string, VirtualOwner>(
            StringComparer.Ordinal);
        var groups = new SortedDictionary<string, List<IpPrefix>>(StringComparer.Ordinal);
        var services = ImmutableSortedDictionary.CreateBuilder<ServiceKey, bool>();
        foreach (var each in learned.MacBindings.Values)
        {
            if (!IpPrefix.TryParse($"{each.Address}", out var address)) continue;
            if (address.IsMulticast)
            {
                if (!groups.TryGetValue(each.LogicalPort, out var members))
                    groups[each.LogicalPort] = members = [];
                members.Add(address);
            }
            else if (TryService(each.LogicalPort, address, out var service))
            {
                services[service] = !each.Mac.IsZero;
            }
            else if (isVirtual(each.LogicalPort))
            {
                owners[each.LogicalPort] = new VirtualOwner(address, each.Mac, each.HostId);
            }
        }

        return new Sightings(
            owners.ToImmutable(),
            groups.ToImmutableSortedDictionary(
                pair => pair.Key,
                pair => pair.Value.ToImmutableSortedSet(AddressOrder.Instance),
                StringComparer.Ordinal),
            services.ToImmutable());
    }

    /// <summary>These, with what is as before as the same objects.</summary>
    public Sightings After(Sightings before)
    {
        var groups = Groups;
        foreach (var (port, members) in Groups)
        {
            if (before.Groups.TryGetValue(port, out var known) && known.SetEquals(members))
                groups = groups.SetItem(port, known);
        }

        var isSame = groups.SequenceEqual(before.Groups) && Virtual.SequenceEqual(before.Virtual)
            && Services.SequenceEqual(before.Services);
        return isSame ? before : this with { Groups = groups };
    }

    /// <summary>The record is a member of a multicast group.</summary>
    public static bool IsGroup(MacBinding record) =>
        IpPrefix.TryParse($"{record.Address}", out var address) && address.IsMulticast;

    public static MacBinding OfVirtual(string port, IpPrefix address, MacBytes mac) =>
        new(port, address.ToAddress(), mac, "");

    public static MacBinding OfGroup(string port, IpPrefix group) =>
        new(port, group.ToAddress(), MacOf(group), "");

    public static MacBinding OfService(ServiceKey service, bool isOnline) => new(
        NameOf(service), service.Address.ToAddress(), isOnline ? Answers : default, "");

    public static MacBindingKey KeyOf(ServiceKey service) =>
        new(NameOf(service), service.Address.ToAddress());

    /// <summary>Frames to a group carry its last bits (RFC 1112 6.4, RFC 2464 7).</summary>
    public static MacBytes MacOf(IpPrefix group) => MacBytes.FromUInt64(group.IsIpv6
        ? 0x3333_0000_0000 | (ulong)(group.Address & 0xffff_ffff)
        : 0x0100_5e00_0000 | (ulong)(group.Address & 0x7f_ffff));

    private static string NameOf(ServiceKey service) => string.Create(
        CultureInfo.InvariantCulture,
        $"{service.LogicalPort} {service.ProtocolName}:{service.Port}");

    private static bool TryService(string name, IpPrefix address, out ServiceKey service)
    {
        service = default!;
        var blank = name.LastIndexOf(' ');
        if (blank <= 0) return false;
        var parts = name[(blank + 1)..].Split(':');
        if (parts is not ["tcp" or "udp", var text]
            || !ushort.TryParse(
                text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return false;
        }

        var protocol = parts[0] == "udp" ? IpProtocol.Udp : IpProtocol.Tcp;
        service = new ServiceKey(name[..blank], address, protocol, port);
        return true;
    }

    private sealed class AddressOrder : IComparer<IpPrefix>
    {
        public static AddressOrder Instance { get; } = new();

        public int Compare(IpPrefix one, IpPrefix two) =>
            (one.IsIpv6, one.Address).CompareTo((two.IsIpv6, two.Address));
    }
}
