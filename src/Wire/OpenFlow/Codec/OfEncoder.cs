namespace Fabric.Wire.OpenFlow;

/// <summary>OpenFlow messages to bytes, in the version of the context.</summary>
/// <remarks>
/// Some messages become several (long statistics) and some none at all: what a version cannot say
/// is left out, <see cref="CanSay"/> tells.
/// </remarks>
public static class OfEncoder
{
    /// <summary>Appends the message or messages to 'writer'.</summary>
    public static void Write(
        OfWriter writer, OfMessage message, uint xid, in OfCodecContext context)
    {
        if (message is OfStatsReply reply)
        {
            StatsReplyEncoder.Write(writer, reply, in context, xid);
            return;
        }

        var start = writer.Length;
        if (!WriteWhole(writer, message, xid, in context)) writer.Truncate(start);
        else if (writer.Length - start > ushort.MaxValue) writer.Truncate(start);
        else writer.PatchU16(start + 2, writer.Length - start);
    }

    /// <summary>One message as an array of its own.</summary>
    public static byte[] ToArray(OfMessage message, uint xid, in OfCodecContext context)
    {
        var writer = new OfWriter();
        Write(writer, message, xid, in context);
        return writer.ToArray();
    }

    /// <summary>The version has the message, or a vendor's message that says the same.</summary>
    public static bool CanSay(OfMessage message, OfVersion version) =>
        ToArray(message, 0, new OfCodecContext(version)).Length > 0;

    /// <summary>Begins a multipart message: header, type, flags; returns where it starts.</summary>
    internal static int BeginStats(
        OfWriter writer, OfType type, OfMessage message, in OfCodecContext context, uint xid)
    {
        var start = writer.Length;
        WriteHeader(writer, OfTypes.NumberOf(type, context.Version), xid, in context);
        var number = StatsTypes.NumberOf(message);
        var isOnf = number == StatsTypes.FlowMonitor && context.Version == OfVersion.OpenFlow13;
        var isVendor = number == StatsTypes.Experimenter || isOnf
            || StatsTypes.IsNiciraGroup(message, context.Version);
        writer.U16(isVendor ? StatsTypes.Experimenter : number).U16(0);
        if (!context.IsVersion10) writer.Zeros(4);
        if (isVendor)
        {
            writer.U32(isOnf ? OfError.OnfVendor : OfError.NiciraVendor);
            writer.U32(isOnf ? StatsTypes.OnfFlowMonitor : StatsTypes.NiciraNumberOf(message));
            if (context.IsVersion10) writer.Zeros(4);
        }
        return start;
    }

    private static void WriteHeader(OfWriter writer, byte type, uint xid,
        in OfCodecContext context) =>
        writer.U8((byte)context.Version).U8(type).U16(0).U32(xid);

    private static bool WriteWhole(
        OfWriter writer, OfMessage message, uint xid, in OfCodecContext context)
    {
        if (message is OfStatsRequest request)
        {
            BeginStats(writer, OfType.StatsRequest, message, in context, xid);
            StatsRequestCodec.Write(writer, request, in context);
            return true;
        }

        if (message is FlowMod mod && context.IsVersion10 && !FlowCodec.IsStandard10(mod))
        {
            NiciraCodec.Begin(writer, OfError.NiciraVendor, 13, xid, in context);
            FlowCodec.WriteMod(writer, mod, in context);
            return true;
        }

        if (TypeOf(message, in context) is not { } type || !OfTypes.Exists(type, context.Version))
        {
            return NiciraCodec.TryWrite(writer, message, xid, in context);
        }

        WriteHeader(writer, OfTypes.NumberOf(type, context.Version), xid, in context);
        WriteBody(writer, message, in context);
        return true;
    }

