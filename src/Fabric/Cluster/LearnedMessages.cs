using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Fabric.Wire;

namespace Fabric.Cluster;

/// <summary>Names a neighbour: the router port that it was heard at, and its address.</summary>
/// <remarks>Ordered by port, then by address bytes, IPv4 first.</remarks>
public sealed record MacBindingKey(string LogicalPort, IPAddress Address)
    : IComparable<MacBindingKey>
{
    public int CompareTo(MacBindingKey? other)
    {
        if (other is null) return 1;
        var order = string.CompareOrdinal(LogicalPort, other.LogicalPort);
        if (order != 0) return order;
        var (one, two) = (Address.GetAddressBytes(), other.Address.GetAddressBytes());
        order = one.Length.CompareTo(two.Length);
        return order != 0 ? order : one.AsSpan().SequenceCompareTo(two);
    }
}

/// <summary>A neighbour of a router port, as a row of OVN's MAC_Binding.</summary>
/// <param name="HostId">The host that heard it last, and that lets it expire.</param>
public sealed record MacBinding(
    string LogicalPort, IPAddress Address, MacBytes Mac, string HostId)
{
    public MacBindingKey Key => new(LogicalPort, Address);
}

/// <summary>Names a station: the logical switch and the MAC address.</summary>
public sealed record FdbKey(Guid Datapath, MacBytes Mac) : IComparable<FdbKey>
{
    public int CompareTo(FdbKey? other)
    {
        if (other is null) return 1;
        var order = Datapath.CompareTo(other.Datapath);
        return order != 0 ? order : Mac.CompareTo(other.Mac);
    }
}

/// <summary>Behind which port of a logical switch a MAC is, as a row of OVN's FDB.</summary>
/// <param name="Datapath">Row of Logical_Switch.</param>
/// <param name="HostId">The host that heard it last, and that lets it expire.</param>
public sealed record FdbEntry(Guid Datapath, MacBytes Mac, string LogicalPort, string HostId)
{
    public FdbKey Key => new(Datapath, Mac);
}

/// <summary>To host/cluster: heard here. What says nothing new is not gossiped.</summary>
/// <remarks>
/// Of two hosts that hear different things of one key the later one wins: each hearing counts the
/// key's version up. HostId of what is learned is this host's, whatever it says.
/// </remarks>
public sealed record LearnAddresses(
    ImmutableArray<MacBinding> MacBindings, ImmutableArray<FdbEntry> Fdb);

/// <summary>To host/cluster: not heard of for too long. Only what this host owns goes.</summary>
public sealed record ForgetAddresses(
    ImmutableArray<MacBindingKey> MacBindings, ImmutableArray<FdbKey> Fdb);

/// <summary>To host/cluster; answered by <see cref="LearnedAddressesChanged"/>.</summary>
public sealed record SubscribeLearnedAddresses(IActorRef Subscriber);

/// <summary>All that hosts have learned, now and at each change, several changes as one.</summary>
public sealed record LearnedAddressesChanged(
    ImmutableSortedDictionary<MacBindingKey, MacBinding> MacBindings,
    ImmutableSortedDictionary<FdbKey, FdbEntry> Fdb)
{
    public static readonly LearnedAddressesChanged Nothing = new(
        ImmutableSortedDictionary<MacBindingKey, MacBinding>.Empty,
        ImmutableSortedDictionary<FdbKey, FdbEntry>.Empty);
}

/// <summary>To host/cluster: whom this host would have as active gateway, as a whole.</summary>
/// <param name="ByRouterPort">Host id by distributed gateway port; one vote for each.</param>
public sealed record VoteForGateways(ImmutableSortedDictionary<string, string> ByRouterPort);

/// <summary>To host/cluster; answered by <see cref="GatewaysElected"/>.</summary>
public sealed record SubscribeGateways(IActorRef Subscriber);

/// <summary>The host with most votes for each port; of several the lowest id.</summary>
/// <remarks>Only hosts that are alive vote and are voted for.</remarks>
public sealed record GatewaysElected(ImmutableSortedDictionary<string, string> ByRouterPort);

/// <summary>To host/cluster, every few seconds: what this host has to do.</summary>
/// <param name="FlowCount">Megaflows in the kernel extension.</param>
/// <param name="CpuPercent">Of one core; 0 to 100 times the cores.</param>
/// <param name="MemoryBytes">Resident memory of the host node.</param>
public sealed record HostLoad(long PortCount, long FlowCount, long CpuPercent, long MemoryBytes);

/// <summary>To host/cluster; answered by <see cref="HostLoadsChanged"/>.</summary>
public sealed record SubscribeHostLoads(IActorRef Subscriber);

/// <summary>From gossip: how far each host that is alive has come.</summary>
/// <param name="ByHost">NB_Global.nb_cfg whose flows are installed there; 0: not told yet.</param>
public sealed record HostsAppliedChanged(ImmutableSortedDictionary<string, long> ByHost);

/// <summary>Loads by host id, of hosts that are alive and have told theirs.</summary>
public sealed record HostLoadsChanged(ImmutableSortedDictionary<string, HostLoad> Loads);
