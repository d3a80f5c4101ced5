using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <summary>Action lists to bytes, in the dialect of the connection's version.</summary>
/// <remarks>
/// What a version has no action for is written as Nicira's action, or as the field set that it
/// means: so OpenFlow 1.0 tells set_field as load, and 1.2 tells mod_dl_src as set_field.
/// </remarks>
public static partial class ActionEncoder
{
    private const ushort VlanPresent = 0x1000;

    /// <summary>
    /// Writes actions; instructions in the list are written as OpenFlow 1.0 has them.
    /// </summary>
    /// <param name="ipProtocol">Of the flow's match: which port field mod_tp_src means.</param>
    public static void Write(
        OfWriter writer, ActionList actions, in OfCodecContext context, int ipProtocol = 0) =>
        Write(writer, actions.AsSpan(), in context, ipProtocol);

    /// <summary>Writes some of a list's actions.</summary>
    public static void Write(
        OfWriter writer, ReadOnlySpan<OfAction> actions, in OfCodecContext context,
        int ipProtocol = 0)
    {
        foreach (var action in actions) WriteOne(writer, action, in context, ipProtocol);
    }

    private static void WriteOne(
        OfWriter writer, OfAction action, in OfCodecContext context, int ipProtocol)
    {
        switch (action)
        {
            case OfOutput output:
                WriteOutput(writer, output.Port, output.MaxLength, in context);
                break;
            case OfController controller: WriteController(writer, controller, in context); break;
            case OfEnqueue enqueue: WriteEnqueue(writer, enqueue, in context); break;
            case OfGroup group when context.IsVersion10:
                Nicira32(writer, 40, group.GroupId);
                break;
            case OfGroup group: Short(writer, 22).U32(group.GroupId); break;
            case OfSetQueue queue when context.IsVersion10:
                Nicira32(writer, 4, queue.Queue);
                break;
            case OfSetQueue queue: Short(writer, 21).U32(queue.Queue); break;
            case OfSetField set: WriteSetField(writer, set, in context, ipProtocol); break;
            case OfLoad load: WriteLoad(writer, load, in context); break;
            case OfMove move: WriteMove(writer, move, in context); break;
            case OfPushVlan push:
                if (!context.IsVersion10) Short(writer, 17).U16(push.EthernetType).Zeros(2);
                break;
            case OfStripVlan: Short(writer, (ushort)(context.IsVersion10 ? 3 : 18)).Zeros(4); break;
            case OfDecrementTtl ttl: WriteDecrementTtl(writer, ttl, in context); break;
            case OfPushMpls push:
                WriteMplsType(writer, push.EthernetType, 23, 19, in context);
                break;
            case OfPopMpls pop: WriteMplsType(writer, pop.EthernetType, 24, 20, in context); break;
            case OfDecrementMplsTtl when context.IsVersion10: Nicira(writer, 26).Zeros(6); break;
            case OfDecrementMplsTtl: Short(writer, 16).Zeros(4); break;
            case OfSetMplsTtl ttl when context.IsVersion10:
                Nicira(writer, 25).U8(ttl.Ttl).Zeros(5);
                break;
            case OfSetMplsTtl ttl: Short(writer, 15).U8(ttl.Ttl).Zeros(3); break;
            case OfMeter meter when context.Version >= OfVersion.OpenFlow15:
                Short(writer, 29).U32(meter.MeterId);
                break;
            default:
                if (!WriteLegacy(writer, action, in context, ipProtocol))
                {
                    WriteNicira(writer, action, in context);
                }

                break;
        }
    }

    private static void WriteOutput(
        OfWriter writer, uint port, ushort maxLength, in OfCodecContext context)
    {
        if (context.IsVersion10)
        {
            writer.U16(0).U16(8).U16(OfPort.ToWire16(port)).U16(maxLength);
        }
        else
        {
            writer.U16(0).U16(16).U32(port).U16(maxLength).Zeros(6);
        }
    }

    private static void WriteController(
        OfWriter writer, OfController controller, in OfCodecContext context)
    {
        var isSecond = !controller.Userdata.IsEmpty || controller.Pause
            || controller.MeterId is not null;
        if (isSecond)
        {
            WriteController2(writer, controller);
            return;
        }

        if (controller.ControllerId == 0 && controller.Reason == PacketInReason.Action)
        {
            WriteOutput(writer, OfPort.Controller, controller.MaxLength, in context);
            return;
        }

        Nicira(writer, 20).U16(controller.MaxLength).U16(controller.ControllerId)
            .U8((byte)controller.Reason).U8(0);
    }

