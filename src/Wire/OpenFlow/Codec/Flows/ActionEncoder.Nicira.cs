using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <content>Nicira's actions (vendor 0x2320).</content>
public static partial class ActionEncoder
{
    private static void WriteNicira(OfWriter writer, OfAction action, in OfCodecContext context)
    {
        switch (action)
        {
            case OfResubmit resubmit: WriteResubmit(writer, resubmit); break;
            case OfGotoTable go: WriteResubmit(writer, new OfResubmit(go.TableId)); break;
            case OfSetTunnel { Is64: false } tunnel when tunnel.Id <= uint.MaxValue
                && !context.HasOxm:
                Nicira32(writer, 2, (uint)tunnel.Id);
                break;
            case OfSetTunnel tunnel when !context.HasOxm:
                writer.U16(0xFFFF).U16(24).U32(OfError.NiciraVendor).U16(9).Zeros(6).U64(tunnel.Id);
                break;
            case OfSetTunnel tunnel:
                WriteOxmSetField(writer, MatchField.TunnelId, tunnel.Id, ulong.MaxValue,
                    in context);
                break;
            case OfPopQueue: Nicira(writer, 5).Zeros(6); break;
            case OfNote note: WriteNote(writer, note); break;
            case OfMultipath multipath: WriteMultipath(writer, multipath, in context); break;
            case OfBundle bundle: WriteBundle(writer, bundle, in context); break;
            case OfOutputRegister output: WriteOutputRegister(writer, output, in context); break;
            case OfLearn learn: WriteLearn(writer, learn, in context); break;
            case OfExit: Nicira(writer, 17).Zeros(6); break;
            case OfFinTimeout fin:
                Nicira(writer, 19).U16(fin.IdleTimeout).U16(fin.HardTimeout).Zeros(2);
                break;
            case OfWriteMetadata metadata:
                writer.U16(0xFFFF).U16(32).U32(OfError.NiciraVendor).U16(22).Zeros(6)
                    .U64(metadata.Value).U64(metadata.Mask);
                break;
            case OfStackPush push: WriteStack(writer, 27, push.Source, in context); break;
            case OfStackPop pop: WriteStack(writer, 28, pop.Destination, in context); break;
            case OfSample sample: WriteSample(writer, sample); break;
            case OfConjunction conjunction:
                Nicira(writer,
                    34).U8(conjunction.Clause).U8(conjunction.ClauseCount).U32(conjunction.Id);
                break;
            case OfConntrack conntrack: WriteConntrack(writer, conntrack, in context); break;
            case OfConntrackClear: Nicira(writer, 43).Zeros(6); break;
            case OfOutputTruncate truncate:
                Nicira(writer, 39).U16(OfPort.ToWire16(truncate.Port)).U32(truncate.MaxLength);
                break;
            case OfClone clone: WriteClone(writer, clone, in context); break;
            case OfEncap encap: WriteEncap(writer, encap); break;
            case OfDecap decap: Nicira32(writer, 47, decap.PacketType ?? 0xFFFE); break;
            case OfDecrementNshTtl: Nicira(writer, 48).Zeros(6); break;
            case OfCheckPacketLarger check:
                WriteCheckPacketLarger(writer, check, in context);
                break;
            case OfDeleteField delete: WriteDeleteField(writer, delete, in context); break;
            case OfDebugSlow: Nicira(writer, 254).Zeros(6); break;
            case OfDebugRecirculate: Nicira(writer, 255).Zeros(6); break;
            default: break; // Instructions that OpenFlow 1.0 cannot tell.
        }
    }

    private static void WriteResubmit(OfWriter writer, OfResubmit resubmit)
    {
        var port = OfPort.ToWire16(resubmit.InPort ?? OfPort.InPort);
        var subtype = resubmit.WithOriginalTuple ? 44 : resubmit.TableId == 255 ? 1 : 14;
        Nicira(writer, (ushort)subtype).U16(port);
        writer.U8(subtype == 1 ? (byte)0 : resubmit.TableId).Zeros(3);
    }

    private static void WriteNote(OfWriter writer, OfNote note)
    {
        var start = BeginNicira(writer, 8);
        writer.Bytes(note.Data.AsSpan());
        End(writer, start);
    }

    private static void WriteMultipath(
        OfWriter writer, OfMultipath multipath, in OfCodecContext context)
    {
        var start = BeginNicira(writer, 10);
        writer.U16((ushort)multipath.Fields).U16(multipath.Basis).Zeros(2);
        writer.U16((ushort)multipath.Algorithm).U16((ushort)(multipath.LinkCount - 1));
        writer.U32(multipath.Argument).Zeros(2).U16(BitsOf(multipath.Destination));
        NxmCodec.WriteHeader(writer, multipath.Destination.Field, in context);
        End(writer, start);
    }

    private static void WriteBundle(OfWriter writer, OfBundle bundle, in OfCodecContext context)
    {
        const uint memberType = 2;
        var start = BeginNicira(writer, (ushort)(bundle.Destination is null ? 12 : 13));
        writer.U16((ushort)bundle.Algorithm).U16((ushort)bundle.Fields).U16(bundle.Basis);
        writer.U32(memberType).U16((ushort)bundle.Members.Count);
        if (bundle.Destination is { } destination)
        {
            writer.U16(BitsOf(destination));
            NxmCodec.WriteHeader(writer, destination.Field, in context);
            writer.Zeros(4);
        }
        else
        {
            writer.Zeros(10);
        }

        foreach (var member in bundle.Members) writer.U16(OfPort.ToWire16(member));
        End(writer, start);
    }

