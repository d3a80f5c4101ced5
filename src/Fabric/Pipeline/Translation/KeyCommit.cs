using System.Runtime.InteropServices;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>Turns what the pipeline did to a packet's fields into datapath actions.</summary>
/// <remarks>
/// The pipeline changes 'flow' freely; 'packet' is what the bytes look like so far. Before each
/// output the differences become set, push and pop actions, in the order in which OVS emits them:
/// Ethernet, network, transport, MPLS, VLAN, priority, mark. A set names the bits that the
/// translation has looked at or written; a field that is written is in 'wild', because whether the
/// action is needed depends on its old value.
/// </remarks>
internal static class KeyCommit
{
    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;
    private const byte ProtocolIcmp = 1;
    private const byte ProtocolIcmp6 = 58;
    private const byte ProtocolSctp = 132;

    public static void Commit(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        Ethernet(ref flow, ref packet, ref wild, into);
        var leavesMpls = IsMpls(packet.EthernetType) && !IsMpls(flow.EthernetType);
        if (leavesMpls) MplsCommit.Commit(ref flow, ref packet, into);
        Nsh(ref flow, ref packet, ref wild, into);
        if (flow.NetworkProtocol == 0)
        {
            // There is no such header to write to.
        }
        else if (flow.IsIpv4) Ipv4(ref flow, ref packet, ref wild, into);
        else if (flow.IsIpv6) Ipv6(ref flow, ref packet, ref wild, into);
        else if (flow.IsArp) Arp(ref flow, ref packet, ref wild, into);
        Transport(ref flow, ref packet, ref wild, into);
        if (!leavesMpls) MplsCommit.Commit(ref flow, ref packet, into);
        Vlan(ref flow, ref packet, ref wild, into);
        if (flow.PriorityWire != packet.PriorityWire)
        {
            wild.PriorityWire = uint.MaxValue;
            into.Add(new SetPriorityAction(Host(flow.PriorityWire)));
            packet.PriorityWire = flow.PriorityWire;
        }

        if (flow.PacketMarkWire != packet.PacketMarkWire)
        {
            into.Add(new SetPacketMarkAction(Host(flow.PacketMarkWire), Host(wild.PacketMarkWire)));
            packet.PacketMarkWire = flow.PacketMarkWire;
        }
    }

    public static bool IsMpls(ushort type) => type is 0x8847 or 0x8848;

    private static void Ethernet(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        var isSource = flow.EthernetSource != packet.EthernetSource;
        var isDestination = flow.EthernetDestination != packet.EthernetDestination;
        if (!isSource && !isDestination) return;
        into.Add(new SetEthernetAction(
            Under(flow.EthernetSource, wild.EthernetSource, isSource),
            Pick(wild.EthernetSource, isSource),
            Under(flow.EthernetDestination, wild.EthernetDestination, isDestination),
            Pick(wild.EthernetDestination, isDestination)));
        packet.EthernetSource = flow.EthernetSource;
        packet.EthernetDestination = flow.EthernetDestination;
    }

    private static void Ipv4(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        var source = Pick(
            wild.Ipv4SourceWire, flow.Ipv4SourceWire != packet.Ipv4SourceWire);
        var destination = Pick(
            wild.Ipv4DestinationWire, flow.Ipv4DestinationWire != packet.Ipv4DestinationWire);
        var tos = Pick(wild.NetworkTos, flow.NetworkTos != packet.NetworkTos);
        var ttl = Pick(wild.NetworkTtl, flow.NetworkTtl != packet.NetworkTtl);
        if (source == 0 && destination == 0 && tos == 0 && ttl == 0) return;
        into.Add(new SetIpv4Action(
            flow.Ipv4SourceWire & source, source, flow.Ipv4DestinationWire & destination,
            destination, (byte)(flow.NetworkTos & tos), tos, (byte)(flow.NetworkTtl & ttl), ttl));
        packet.Ipv4SourceWire = flow.Ipv4SourceWire;
        packet.Ipv4DestinationWire = flow.Ipv4DestinationWire;
        packet.NetworkTos = flow.NetworkTos;
        packet.NetworkTtl = flow.NetworkTtl;
    }