    private static void WriteController2(OfWriter writer, OfController controller)
    {
        var start = BeginNicira(writer, 37);
        writer.Zeros(6);
        if (controller.MaxLength != ushort.MaxValue)
            writer.U16(0).U16(6).U16(controller.MaxLength).Zeros(2);
        if (controller.ControllerId != 0)
            writer.U16(1).U16(6).U16(controller.ControllerId).Zeros(2);
        if (controller.Reason != PacketInReason.Action)
            writer.U16(2).U16(5).U8((byte)controller.Reason).Zeros(3);
        if (!controller.Userdata.IsEmpty)
        {
            writer.U16(3).U16((ushort)(4 + controller.Userdata.Count)).Bytes(
                controller.Userdata.AsSpan());
            writer.Align8(start);
        }

        if (controller.Pause) writer.U16(4).U16(4).Zeros(4);
        if (controller.MeterId is { } meter) writer.U16(5).U16(8).U32(meter);
        End(writer, start);
    }

    private static void WriteEnqueue(OfWriter writer, OfEnqueue enqueue, in OfCodecContext context)
    {
        if (context.IsVersion10)
        {
            writer.U16(11).U16(16).U16(OfPort.ToWire16(enqueue.Port)).Zeros(6).U32(enqueue.Queue);
            return;
        }

        Short(writer, 21).U32(enqueue.Queue);
        WriteOutput(writer, enqueue.Port, 0, in context);
        Nicira(writer, 5).Zeros(6);
    }

    private static void WriteMove(OfWriter writer, OfMove move, in OfCodecContext context)
    {
        var start = writer.Length;
        var width = (ushort)move.Source.Width;
        if (context.Version >= OfVersion.OpenFlow15)
        {
            writer.U16(28).U16(0).U16(width).U16((ushort)move.Source.Offset);
            writer.U16((ushort)move.Destination.Offset).Zeros(2);
        }
        else
        {
            start = BeginNicira(writer, 6);
            writer.U16(width).U16((ushort)move.Source.Offset).U16((ushort)move.Destination.Offset);
        }

        NxmCodec.WriteHeader(writer, move.Source.Field, in context);
        NxmCodec.WriteHeader(writer, move.Destination.Field, in context);
        End(writer, start);
    }

    private static void WriteLoad(OfWriter writer, OfLoad load, in OfCodecContext context)
    {
        var (field, offset, width) = load.Destination;
        if (context.Version >= OfVersion.OpenFlow15)
        {
            var mask = MatchField.LowBits(width) << offset;
            WriteOxmSetField(writer, field, (UInt128)load.Value << offset, mask, in context);
            return;
        }

        WriteRegLoad(writer, load.Destination, load.Value, in context);
    }

    private static void WriteRegLoad(
        OfWriter writer, Subfield destination, ulong value, in OfCodecContext context)
    {
        var number = NxmCodec.NumberOf(destination.Field, in context);
        if (number is { Class: 0xFFFF })
        {
            // Two headers' worth of experimenter field do not fit reg_load: reg_load2 instead.
            var mask = MatchField.LowBits(destination.Width) << destination.Offset;
            WriteRegLoad2(writer, destination.Field, (UInt128)value << destination.Offset, mask,
                in context);
            return;
        }

        var start = BeginNicira(writer, 7);
        writer.U16((ushort)((destination.Offset << 6) | (destination.Width - 1)));
        NxmCodec.WriteHeader(writer, destination.Field, in context);
        writer.U64(value);
        End(writer, start);
    }

    private static void WriteRegLoad2(
        OfWriter writer, MatchField field, UInt128 value, UInt128 mask, in OfCodecContext context)
    {
        var start = BeginNicira(writer, 33);
        NxmCodec.WriteEntry(writer, field, value, mask, in context);
        End(writer, start);
    }

    private static void WriteOxmSetField(
        OfWriter writer, MatchField field, UInt128 value, UInt128 mask, in OfCodecContext context)
    {
        var start = writer.Length;
        writer.U16(25).U16(0);
        if (ReferenceEquals(field, MatchField.VlanVid))
        {
            (value, mask) = (value | VlanPresent, mask == 0xFFF ? 0x1FFF : mask);
        }

        NxmCodec.WriteEntry(writer, field, value, mask, in context);
        End(writer, start);
    }

