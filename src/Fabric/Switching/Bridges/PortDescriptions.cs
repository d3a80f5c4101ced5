using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Ports as OpenFlow describes them, and what changed between two snapshots.</summary>
public static class PortDescriptions
{
    public static OfPortDescription Of(PortSnapshot port) => new(
        port.OpenFlowPort, port.Mac, port.Name, port.Config,
        port.IsLinkUp ? OfPortState.Live | Of(port.Tree.State) : OfPortState.LinkDown,
        OfPortFeatures.None,
        OfPortFeatures.None, OfPortFeatures.None, OfPortFeatures.None, 0, 0);

    private static OfPortState Of(TreePortState state) => state switch
    {
        TreePortState.Blocking => OfPortState.StpBlock,
        TreePortState.Learning => OfPortState.StpLearn,
        TreePortState.Forwarding => OfPortState.StpForward,
        _ => OfPortState.None, // Listening, and no tree at all.
    };

    public static IEnumerable<OfPortStatus> Changes(BridgeSnapshot? before, BridgeSnapshot after)
    {
        if (before is null) yield break;
        foreach (var port in before.PortsInOrder)
        {
            if (!after.Ports.TryGetValue(port.OpenFlowPort, out var now) || now.Name != port.Name)
            {
                yield return new OfPortStatus(OfPortReason.Delete, Of(port));
            }
        }

        foreach (var port in after.PortsInOrder)
        {
            if (!before.Ports.TryGetValue(port.OpenFlowPort, out var old) || old.Name != port.Name)
            {
                yield return new OfPortStatus(OfPortReason.Add, Of(port));
            }
            else if (Of(old) != Of(port))
            {
                yield return new OfPortStatus(OfPortReason.Modify, Of(port));
            }
        }
    }
}
