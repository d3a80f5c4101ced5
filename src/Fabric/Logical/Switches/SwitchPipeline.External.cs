using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <content>Ports of type external: workloads behind the physical network.</content>
internal sealed partial class SwitchPipeline
{
    // Ingress 40: of all hosts that hear such a workload only one lets it reach routers.
    private void CompileExternalPorts()
    {
        foreach (var port in _view.ExternalPorts)
        {
            if (!EntriesOf(port).IsEmpty) continue; // It is served here.
            uint[] entries =
                [.. _view.Ports.Where(each => each.Row.IsLocalnet).Select(each => each.Key)];
            LogicalRouterPort[] routers =
                [.. _view.Ports.Select(each => each.Peer).OfType<LogicalRouterPort>()];
            object?[] inputs = [port.Row, _traits.Key, entries, routers];
            _pass.Block("external", port.Row.Uuid, Uuid, inputs, block =>
            {
                foreach (var entry in entries)
                {
                    foreach (var addresses in port.Addresses)
                    {
                        var from = _here.Inport(entry)
                            .Is(MatchField.EthernetSource, addresses.Mac);
                        foreach (var router in routers) AddElsewhere(block, from, router);
                    }
                }
            });
        }
    }

    private static void AddElsewhere(
        FlowBlockBuilder block, FlowMatch from, LogicalRouterPort router)
    {
        const byte table = SwitchIngress.ExternalPort;
        block.Add(
            table, 100, from.Is(MatchField.EthernetDestination, router.Mac), FlowActions.Drop);
        foreach (var own in router.Networks)
        {
            var request = own.IsIpv6
                ? from.Neighbor(135).Is(MatchField.NdTarget, own.Address)
                : from.Arp(1).Is(MatchField.ArpTpa, own.Address);
            block.Add(table, 100, request, FlowActions.Drop);
        }
    }
}