    private static void WriteSetField(
        OfWriter writer, OfSetField set, in OfCodecContext context, int ipProtocol)
    {
        var isExact = set.Mask == set.Field.ExactMask;
        if (context.Version >= OfVersion.OpenFlow15 || (context.HasOxm && isExact))
        {
            WriteOxmSetField(writer, set.Field, set.Value, set.Mask, in context);
            return;
        }

        if (!context.HasOxm && isExact && LegacyOf(set) is { } legacy)
        {
            WriteLegacy(writer, legacy, in context, ipProtocol);
            return;
        }

        if (set.Field.TlvIndex >= 0
            || NxmCodec.NumberOf(set.Field, in context) is null or { Class: 0xFFFF })
        {
            WriteRegLoad2(writer, set.Field, set.Value, set.Mask, in context);
            return;
        }

        // One load for each run of mask bits, at most 64 bits long.
        for (var bit = 0; bit < set.Field.BitWidth;)
        {
            if (((set.Mask >> bit) & 1) == 0)
            {
                bit++;
                continue;
            }

            var width = 1;
            while (width < 64 && bit + width < set.Field.BitWidth
                && ((set.Mask >> (bit + width)) & 1) != 0)
            {
                width++;
            }

            var part = (ulong)((set.Value >> bit) & MatchField.LowBits(width));
            WriteRegLoad(writer, new Subfield(set.Field, bit, width), part, in context);
            bit += width;
        }
    }

    /// <summary>The OpenFlow 1.0 action that sets a whole field, if there is one.</summary>
    private static OfAction? LegacyOf(OfSetField set)
    {
        var field = set.Field;
        if (ReferenceEquals(field, MatchField.EthernetSource))
            return new OfSetEthernetSource(MacBytes.FromUInt64((ulong)set.Value));
        if (ReferenceEquals(field, MatchField.EthernetDestination))
            return new OfSetEthernetDestination(MacBytes.FromUInt64((ulong)set.Value));
        if (ReferenceEquals(field, MatchField.VlanVid) || ReferenceEquals(field, MatchField.DlVlan))
            return new OfSetVlanVid((ushort)(set.Value & 0xFFF));
        if (ReferenceEquals(field, MatchField.VlanPcp)
            || ReferenceEquals(field, MatchField.DlVlanPcp))
            return new OfSetVlanPcp((byte)set.Value);
        if (ReferenceEquals(field, MatchField.Ipv4Source))
            return new OfSetIpv4Source((uint)set.Value);
        if (ReferenceEquals(field, MatchField.Ipv4Destination))
            return new OfSetIpv4Destination((uint)set.Value);
        if (ReferenceEquals(field, MatchField.IpDscp))
            return new OfSetIpTos((byte)(set.Value << 2));
        if (ReferenceEquals(field, MatchField.IpTos)) return new OfSetIpTos((byte)set.Value);
        if (ReferenceEquals(field, MatchField.TcpSource)
            || ReferenceEquals(field, MatchField.UdpSource))
            return new OfSetPortSource((ushort)set.Value);
        if (ReferenceEquals(field, MatchField.TcpDestination)
            || ReferenceEquals(field, MatchField.UdpDestination))
            return new OfSetPortDestination((ushort)set.Value);
        return null;
    }

    private static void WriteDecrementTtl(
        OfWriter writer, OfDecrementTtl ttl, in OfCodecContext context)
    {
        var isPlain = ttl.ControllerIds is [0];
        if (isPlain && !context.IsVersion10)
        {
            Short(writer, 24).Zeros(4);
        }
        else if (isPlain)
        {
            Nicira(writer, 18).Zeros(6);
        }
        else
        {
            var start = BeginNicira(writer, 21);
            writer.U16((ushort)ttl.ControllerIds.Count).Zeros(4);
            foreach (var id in ttl.ControllerIds) writer.U16(id);
            End(writer, start);
        }
    }

    private static void WriteMplsType(
        OfWriter writer, ushort type, ushort nicira, ushort standard, in OfCodecContext context)
    {
        if (context.IsVersion10) Nicira(writer, nicira).U16(type).Zeros(4);
        else Short(writer, standard).U16(type).Zeros(2);
    }

