using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>What the compiler must know of this host and of where the others' ports are.</summary>
/// <param name="HostId">The host's own id (system-id).</param>
/// <param name="Interfaces">OpenFlow ports of br-int by logical port (iface-id).</param>
/// <param name="Tunnels">OpenFlow port of the tunnel to each other host, by host id.</param>
/// <param name="Locations">Host id by logical port; ports that nobody bound are absent.</param>
/// <param name="Zones">
/// Conntrack zones by name (port name, or datapath UUID + _dnat or _snat).
/// </param>
/// <param name="PhysicalNetworks">OpenFlow port towards the network, by localnet port name.</param>
public sealed record HostView(
    string HostId, ImmutableSortedDictionary<string, uint> Interfaces,
    ImmutableSortedDictionary<string, uint> Tunnels,
    ImmutableSortedDictionary<string, string> Locations,
    ImmutableSortedDictionary<string, ushort> Zones,
    ImmutableSortedDictionary<string, uint> PhysicalNetworks)
{
    /// <summary>
    /// The host that acts, by gateway port or group; "" for nobody. Where nothing is said, the most
    /// preferred candidate with a tunnel acts.
    /// </summary>
    public ImmutableSortedDictionary<string, string> Gateways { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What hosts have seen of workloads.</summary>
    public Sightings Sightings { get; init; } = Sightings.None;

    /// <summary>Backends of load balancers that were probed and do not answer.</summary>
    public ImmutableSortedSet<ServiceKey> Offline => Sightings.Offline;

    /// <summary>The port is here: an interface, or virtual and answered for here.</summary>
    public bool IsResident(string port) => Interfaces.ContainsKey(port)
        || (Locations.TryGetValue(port, out var owner) && owner == HostId);

    public static HostView Empty(string hostId) => new(
        hostId, ImmutableSortedDictionary<string, uint>.Empty,
        ImmutableSortedDictionary<string, uint>.Empty,
        ImmutableSortedDictionary<string, string>.Empty,
        ImmutableSortedDictionary<string, ushort>.Empty,
        ImmutableSortedDictionary<string, uint>.Empty);

    /// <summary>The zone, or 0 while none is allocated.</summary>
    public ushort Zone(string name) => Zones.GetValueOrDefault(name);

    /// <summary>Where the port is if it is elsewhere: the tunnel's OpenFlow port.</summary>
    public uint? TunnelTo(string port) =>
        Locations.TryGetValue(port, out var host) && host != HostId
        && Tunnels.TryGetValue(host, out var tunnel)
            ? tunnel
            : null;
}
