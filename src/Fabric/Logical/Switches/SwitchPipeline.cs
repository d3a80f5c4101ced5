using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <summary>
/// Flows of one logical switch: one section per table, in the order packets pass them.
/// </summary>
/// <remarks>
/// The sender's host runs ingress, the receiver's egress. Stage order, priorities and effects are
/// OVN's (ovn-northd(8), "Logical Switch Datapaths"). Parts: Ports (admission, port security), Acl,
/// LoadBalancing, Responders (ARP, ND, DHCP, DNS), Destination (L2 lookup).
/// </remarks>
internal sealed partial class SwitchPipeline
{
    private readonly CompilePass _pass;
    private readonly SwitchView _view;
    private readonly SwitchTraits _traits;
    private readonly DatapathContext _names;
    private readonly FlowMatch _here;

    private SwitchPipeline(CompilePass pass, SwitchView view)
    {
        _pass = pass;
        _view = view;
        _traits = view.Traits;
        _names = view.Names;
        _here = FlowMatch.On(_traits.Key);
    }

    /// <param name="ports">Ports whose own flows may differ from before; null: all.</param>
    public static void Compile(CompilePass pass, SwitchView view, IReadOnlySet<Guid>? ports)
    {
        var pipeline = new SwitchPipeline(pass, view);
        var views = ports is null
            ? view.Ports
            : [.. ports.Select(view.Port).OfType<SwitchPortView>()];
        pipeline.CompileWhole();
        pipeline.CompilePorts(views);
        pipeline.CompileAcls();
        pipeline.CompileQos();
        pipeline.CompileBalancers();
        pipeline.CompileServices(views);
        pipeline.CompileWorkloads();
    }

    /// <summary>Only what depends on sets, groups and residents.</summary>
    public static void CompileExpressions(CompilePass pass, SwitchView view)
    {
        var pipeline = new SwitchPipeline(pass, view);
        pipeline.CompileAcls();
        pipeline.CompileQos();
    }

    private Guid Uuid => _view.Row.Uuid;

    /// <summary>Flows that depend on the switch's traits only.</summary>
    private void CompileWhole() => _pass.Block("switch", Uuid, Uuid, [_traits], block =>
    {
        AddDefaults(block, SwitchIngress.Used);
        AddDefaults(block, SwitchEgress.Used);
        AddAdmission(block);
        AddTracking(block, isEgress: false);
        AddTracking(block, isEgress: true);
        AddAclFrame(block, AclStages.Ingress);
        AddAclFrame(block, AclStages.AfterLoadBalancing);
        AddAclFrame(block, AclStages.Egress);
        AddHairpinFrame(block);
        AddAnswers(block);
        AddBroadcast(block);
    });

    /// <summary>Priority 0 of each stage: on to the next one that holds flows.</summary>
    private void AddDefaults(FlowBlockBuilder block, byte[] stages)
    {
        for (var i = 0; i + 1 < stages.Length; i++)
            block.Add(stages[i], 0, _here, FlowActions.To(stages[i + 1]));
    }

    internal static byte Next(byte[] stages, byte stage) =>
        stages[Array.IndexOf(stages, stage) + 1];

    private static FlowActions NextIngress(byte stage, FlowActions? before = null) =>
        (before ?? new FlowActions()).Next(Next(SwitchIngress.Used, stage));

    private static FlowActions NextEgress(byte stage, FlowActions? before = null) =>
        (before ?? new FlowActions()).Next(Next(SwitchEgress.Used, stage));

    private void CompilePorts(ImmutableArray<SwitchPortView> ports)
    {
        foreach (var port in ports)
        {
            object?[] inputs = [.. port.Inputs, _traits];
            _pass.Block("switch-port", port.Row.Uuid, Uuid, inputs, block =>
            {
                AddPortAdmission(block, port);
                AddPortSecurity(block, port);
                AddLearning(block, port);
                AddTransit(block, port);
                AddNeighborResponses(block, port);
                AddDestinations(block, port);
            });
        }
    }
}