    /// <summary>The field setters of OpenFlow 1.0 and 1.1; set_field from 1.2 on.</summary>
    private static bool WriteLegacy(
        OfWriter writer, OfAction action, in OfCodecContext context, int ipProtocol)
    {
        if (context.HasOxm) return WriteLegacyAsField(writer, action, in context, ipProtocol);
        var is10 = context.IsVersion10;
        switch (action)
        {
            case OfSetVlanVid vid:
                PushBefore(writer, vid.PushWhenUntagged, in context);
                Short(writer, 1).U16(vid.Vid).Zeros(2);
                return true;
            case OfSetVlanPcp pcp:
                PushBefore(writer, pcp.PushWhenUntagged, in context);
                Short(writer, 2).U8(pcp.Pcp).Zeros(3);
                return true;
            case OfSetEthernetSource mac:
                WriteMac(writer, (ushort)(is10 ? 4 : 3), mac.Address);
                return true;
            case OfSetEthernetDestination mac:
                WriteMac(writer, (ushort)(is10 ? 5 : 4), mac.Address);
                return true;
            case OfSetIpv4Source ip:
                Short(writer, (ushort)(is10 ? 6 : 5)).U32(ip.Address);
                return true;
            case OfSetIpv4Destination ip:
                Short(writer, (ushort)(is10 ? 7 : 6)).U32(ip.Address);
                return true;
            case OfSetIpTos tos:
                Short(writer, (ushort)(is10 ? 8 : 7)).U8(tos.Tos).Zeros(3);
                return true;
            case OfSetIpEcn ecn when !is10: Short(writer, 8).U8(ecn.Ecn).Zeros(3); return true;
            case OfSetIpEcn ecn:
                WriteRegLoad(writer, MatchField.IpEcn, ecn.Ecn, in context);
                return true;
            case OfSetIpTtl ttl when !is10: Short(writer, 23).U8(ttl.Ttl).Zeros(3); return true;
            case OfSetIpTtl ttl:
                WriteRegLoad(writer, MatchField.IpTtl, ttl.Ttl, in context);
                return true;
            case OfSetPortSource port: Short(writer, 9).U16(port.Port).Zeros(2); return true;
            case OfSetPortDestination port: Short(writer, 10).U16(port.Port).Zeros(2); return true;
            case OfSetMplsLabel label when is10: Nicira32(writer, 30, label.Label); return true;
            case OfSetMplsLabel label: Short(writer, 13).U32(label.Label); return true;
            case OfSetMplsTc tc when is10: Nicira(writer, 31).U8(tc.Tc).Zeros(5); return true;
            case OfSetMplsTc tc: Short(writer, 14).U8(tc.Tc).Zeros(3); return true;
            default: return false;
        }
    }

    private static bool WriteLegacyAsField(
        OfWriter writer, OfAction action, in OfCodecContext context, int ipProtocol)
    {
        if (action is OfSetIpTtl ttl)
        {
            Short(writer, 23).U8(ttl.Ttl).Zeros(3);
            return true;
        }

        var isUdp = ipProtocol == 17;
        var isSctp = ipProtocol == 132;
        (MatchField Field, UInt128 Value)? set = action switch
        {
            OfSetVlanVid vid => (MatchField.VlanVid, vid.Vid),
            OfSetVlanPcp pcp => (MatchField.VlanPcp, pcp.Pcp),
            OfSetEthernetSource mac => (MatchField.EthernetSource, mac.Address.ToUInt64()),
            OfSetEthernetDestination mac =>
                (MatchField.EthernetDestination, mac.Address.ToUInt64()),
            OfSetIpv4Source ip => (MatchField.Ipv4Source, ip.Address),
            OfSetIpv4Destination ip => (MatchField.Ipv4Destination, ip.Address),
            OfSetIpTos tos => (MatchField.IpDscp, (UInt128)(tos.Tos >> 2)),
            OfSetIpEcn ecn => (MatchField.IpEcn, ecn.Ecn),
            OfSetPortSource port => (isUdp ? MatchField.UdpSource
                : isSctp ? MatchField.SctpSource : MatchField.TcpSource, port.Port),
            OfSetPortDestination port => (isUdp ? MatchField.UdpDestination
                : isSctp ? MatchField.SctpDestination : MatchField.TcpDestination, port.Port),
            OfSetMplsLabel label => (MatchField.MplsLabel, label.Label),
            OfSetMplsTc tc => (MatchField.MplsTc, tc.Tc),
            _ => null,
        };
        if (set is not { } pair) return false;
        if (action is OfSetVlanVid { PushWhenUntagged: true }
            or OfSetVlanPcp { PushWhenUntagged: true })
        {
            PushBefore(writer, true, in context);
        }

        WriteOxmSetField(writer, pair.Field, pair.Value, pair.Field.ExactMask, in context);
        return true;
    }

    private static void PushBefore(OfWriter writer, bool isWanted, in OfCodecContext context)
    {
        if (isWanted && !context.IsVersion10) Short(writer, 17).U16(0x8100).Zeros(2);
    }

    private static void WriteMac(OfWriter writer, ushort type, MacBytes address) =>
        writer.U16(type).U16(16).Mac(address).Zeros(6);

    private static OfWriter Short(OfWriter writer, ushort type) => writer.U16(type).U16(8);

    /// <summary>A Nicira action of 16 bytes: 6 more follow.</summary>
    private static OfWriter Nicira(OfWriter writer, ushort subtype) =>
        writer.U16(0xFFFF).U16(16).U32(OfError.NiciraVendor).U16(subtype);

    private static void Nicira32(OfWriter writer, ushort subtype, uint value) =>
        Nicira(writer, subtype).Zeros(2).U32(value);

    private static int BeginNicira(OfWriter writer, ushort subtype)
    {
        var start = writer.Length;
        writer.U16(0xFFFF).U16(0).U32(OfError.NiciraVendor).U16(subtype);
        return start;
    }

    private static void End(OfWriter writer, int start)
    {
        writer.Align8(start);
        writer.PatchU16(start + 2, writer.Length - start);
    }
}