    private static void WriteOutputRegister(
        OfWriter writer, OfOutputRegister output, in OfCodecContext context)
    {
        var isLong = NxmCodec.NumberOf(output.Source.Field, in context) is { Class: 0xFFFF };
        var start = BeginNicira(writer, (ushort)(isLong ? 32 : 15));
        writer.U16(BitsOf(output.Source));
        if (isLong) writer.U16(output.MaxLength);
        NxmCodec.WriteHeader(writer, output.Source.Field, in context);
        if (!isLong) writer.U16(output.MaxLength).Zeros(6);
        End(writer, start);
    }

    private static void WriteLearn(OfWriter writer, OfLearn learn, in OfCodecContext context)
    {
        var start = BeginNicira(writer, (ushort)(LearnCodec.IsSecond(learn) ? 45 : 16));
        LearnCodec.Write(writer, learn, in context);
        End(writer, start);
    }

    private static void WriteStack(
        OfWriter writer, ushort subtype, Subfield subfield, in OfCodecContext context)
    {
        var start = BeginNicira(writer, subtype);
        writer.U16((ushort)subfield.Offset);
        NxmCodec.WriteHeader(writer, subfield.Field, in context);
        writer.U16((ushort)subfield.Width);
        writer.Zeros(24 - (writer.Length - start));
        End(writer, start);
    }

    private static void WriteSample(OfWriter writer, OfSample sample)
    {
        var isPlain = sample.SamplingPort == OfPort.None
            && sample.Direction == OfSampleDirection.Default;
        var subtype = isPlain ? 29 : sample.Direction == OfSampleDirection.Default ? 38 : 41;
        var start = BeginNicira(writer, (ushort)subtype);
        writer.U16(sample.Probability).U32(sample.CollectorSetId);
        writer.U32(sample.ObservationDomain).U32(sample.ObservationPoint);
        if (!isPlain)
        {
            writer.U16(OfPort.ToWire16(sample.SamplingPort)).U8((byte)sample.Direction).Zeros(5);
        }

        End(writer, start);
    }

    private static void WriteConntrack(
        OfWriter writer, OfConntrack conntrack, in OfCodecContext context)
    {
        var start = BeginNicira(writer, 35);
        writer.U16((ushort)((conntrack.Commit ? 1 : 0) | (conntrack.Force ? 2 : 0)));
        if (conntrack.ZoneSource is { } source)
        {
            NxmCodec.WriteHeader(writer, source.Field, in context);
            writer.U16(BitsOf(source));
        }
        else
        {
            writer.U32(0).U16(conntrack.Zone);
        }

        writer.U8(conntrack.RecirculateTable ?? 255).Zeros(3).U16(conntrack.AlgPort);
        if (conntrack.Nat is { } nat) WriteNat(writer, nat);
        Write(writer, conntrack.Actions, in context);
        End(writer, start);
    }

    private static void WriteNat(OfWriter writer, OfNat nat)
    {
        var start = BeginNicira(writer, 36);
        var isIpv6 = (nat.AddressMin?.IsIpv6() ?? false);
        var present = (nat.AddressMin is null ? 0 : isIpv6 ? 4 : 1)
            | (nat.AddressMax is null ? 0 : isIpv6 ? 8 : 2)
            | (nat.PortMin == 0 ? 0 : 16) | (nat.PortMax == 0 ? 0 : 32);
        var flags = (int)nat.Type | (nat.Persistent ? 4 : 0) | (nat.HashPorts ? 8 : 0)
            | (nat.RandomPorts ? 16 : 0);
        writer.Zeros(2).U16((ushort)flags).U16((ushort)present);
        if (nat.AddressMin is { } min) writer.Bytes(min.GetAddressBytes());
        if (nat.AddressMax is { } max) writer.Bytes(max.GetAddressBytes());
        if (nat.PortMin != 0) writer.U16(nat.PortMin);
        if (nat.PortMax != 0) writer.U16(nat.PortMax);
        End(writer, start);
    }

    private static void WriteClone(OfWriter writer, OfClone clone, in OfCodecContext context)
    {
        var start = BeginNicira(writer, 42);
        writer.Zeros(6);
        Write(writer, clone.Actions, in context);
        End(writer, start);
    }

    private static void WriteEncap(OfWriter writer, OfEncap encap)
    {
        var start = BeginNicira(writer, 46);
        writer.U16(0).U32(encap.PacketType);
        foreach (var property in encap.Properties)
        {
            writer.U16(property.Class).U8(property.Type).U8((byte)(4 + property.Data.Count));
            writer.Bytes(property.Data.AsSpan()).Align8(start);
        }

        End(writer, start);
    }

    private static void WriteCheckPacketLarger(
        OfWriter writer, OfCheckPacketLarger check, in OfCodecContext context)
    {
        var start = BeginNicira(writer, 49);
        writer.U16(check.Size).U16((ushort)check.Destination.Offset);
        NxmCodec.WriteHeader(writer, check.Destination.Field, in context);
        writer.Zeros(24 - (writer.Length - start));
        End(writer, start);
    }

    private static void WriteDeleteField(
        OfWriter writer, OfDeleteField delete, in OfCodecContext context)
    {
        var start = BeginNicira(writer, 50);
        NxmCodec.WriteHeader(writer, delete.Field, in context);
        writer.Zeros(24 - (writer.Length - start));
        End(writer, start);
    }

    private static ushort BitsOf(Subfield subfield) =>
        (ushort)((subfield.Offset << 6) | (subfield.Width - 1));
}