    private static void Ipv6(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        var isSource = flow.Ipv6Source != packet.Ipv6Source;
        var isDestination = flow.Ipv6Destination != packet.Ipv6Destination;
        var label = Pick(wild.Ipv6LabelWire, flow.Ipv6LabelWire != packet.Ipv6LabelWire);
        var tos = Pick(wild.NetworkTos, flow.NetworkTos != packet.NetworkTos);
        var ttl = Pick(wild.NetworkTtl, flow.NetworkTtl != packet.NetworkTtl);
        if (!isSource && !isDestination && label == 0 && tos == 0 && ttl == 0) return;
        into.Add(new SetIpv6Action(
            Under(flow.Ipv6Source, wild.Ipv6Source, isSource), Pick(wild.Ipv6Source, isSource),
            Under(flow.Ipv6Destination, wild.Ipv6Destination, isDestination),
            Pick(wild.Ipv6Destination, isDestination), flow.Ipv6LabelWire & label, label,
            (byte)(flow.NetworkTos & tos), tos, (byte)(flow.NetworkTtl & ttl), ttl));
        packet.Ipv6Source = flow.Ipv6Source;
        packet.Ipv6Destination = flow.Ipv6Destination;
        packet.Ipv6LabelWire = flow.Ipv6LabelWire;
        packet.NetworkTos = flow.NetworkTos;
        packet.NetworkTtl = flow.NetworkTtl;
    }

    private static void Arp(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        var sender = Pick(
            wild.Ipv4SourceWire, flow.Ipv4SourceWire != packet.Ipv4SourceWire);
        var target = Pick(
            wild.Ipv4DestinationWire, flow.Ipv4DestinationWire != packet.Ipv4DestinationWire);
        var opcode = Pick(wild.NetworkProtocol, flow.NetworkProtocol != packet.NetworkProtocol);
        var isSender = flow.ArpSource != packet.ArpSource;
        var isTarget = flow.ArpTarget != packet.ArpTarget;
        if (sender == 0 && target == 0 && opcode == 0 && !isSender && !isTarget) return;
        into.Add(new SetArpAction(
            (ushort)(flow.NetworkProtocol & opcode), opcode, flow.Ipv4SourceWire & sender, sender,
            flow.Ipv4DestinationWire & target, target,
            Under(flow.ArpSource, wild.ArpSource, isSender), Pick(wild.ArpSource, isSender),
            Under(flow.ArpTarget, wild.ArpTarget, isTarget), Pick(wild.ArpTarget, isTarget)));
        packet.Ipv4SourceWire = flow.Ipv4SourceWire;
        packet.Ipv4DestinationWire = flow.Ipv4DestinationWire;
        packet.NetworkProtocol = flow.NetworkProtocol;
        packet.ArpSource = flow.ArpSource;
        packet.ArpTarget = flow.ArpTarget;
    }

    private static void Nsh(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        if (flow.EthernetType != 0x894F) return;
        var flags = Pick(wild.NshFlags, flow.NshFlags != packet.NshFlags);
        var ttl = Pick(wild.NshTtl, flow.NshTtl != packet.NshTtl);
        var path = Pick(wild.NshPathWire, flow.NshPathWire != packet.NshPathWire);
        var one = Pick(wild.NshContext1Wire, flow.NshContext1Wire != packet.NshContext1Wire);
        var two = Pick(wild.NshContext2Wire, flow.NshContext2Wire != packet.NshContext2Wire);
        var three = Pick(wild.NshContext3Wire, flow.NshContext3Wire != packet.NshContext3Wire);
        var four = Pick(wild.NshContext4Wire, flow.NshContext4Wire != packet.NshContext4Wire);
        if (((uint)flags | ttl | path | one | two | three | four) == 0) return;
        into.Add(new SetNshAction(
            (byte)(flow.NshFlags & flags), flags, (byte)(flow.NshTtl & ttl), ttl,
            flow.NshPathWire & path, path,
            [flow.NshContext1Wire & one, flow.NshContext2Wire & two,
                flow.NshContext3Wire & three, flow.NshContext4Wire & four],
            [one, two, three, four]));
        flow.Bytes[200..224].CopyTo(packet.Bytes[200..]);
    }

    private static void Transport(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        if (!flow.IsIpv4 && !flow.IsIpv6) return;
        NeighbourDiscovery(ref flow, ref packet, ref wild, into);
        var source = Pick(wild.PortSourceWire, flow.PortSourceWire != packet.PortSourceWire);
        var destination = Pick(
            wild.PortDestinationWire, flow.PortDestinationWire != packet.PortDestinationWire);
        if (source == 0 && destination == 0) return;
        switch (flow.NetworkProtocol)
        {
            case ProtocolTcp or ProtocolUdp or ProtocolSctp:
                into.Add(new SetPortsAction(
                    flow.NetworkProtocol, (ushort)(flow.PortSourceWire & source), source,
                    (ushort)(flow.PortDestinationWire & destination), destination));
                break;
            case ProtocolIcmp or ProtocolIcmp6:
                source = destination = wild.PortSourceWire = wild.PortDestinationWire = 0xFF00;
                into.Add(new SetIcmpAction(
                    flow.NetworkProtocol, (byte)(flow.PortSource & Host(source)),
                    (byte)Host(source), (byte)(flow.PortDestination & Host(destination)),
                    (byte)Host(destination)));
                break;
        }

        packet.PortSourceWire = flow.PortSourceWire;
        packet.PortDestinationWire = flow.PortDestinationWire;
    }

