using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <summary>
/// Flows of one logical router: one section per table, in the order packets pass them.
/// </summary>
/// <remarks>
/// Routing happens at the sender's host, whole. Stage order, priorities and effects are OVN's
/// (ovn-northd(8), "Logical Router Datapaths"). Parts: Input (what is for the router itself),
/// Routing (routes, policies), Resolve (next hop to MAC), Translation (NAT).
/// </remarks>
internal sealed partial class RouterPipeline
{
    private readonly CompilePass _pass;
    private readonly RouterView _view;
    private readonly DatapathContext _names;
    private readonly FlowMatch _here;

    private RouterPipeline(CompilePass pass, RouterView view)
    {
        _pass = pass;
        _view = view;
        _names = view.Names;
        _here = FlowMatch.On(view.Key);
    }

    /// <param name="neighbors">
    /// Ports of switches at the router that may have changed; null: any may have.
    /// </param>
    public static void Compile(
        CompilePass pass, RouterView view, IReadOnlySet<Guid>? neighbors)
    {
        var pipeline = new RouterPipeline(pass, view);
        pipeline.CompileWhole();
        pipeline.CompilePorts();
        pipeline.CompileRoutes();
        pipeline.CompilePolicies();
        pipeline.CompileNeighbors(neighbors);
        pipeline.CompileStaticBindings();
        pipeline.CompileTranslations();
        pipeline.CompileSessions();
        pipeline.CompileMulticast();
    }

    /// <summary>Only what depends on sets, groups and residents.</summary>
    public static void CompileExpressions(CompilePass pass, RouterView view)
    {
        var pipeline = new RouterPipeline(pass, view);
        pipeline.CompilePolicies();
        pipeline.CompileTranslations();
    }

    private Guid Uuid => _view.Row.Uuid;

    private static FlowActions Next(byte stage, FlowActions? before = null)
    {
        var used = stage >= PhysicalTables.LogicalEgress ? RouterEgress.Used : RouterIngress.Used;
        return (before ?? new FlowActions()).Next(used[Array.IndexOf(used, stage) + 1]);
    }

    private void CompileWhole()
    {
        object?[] inputs = [_view.Key, _view.Row.IsEnabled];
        _pass.Block("router", Uuid, Uuid, inputs, block =>
        {
            AddDefaults(block, RouterIngress.Used);
            AddDefaults(block, RouterEgress.Used);
            AddAdmission(block);
            AddInputRules(block);
            AddRoutingRules(block);
            AddResolveRules(block);
        });
    }

    /// <summary>Priority 0: on to the next stage; where OVN drops, the router drops.</summary>
    private void AddDefaults(FlowBlockBuilder block, byte[] stages)
    {
        for (var i = 0; i + 1 < stages.Length; i++)
        {
            if (stages[i] is RouterIngress.Admission or RouterIngress.Routing
                or RouterIngress.RoutingEcmp or RouterIngress.PolicyEcmp)
            {
                continue;
            }

            block.Add(stages[i], 0, _here, FlowActions.To(stages[i + 1]));
        }
    }

    // Ingress 0: frames for the router's own MACs and multicast; nothing tagged.
    private void AddAdmission(FlowBlockBuilder block)
    {
        if (!_view.Row.IsEnabled) return;
        block.Add(RouterIngress.Admission, 100, _here.Has(VlanPresent), FlowActions.Drop);
        block.Add(RouterIngress.Admission, 100, _here.Has(SourceMulticast), FlowActions.Drop);
    }

    private void CompilePorts()
    {
        foreach (var port in _view.Ports)
        {
            object?[] inputs =
            [
                port, _view.Key, _view.Row.IsEnabled, _view.RouteTables.Count, TableOf(port),
                TranslatedOf(port), _view.IsGatewayRouter, _view.GatewayPorts.IsEmpty,
            ];
            _pass.Block("router-port", port.Row.Uuid, Uuid, inputs, block =>
            {
                if (!_view.Row.IsEnabled || !port.Row.IsEnabled) return;
                AddPortAdmission(block, port);
                foreach (var network in port.Row.Networks) AddOwnAddress(block, port, network);
                AddRouteTable(block, port);
                AddGateway(block, port);
                AddDelivery(block, port);
                AddAdvertisement(block, port);
                AddDelegation(block, port);
            });
            CompileMtu(port);
        }
    }

    /// <summary>Own addresses that NAT or load balancing uses, too.</summary>
    private IpPrefix[] TranslatedOf(RouterPortView port) =>
    [
        .. port.Row.Networks.Select(network => network.Host)
            .Where(own => _view.TranslatedAddresses.Contains(own)),
    ];

    private void AddPortAdmission(FlowBlockBuilder block, RouterPortView port)
    {
        const byte table = RouterIngress.Admission;
        var from = _here.Inport(port.Key);
        var admit = Next(table, new FlowActions().Set(InportMac, port.Row.Mac.ToUInt64()));
        block.Add(table, 50, from.Has(DestinationMulticast), admit);
        if (!port.IsResident) return;
        block.Add(table, 50, from.Is(MatchField.EthernetDestination, port.Row.Mac), admit);
    }

    private uint TableOf(RouterPortView port) =>
        port.Row.Options.TryGetValue("route_table", out var name)
            ? _view.RouteTables.GetValueOrDefault(name)
            : 0;

    // Ingress 15: the route table of the port.
    private void AddRouteTable(FlowBlockBuilder block, RouterPortView port)
    {
        if (TableOf(port) is not (> 0 and var number)) return;
        block.Add(
            RouterIngress.RoutingPre, 100, _here.Inport(port.Key),
            Next(RouterIngress.RoutingPre, new FlowActions().Set(RouteTable, number)));
    }

    // Egress 6: out of the router.
    private void AddDelivery(FlowBlockBuilder block, RouterPortView port)
    {
        var to = _here.Outport(port.Key);
        var deliver = FlowActions.To(PhysicalTables.SaveInport);
        block.Add(RouterEgress.Delivery, 100, to, deliver);
        block.Add(
            RouterEgress.Delivery, 110, to.Has(DestinationMulticast),
            new FlowActions().Set(MatchField.EthernetSource, port.Row.Mac).Append(deliver));
    }
}
