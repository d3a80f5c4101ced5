using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>
/// The MPLS part of <see cref="KeyCommit"/>: sets, pops and pushes of label entries.
/// </summary>
internal static class MplsCommit
{
    private const int DepthMax = 3;
    public const uint BottomWire = 0x0001_0000; // Bit 8 of the entry, seen little-endian.

    public static void Commit(
        ref FlowKey flow, ref FlowKey packet, List<DatapathAction> into)
    {
        var have = DepthOf(in packet);
        var want = DepthOf(in flow);
        if (have == want && SameLabels(in flow, in packet)) return;
        var common = 0;
        while (common < have && common < want
            && Entry(in packet, have - 1 - common) == Entry(in flow, want - 1 - common))
        {
            common++;
        }

        for (; have > common; have--)
        {
            if (have - 1 == common && want > common)
            {
                var entry = Entry(in flow, want - 1 - common);
                into.Add(new SetMplsAction(entry, uint.MaxValue));
                common++;
                break;
            }

            var next = have > 1 ? packet.EthernetType : flow.EthernetType;
            into.Add(new PopMplsAction(next));
        }

        for (; common < want; common++)
        {
            into.Add(new PushMplsAction(flow.EthernetType, Entry(in flow, want - 1 - common)));
        }

        packet.Mpls0Wire = flow.Mpls0Wire;
        packet.Mpls1Wire = flow.Mpls1Wire;
        packet.Mpls2Wire = flow.Mpls2Wire;
        packet.EthernetTypeWire = flow.EthernetTypeWire;
    }

    /// <summary>Label entries up to the bottom of the stack, or what fits in a key.</summary>
    public static int DepthOf(in FlowKey key)
    {
        if (!KeyCommit.IsMpls(key.EthernetType)) return 0;
        for (var i = 0; i < DepthMax; i++)
        {
            if ((Entry(in key, i) & BottomWire) != 0) return i + 1;
            if (Entry(in key, i) == 0) return Math.Max(i, 1);
        }

        return DepthMax;
    }

    private static bool SameLabels(in FlowKey left, in FlowKey right) =>
        left.Mpls0Wire == right.Mpls0Wire && left.Mpls1Wire == right.Mpls1Wire
        && left.Mpls2Wire == right.Mpls2Wire;

    private static uint Entry(in FlowKey key, int index) =>
        index switch { 0 => key.Mpls0Wire, 1 => key.Mpls1Wire, _ => key.Mpls2Wire };
}