    private static OfType? TypeOf(OfMessage message, in OfCodecContext context) => message switch
    {
        OfHello => OfType.Hello,
        OfErrorMessage => OfType.Error,
        OfEchoRequest => OfType.EchoRequest,
        OfEchoReply => OfType.EchoReply,
        OfFeaturesRequest => OfType.FeaturesRequest,
        OfFeaturesReply => OfType.FeaturesReply,
        OfGetConfigRequest => OfType.GetConfigRequest,
        OfGetConfigReply => OfType.GetConfigReply,
        OfSetConfig => OfType.SetConfig,
        OfPacketIn { Format: PacketInFormat.Standard } => OfType.PacketIn,
        OfFlowRemoved => context.IsVersion10 && context.UsesNxm ? null : OfType.FlowRemoved,
        OfPortStatus => OfType.PortStatus,
        OfPacketOut => OfType.PacketOut,
        FlowMod => OfType.FlowMod,
        GroupMod => OfType.GroupMod,
        PortMod => OfType.PortMod,
        TableMod => OfType.TableMod,
        OfBarrierRequest => OfType.BarrierRequest,
        OfBarrierReply => OfType.BarrierReply,
        OfQueueGetConfigRequest => OfType.QueueGetConfigRequest,
        OfQueueGetConfigReply => OfType.QueueGetConfigReply,
        OfRoleRequest => OfType.RoleRequest,
        OfRoleReply => OfType.RoleReply,
        OfRoleStatus => OfType.RoleStatus,
        OfGetAsyncRequest => OfType.GetAsyncRequest,
        OfGetAsyncReply => OfType.GetAsyncReply,
        OfSetAsync => OfType.SetAsync,
        MeterMod => OfType.MeterMod,
        OfTableStatus => OfType.TableStatus,
        OfRequestForward => OfType.RequestForward,
        OfBundleControl => OfType.BundleControl,
        OfBundleAdd => OfType.BundleAdd,
        _ => null,
    };

    private static void WriteBody(OfWriter writer, OfMessage message, in OfCodecContext context)
    {
        switch (message)
        {
            case OfHello hello: ControlCodec.WriteHello(writer, hello, in context); break;
            case OfErrorMessage error: ControlCodec.WriteError(writer, error, in context); break;
            case OfEchoRequest echo: writer.Bytes(echo.Data.AsSpan()); break;
            case OfEchoReply echo: writer.Bytes(echo.Data.AsSpan()); break;
            case OfFeaturesReply features:
                ControlCodec.WriteFeatures(writer, features, in context);
                break;
            case OfGetConfigReply config:
                writer.U16((ushort)config.Flags).U16(config.MissSendLength);
                break;
            case OfSetConfig config:
                writer.U16((ushort)config.Flags).U16(config.MissSendLength);
                break;
            case OfPacketIn packet: PacketCodec.WriteIn(writer, packet, in context); break;
            case OfFlowRemoved removed: FlowCodec.WriteRemoved(writer, removed, in context); break;
            case OfPortStatus status:
                writer.U8((byte)status.Reason).Zeros(7);
                PortCodec.WriteDescription(writer, status.Port, in context);
                break;
            case OfPacketOut packet: PacketCodec.WriteOut(writer, packet, in context); break;
            case FlowMod mod: FlowCodec.WriteMod(writer, mod, in context); break;
            case GroupMod mod:
                GroupCodec.WriteMod(writer, mod, in context,
                    context.Version >= OfVersion.OpenFlow15);
                break;
            case PortMod mod: PortCodec.WriteMod(writer, mod, in context); break;
            case TableMod mod: TableCodec.WriteMod(writer, mod, in context); break;
            case MeterMod mod: MeterCodec.WriteMod(writer, mod); break;
            case OfQueueGetConfigRequest queue:
                QueueCodec.WriteConfigRequest(writer, queue, in context);
                break;
            case OfQueueGetConfigReply queue:
                QueueCodec.WriteConfigReply(writer, queue, in context);
                break;
            case OfRoleRequest role:
                writer.U32((uint)role.Role).Zeros(4).U64(role.GenerationId ?? 0);
                break;
            case OfRoleReply role:
                writer.U32((uint)role.Role).Zeros(4).U64(role.GenerationId ?? ulong.MaxValue);
                break;
            case OfRoleStatus role:
                writer.U32((uint)role.Role).U8((byte)role.Reason).Zeros(3).U64(role.GenerationId);
                break;
            case OfGetAsyncReply async: AsyncCodec.WriteReply(writer, async, in context); break;
            case OfSetAsync async: AsyncCodec.WriteSet(writer, async, in context); break;
            case OfTableStatus status:
                writer.U8((byte)status.Reason).Zeros(7);
                TableCodec.WriteDescription(writer, status.Table);
                break;
            case OfRequestForward forward:
                Write(writer, forward.Message, forward.Xid, in context);
                break;
            case OfBundleControl bundle: BundleCodec.WriteControl(writer, bundle); break;
            case OfBundleAdd bundle: BundleCodec.WriteAdd(writer, bundle, in context); break;
            default: break;
        }
    }
}
