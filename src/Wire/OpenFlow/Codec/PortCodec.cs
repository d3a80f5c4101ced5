namespace Fabric.Wire.OpenFlow;

/// <summary>Ports in messages: 16-bit numbers in OpenFlow 1.0, properties from 1.4 on.</summary>
internal static class PortCodec
{
    private const int NameSize = 16;
    private const ushort EthernetProperty = 0;

    public static uint ReadPort(ref OfReader body, in OfCodecContext context, int padAfter16)
    {
        if (!context.IsVersion10) return body.U32();
        var port = OfPort.FromWire16(body.U16());
        body.Skip(padAfter16);
        return port;
    }

    public static void WritePort(OfWriter writer, uint port, in OfCodecContext context,
        int padAfter16)
    {
        if (context.IsVersion10) writer.U16(OfPort.ToWire16(port)).Zeros(padAfter16);
        else writer.U32(port);
    }

    public static OfErrorCode ReadDescription(
        ref OfReader body, in OfCodecContext context, out OfPortDescription description)
    {
        if (context.IsVersion10)
        {
            description =
                new OfPortDescription(OfPort.FromWire16(body.U16()), body.Mac(),
                body.Text(NameSize),
                (OfPortConfig)body.U32(), (OfPortState)body.U32() & OfPortState.Version10,
                FeaturesFrom10(body.U32()),
                FeaturesFrom10(body.U32()), FeaturesFrom10(body.U32()), FeaturesFrom10(body.U32()),
                    0, 0);
            return body.Failed ? OfErrorCode.RequestBadLength : OfErrorCode.None;
        }

        var start = body.Position;
        var port = body.U32();
        var length = 64;
        if (context.Version >= OfVersion.OpenFlow14) length = body.U16(); else body.Skip(2);
        body.Skip(2);
        var mac = body.Mac();
        body.Skip(2);
        var (name, config, state) = (body.Text(NameSize), body.U32(), body.U32());
        description =
            new OfPortDescription(port, mac, name, (OfPortConfig)config, (OfPortState)state, 0, 0,
            0, 0, 0, 0);
        if (context.Version >= OfVersion.OpenFlow14)
        {
            if (length < 40 || length - (body.Position - start) > body.Remaining)
                return OfErrorCode.RequestBadLength;
            var properties = new OfReader(body.Bytes(length - (body.Position - start)));
            while (properties.Remaining >= 4)
            {
                var (type, size) = (properties.U16(), properties.U16());
                if (size < 4) return OfErrorCode.PropertyBadLength;
                var property = new OfReader(properties.Bytes(size - 4));
                if (type != EthernetProperty) continue;
                property.Skip(4);
                description = WithFeatures(description, ref property);
            }
        }
        else
        {
            description = WithFeatures(description, ref body);
        }

        return body.Failed ? OfErrorCode.RequestBadLength : OfErrorCode.None;
    }

    public static void WriteDescription(
        OfWriter writer, OfPortDescription port, in OfCodecContext context)
    {
        if (context.IsVersion10)
        {
            writer.U16(OfPort.ToWire16(port.Port)).Mac(port.Address).Text(port.Name, NameSize);
            writer.U32((uint)port.Config).U32((uint)(port.State & OfPortState.Version10));
            writer.U32(FeaturesTo10(port.Current)).U32(FeaturesTo10(port.Advertised));
            writer.U32(FeaturesTo10(port.Supported)).U32(FeaturesTo10(port.Peer));
            return;
        }

        var has14 = context.Version >= OfVersion.OpenFlow14;
        writer.U32(port.Port).U16((ushort)(has14 ? 72 : 0)).Zeros(2).Mac(port.Address).Zeros(2);
        writer.Text(port.Name, NameSize).U32((uint)port.Config & 0x65);
        writer.U32((uint)(port.State & ~OfPortState.StpBlock));
        if (has14) writer.U16(EthernetProperty).U16(32).Zeros(4);
        writer.U32((uint)port.Current).U32((uint)port.Advertised).U32((uint)port.Supported);
        writer.U32((uint)port.Peer).U32(port.CurrentSpeed).U32(port.MaxSpeed);
    }

    public static OfErrorCode DecodeMod(
        ref OfReader body, in OfCodecContext context, out OfMessage message)
    {
        uint port;
        if (context.IsVersion10)
        {
            port = OfPort.FromWire16(body.U16());
        }
        else
        {
            port = body.U32();
            body.Skip(4);
            if (OfPort.ErrorOf(port) is var bad and not OfErrorCode.None)
                return Bad(bad, out message);
        }

        var mac = body.Mac();
        if (!context.IsVersion10) body.Skip(2);
        var (config, mask) = ((OfPortConfig)body.U32(), (OfPortConfig)body.U32());
        var advertise = OfPortFeatures.None;
        if (context.Version >= OfVersion.OpenFlow14)
        {
            while (body.Remaining >= 4)
            {
                var (type, size) = (body.U16(), body.U16());
                if (size < 4 || size - 4 > body.Remaining)
                    return Bad(OfErrorCode.PropertyBadLength, out message);
                var property = new OfReader(body.Bytes(size - 4));
                if (type != EthernetProperty) return Bad(OfErrorCode.PropertyBadType, out message);
                advertise = (OfPortFeatures)property.U32();
            }
        }
        else
        {
            var bits = body.U32();
            advertise = context.IsVersion10 ? FeaturesFrom10(bits) : (OfPortFeatures)bits;
            body.Skip(4);
        }

        message = new PortMod(port, mac.IsZero && !context.IsVersion10 ? null : mac, config & mask,
            mask, advertise);
        return body.Failed || !body.IsEmpty ? OfErrorCode.RequestBadLength : OfErrorCode.None;
    }

    public static void WriteMod(OfWriter writer, PortMod mod, in OfCodecContext context)
    {
        if (context.IsVersion10) writer.U16(OfPort.ToWire16(mod.Port));
        else writer.U32(mod.Port).Zeros(4);
        writer.Mac(mod.Address ?? default);
        if (!context.IsVersion10) writer.Zeros(2);
        writer.U32((uint)mod.Config).U32((uint)mod.Mask);
        if (context.Version >= OfVersion.OpenFlow14)
        {
            if (mod.Advertise != 0) writer.U16(EthernetProperty).U16(8).U32((uint)mod.Advertise);
            return;
        }

        writer.U32(context.IsVersion10 ? FeaturesTo10(mod.Advertise)
            : (uint)mod.Advertise).Zeros(4);
    }

    private static OfPortDescription WithFeatures(OfPortDescription port, ref OfReader body) =>
        port with
        {
            Current = (OfPortFeatures)body.U32(),
            Advertised = (OfPortFeatures)body.U32(),
            Supported = (OfPortFeatures)body.U32(),
            Peer = (OfPortFeatures)body.U32(),
            CurrentSpeed = body.U32(),
            MaxSpeed = body.U32(),
        };

    /// <summary>1.0 has seven speeds, then copper to asymmetric pause from bit 7 on.</summary>
    private static OfPortFeatures FeaturesFrom10(uint bits) =>
        (OfPortFeatures)((bits & 0x7F) | ((bits & 0xF80) << 4));

    private static uint FeaturesTo10(OfPortFeatures features) =>
        ((uint)features & 0x7F) | (((uint)features >> 4) & 0xF80);

    private static OfErrorCode Bad(OfErrorCode error, out OfMessage message)
    {
        message = new OfBarrierRequest();
        return error;
    }
}
