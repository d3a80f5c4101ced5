using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Wire;

namespace Fabric.Logical;

/// <content>Neighbours of routers: what one host hears, all know.</content>
public sealed partial class LogicalActor
{
    private const string AgeOption = "mac_binding_age_threshold";

    private static readonly TimeSpan AgeInterval = TimeSpan.FromSeconds(1);

    private readonly SortedDictionary<MacBindingKey, TimeSpan> _heardAt = [];
    private LearnedAddressesChanged _learned = LearnedAddressesChanged.Nothing;

    private sealed record NeighborsAged;

    private void OnLearned(LearnedAddressesChanged learned)
    {
        _learned = learned;
        FollowSightings();
        TellNeighbors();
        TellStations();
        AgeNeighbors();
    }

    /// <summary>By keys, as flows want them; ports that are gone are left out.</summary>
    private void TellNeighbors()
    {
        if (_punts is null || _compiler.Topology is not { } topology) return;
        var known = ImmutableSortedDictionary.CreateBuilder<NeighborKey, MacBytes>();
        foreach (var (name, owner) in _sightings.Virtual) AddVirtual(topology, known, name, owner);
        foreach (var binding in _learned.MacBindings.Values)
        {
            if (topology.RouterPort(binding.LogicalPort) is not { } port
                || topology.RouterOf(port) is not { } router
                || topology.DatapathKey(router.Uuid) is not { } datapath
                || topology.PortKey(port.Uuid) is not { } key
                || !IpPrefix.TryParse(binding.Address.ToString(), out var ip))
            {
                continue;
            }

            known[new NeighborKey(datapath, key, ip.Address, ip.IsIpv6)] = binding.Mac;
        }

        _punts.Tell(new NeighborsKnown(known.ToImmutable()));
    }

    /// <summary>
    /// options:mac_binding_age_threshold of routers: what this host has heard and is older goes;
    /// traffic asks again.
    /// </summary>
    private void AgeNeighbors()
    {
        if (_compiler.Topology is not { } topology || _host is null) return;
        var now = Context.System.Scheduler.MonotonicClock;
        var own = _learned.MacBindings.Values
            .Where(binding => binding.HostId == _host.HostId).ToList();
        foreach (var gone in _heardAt.Keys.Except(own.Select(each => each.Key)).ToList())
            _heardAt.Remove(gone);
        var old = new List<MacBindingKey>();
        var isNeeded = false;
        foreach (var binding in own)
        {
            _heardAt.TryAdd(binding.Key, now);
            if (NeighborAgeOf(topology, binding) is not { } age) continue;

            isNeeded = true;
            if (now - _heardAt[binding.Key] >= age) old.Add(binding.Key);
        }

        if (old.Count > 0) _around.Cluster.Tell(new ForgetAddresses([.. old], []));
        if (isNeeded)
            Timers.StartSingleTimer(nameof(AgeNeighbors), new NeighborsAged(), AgeInterval);
    }

    private TimeSpan? NeighborAgeOf(LogicalTopology topology, MacBinding binding)
    {
        if (topology.RouterPort(binding.LogicalPort) is not { } port) return AgeOf(binding);
        return topology.RouterOf(port)?.Options.GetValueOrDefault(AgeOption) is { } text
            ? NeighborAge.Of(text, binding.Address)
            : null;
    }

    /// <summary>Routers at the switch resolve the address to who answers for it.</summary>
    private static void AddVirtual(
        LogicalTopology topology,
        ImmutableSortedDictionary<NeighborKey, MacBytes>.Builder known, string name,
        VirtualOwner owner)
    {
        if (topology.SwitchPort(name) is not { } virtualPort
            || topology.SwitchIdOf(virtualPort.Uuid) is not { } datapath)
        {
            return;
        }

        foreach (var link in topology.LinksOf(datapath))
        {
            if (topology.PeerOf(link) is { } port && topology.RouterOf(port) is { } router
                && topology.DatapathKey(router.Uuid) is { } key
                && topology.PortKey(port.Uuid) is { } portKey)
            {
                var ip = owner.Address;
                known[new NeighborKey(key, portKey, ip.Address, ip.IsIpv6)] = owner.Mac;
            }
        }
    }

    private void OnHeard(NeighborHeard heard)
    {
        if (_compiler.Topology is not { } topology) return;
        var key = heard.Neighbor;
        var port = topology.Rows.Routers.Values
            .Where(router => topology.DatapathKey(router.Uuid) == key.Datapath)
            .SelectMany(topology.PortsOf)
            .FirstOrDefault(port => topology.PortKey(port.Uuid) == key.Port);
        if (port is null) return;
        var address = new IpPrefix(key.IsIpv6, key.Address, key.IsIpv6 ? 128 : 32).ToAddress();
        _around.Cluster.Tell(new LearnAddresses(
            [new MacBinding(port.Name, address, heard.Mac, _host?.HostId ?? "")], []));
    }
}
