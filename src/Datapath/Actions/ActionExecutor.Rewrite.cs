using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Actions that change the packet's bytes.</content>
internal sealed partial class ActionExecutor
{
    private DropReason Rewrite(ref PacketRun run, DatapathAction action)
    {
        switch (action)
        {
            case SetPacketMarkAction mark:
                var maskWire = Swap(mark.Mask);
                run.Key.PacketMarkWire =
                    (run.Key.PacketMarkWire & ~maskWire) | (Swap(mark.Value) & maskWire);
                return DropReason.None;
            case SetPriorityAction priority:
                run.Key.PriorityWire = Swap(priority.Value);
                return DropReason.None;
            case SetEthernetAction set:
                Own(ref run);
                return PacketEditor.SetEthernet(ref run, set);
            case SetIpv4Action set:
                Own(ref run);
                return PacketEditor.SetIpv4(ref run, set);
            case DecrementTtlAction:
                Own(ref run);
                return PacketEditor.DecrementTtl(ref run);
            case SetIpv6Action set:
                Own(ref run);
                return PacketEditor.SetIpv6(ref run, set);
            case SetPortsAction set:
                Own(ref run);
                return PacketEditor.SetPorts(ref run, set);
            case SetIcmpAction set:
                Own(ref run);
                return PacketEditor.SetIcmp(ref run, set);
            case SetArpAction set:
                Own(ref run);
                return PacketEditor.SetArp(ref run, set);
            case SetNdAction set:
                Own(ref run);
                return PacketEditor.SetNd(ref run, set);
            case SetNdExtensionAction set:
                Own(ref run);
                return PacketEditor.SetNdExtension(ref run, set);
            case SetMplsAction set:
                Own(ref run);
                return PacketEditor.SetMpls(ref run, set);
            case SetNshAction set:
                Own(ref run);
                return PacketEditor.SetNsh(ref run, set);
            default:
                return MoveHeaders(ref run, action);
        }
    }

    /// <summary>Headers pushed and popped: the key is read anew afterwards.</summary>
    private DropReason MoveHeaders(ref PacketRun run, DatapathAction action)
    {
        Own(ref run);
        var reason = action switch
        {
            PushVlanAction push => PacketEditor.PushVlan(ref run, push.Tpid, push.Tci),
            PopVlanAction => PacketEditor.PopVlan(ref run),
            PushMplsAction push => PacketEditor.PushMpls(
                ref run, push.EthernetType, push.LabelEntryWire),
            AddMplsAction { IsLayer3: true } add => PacketEditor.PushMpls(
                ref run, add.EthernetType, add.LabelEntryWire),
            AddMplsAction add => PacketEditor.PushMplsBeforeEthernet(
                ref run, add.EthernetType, add.LabelEntryWire),
            PopMplsAction pop => PacketEditor.PopMpls(ref run, pop.EthernetType),
            PushEthernetAction push => PacketEditor.PushEthernet(
                ref run, push.Source, push.Destination),
            PopEthernetAction => PacketEditor.PopEthernet(ref run),
            PushNshAction push => PacketEditor.PushNsh(ref run, push),
            PopNshAction => PacketEditor.PopNsh(ref run),
            _ => DropReason.ActionUnsupported,
        };
        return reason == DropReason.None ? Reparse(ref run) : reason;
    }

    private static uint Swap(uint value) =>
        System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(value);
}
