using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Wire;

namespace Fabric.Logical;

/// <content>Neighbours of routers: what one host hears, all know.</content>
public sealed partial class LogicalActor
{
    private LearnedAddressesChanged _learned = LearnedAddressesChanged.Nothing;

    private void OnLearned(LearnedAddressesChanged learned)
    {
        _learned = learned;
        TellNeighbors();
    }

    /// <summary>By keys, as flows want them; ports that are gone are left out.</summary>
    private void TellNeighbors()
    {
        if (_punts is null || _compiler.Topology is not { } topology) return;
        var known = ImmutableSortedDictionary.CreateBuilder<NeighborKey, MacBytes>();
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

        if (known.Count > 0) _punts.Tell(new NeighborsKnown(known.ToImmutable()));
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
