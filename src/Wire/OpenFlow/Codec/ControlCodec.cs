namespace Fabric.Wire.OpenFlow;

/// <summary>Hello, error, features, port status, roles.</summary>
internal static class ControlCodec
{
    private const ushort VersionBitmap = 1;
    private const ushort ExperimenterError = 0xFFFF;
    /// <summary>Nicira's error type for OpenFlow 1.0 and 1.1 (NXET_VENDOR).</summary>
    private const ushort VendorError10 = 0xB0C2;

    public static OfHello DecodeHello(ref OfReader body, in OfCodecContext context)
    {
        var implied = (2u << (int)context.Version) - 2;
        while (body.Remaining >= 8)
        {
            var start = body.Position;
            var (type, length) = (body.U16(), body.U16());
            if (length < 4 || length - 4 > body.Remaining) break;
            var value = new OfReader(body.Bytes(length - 4));
            body.Align8(start);
            if (type != VersionBitmap) continue;
            var bitmap = value.U32();
            if (!value.Failed && bitmap != 0) return new OfHello(bitmap & ~1u);
        }

        body.Rest();
        return new OfHello(implied);
    }

    public static void WriteHello(OfWriter writer, OfHello hello, in OfCodecContext context)
    {
        var implied = (2u << (int)context.Version) - 2;
        if (hello.Versions == implied && context.IsVersion10) return;
        writer.U16(VersionBitmap).U16(8).U32(hello.Versions);
    }

    public static OfErrorMessage DecodeError(ref OfReader body, in OfCodecContext context)
    {
        var (type, code) = (body.U16(), body.U16());
        var number = new OfErrorNumber(0, type, code);
        if (type == VendorError10 && context.Version < OfVersion.OpenFlow12)
        {
            number = new OfErrorNumber(body.U32(), body.U16(), body.U16());
        }
        else if (type == ExperimenterError && context.Version >= OfVersion.OpenFlow12)
        {
            number = new OfErrorNumber(body.U32(), 0, code);
        }

        return new OfErrorMessage(OfError.CodeOf(number, context.Version),
            EquatableArray.Create(body.Rest()))
        {
            Number = number,
        };
    }

    public static void WriteError(OfWriter writer, OfErrorMessage error, in OfCodecContext context)
    {
        var number = error.Number ?? OfError.NumberOf(error.Code, context.Version);
        if (number.Vendor == 0) writer.U16(number.Type).U16(number.Code);
        else if (context.Version < OfVersion.OpenFlow12)
        {
            writer.U16(VendorError10).U16(0).U32(number.Vendor).U16(number.Type).U16(number.Code);
        }
        else writer.U16(ExperimenterError).U16(number.Code).U32(number.Vendor);
        writer.Bytes(error.Data.AsSpan());
    }

    public static OfErrorCode DecodeFeatures(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var (datapath, buffers, tables, auxiliary) = (body.U64(), body.U32(), body.U8(), body.U8());
        body.Skip(2);
        var (capabilities, actions) = (body.U32(), body.U32());
        var ports = new List<OfPortDescription>();
        var error = OfErrorCode.None;
        while (!body.IsEmpty && context.Version < OfVersion.OpenFlow13 && error == OfErrorCode.None)
        {
            error = PortCodec.ReadDescription(ref body, in context, out var port);
            ports.Add(port);
        }

        var known = (OfCapabilities)capabilities;
        if (context.IsVersion10 && (capabilities & 8) != 0)
            known = (known & ~OfCapabilities.GroupStats) | OfCapabilities.SpanningTree;
        message = new OfFeaturesReply(datapath, buffers, tables, auxiliary, known, actions,
            ports.ToEquatableArray());
        return error;
    }

    public static void WriteFeatures(
        OfWriter writer, OfFeaturesReply features, in OfCodecContext context)
    {
        writer.U64(features.DatapathId).U32(features.BufferCount).U8(features.TableCount);
        writer.U8(context.Version >= OfVersion.OpenFlow13 ? features.AuxiliaryId
            : (byte)0).Zeros(2);
        writer.U32(CapabilitiesOf(features.Capabilities, in context));
        writer.U32(context.IsVersion10 ? features.Actions : 0);
        if (context.Version >= OfVersion.OpenFlow13) return;
        foreach (var port in features.Ports) PortCodec.WriteDescription(writer, port, in context);
    }

    private static uint CapabilitiesOf(OfCapabilities capabilities, in OfCodecContext context)
    {
        const uint common = 0x67;
        var bits = (uint)capabilities & common;
        var has = (uint)capabilities;
        return context.Version switch
        {
            OfVersion.OpenFlow10 => bits | (has & (uint)OfCapabilities.ArpMatchIp)
                | ((has & (uint)OfCapabilities.SpanningTree) != 0 ? 8u : 0),
            OfVersion.OpenFlow11 => bits | (has & (8 | (uint)OfCapabilities.ArpMatchIp)),
            < OfVersion.OpenFlow14 => bits | (has & (8 | 0x100)),
            _ => bits | (has & (8 | 0x100 | 0x600)),
        };
    }

    public static OfErrorCode DecodePortStatus(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        var reason = body.U8();
        body.Skip(7);
        var error = PortCodec.ReadDescription(ref body, in context, out var port);
        message = new OfPortStatus((OfPortReason)reason, port);
        return reason > 2 ? OfErrorCode.RequestBadReason : error;
    }

    public static OfErrorCode DecodeRole(ref OfReader body, bool isRequest, out OfMessage message)
    {
        var role = body.U32();
        body.Skip(4);
        var generation = body.U64();
        ulong? id = isRequest && role < (uint)OfRole.Primary ? null
            : generation == ulong.MaxValue && !isRequest ? null : generation;
        message = isRequest ? new OfRoleRequest((OfRole)role, id)
            : new OfRoleReply((OfRole)role, id);
        return role > 3 ? OfErrorCode.RoleBadRole : OfErrorCode.None;
    }
}