    private static void NeighbourDiscovery(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        if (!flow.IsIpv6 || flow.NetworkProtocol != ProtocolIcmp6) return;
        var isTarget = flow.NdTarget != packet.NdTarget;
        var isSource = flow.ArpSource != packet.ArpSource;
        var isLink = flow.ArpTarget != packet.ArpTarget;
        if (isTarget || isSource || isLink)
        {
            into.Add(new SetNdAction(
                Under(flow.NdTarget, wild.NdTarget, isTarget), Pick(wild.NdTarget, isTarget),
                Under(flow.ArpSource, wild.ArpSource, isSource), Pick(wild.ArpSource, isSource),
                Under(flow.ArpTarget, wild.ArpTarget, isLink), Pick(wild.ArpTarget, isLink)));
            packet.NdTarget = flow.NdTarget;
            packet.ArpSource = flow.ArpSource;
            packet.ArpTarget = flow.ArpTarget;
        }

        var reserved = Pick(wild.NdReservedWire, flow.NdReservedWire != packet.NdReservedWire);
        var type = Pick(wild.NdOptionsType, flow.NdOptionsType != packet.NdOptionsType);
        if (reserved == 0 && type == 0) return;
        into.Add(new SetNdExtensionAction(
            flow.NdReservedWire & reserved, reserved, (byte)(flow.NdOptionsType & type), type));
        packet.NdReservedWire = flow.NdReservedWire;
        packet.NdOptionsType = flow.NdOptionsType;
    }

    /// <summary>
    /// Pops the tags that differ, innermost common ones stay, and pushes the wanted.
    /// </summary>
    private static void Vlan(
        ref FlowKey flow, ref FlowKey packet, ref FlowKey wild, List<DatapathAction> into)
    {
        if (flow.VlanTci0Wire == packet.VlanTci0Wire && flow.VlanTci1Wire == packet.VlanTci1Wire
            && flow.VlanTpid0Wire == packet.VlanTpid0Wire
            && flow.VlanTpid1Wire == packet.VlanTpid1Wire)
        {
            return;
        }

        var have = TagCount(in packet);
        var want = TagCount(in flow);
        var common = 0;
        while (common < have && common < want && Tag(in packet, have - 1 - common)
            == Tag(in flow, want - 1 - common))
        {
            common++;
        }

        for (var i = 0; i < have - common; i++) into.Add(new PopVlanAction());
        for (var i = want - common - 1; i >= 0; i--)
        {
            var (tpid, tci) = Tag(in flow, i);
            into.Add(new PushVlanAction(Host(tpid), Host(tci)));
        }

        if (have > common)
        {
            (wild.VlanTci0Wire, wild.VlanTpid0Wire) = (0xFFFF, 0xFFFF);
            (wild.VlanTci1Wire, wild.VlanTpid1Wire) = (0xFFFF, 0xFFFF);
        }

        packet.VlanTci0Wire = flow.VlanTci0Wire;
        packet.VlanTci1Wire = flow.VlanTci1Wire;
        packet.VlanTpid0Wire = flow.VlanTpid0Wire;
        packet.VlanTpid1Wire = flow.VlanTpid1Wire;
    }

    /// <summary>How many tags there are, 0 to 2.</summary>
    public static int TagCount(in FlowKey key)
    {
        const ushort PresentWire = 0x0010;
        if ((key.VlanTci0Wire & PresentWire) == 0) return 0;
        return (key.VlanTci1Wire & PresentWire) == 0 ? 1 : 2;
    }

    private static (ushort Tpid, ushort Tci) Tag(in FlowKey key, int index) => index == 0
        ? (key.VlanTpid0Wire, key.VlanTci0Wire) : (key.VlanTpid1Wire, key.VlanTci1Wire);

    internal static uint Host(uint wire) =>
        System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(wire);

    internal static ushort Host(ushort wire) =>
        System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(wire);

    private static uint Pick(uint mask, bool take) => take ? mask : 0;

    private static ushort Pick(ushort mask, bool take) => take ? mask : (ushort)0;

    private static byte Pick(byte mask, bool take) => take ? mask : (byte)0;

    private static T Pick<T>(T mask, bool take)
        where T : struct => take ? mask : default;

    private static MacBytes Under(MacBytes value, MacBytes mask, bool take) =>
        take ? MacBytes.FromUInt64(value.ToUInt64() & mask.ToUInt64()) : default;

    private static Ipv6Bytes Under(Ipv6Bytes value, Ipv6Bytes mask, bool take)
    {
        if (!take) return default;
        Span<byte> left = stackalloc byte[16];
        Span<byte> right = stackalloc byte[16];
        value.CopyTo(left);
        mask.CopyTo(right);
        for (var i = 0; i < left.Length; i++) left[i] &= right[i];
        return Ipv6Bytes.From(left);
    }
}
