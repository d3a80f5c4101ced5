namespace Fabric.Wire.Netlink;

/// <summary>CTA_TUPLE_* with its nested CTA_IP_* and CTA_PROTO_*.</summary>
internal static class ConntrackTupleCodec
{
    public static OvsConntrackTuple Read(ref NetlinkAttributeReader outer)
    {
        var tuple = new OvsConntrackTuple(null, null, null);
        var reader = new NetlinkAttributeReader(outer.Value, "tuple");
        while (reader.TryNext())
        {
            tuple = reader.Type switch
            {
                ConntrackTupleAttribute.Ip => Addresses(ref reader, tuple),
                ConntrackTupleAttribute.Protocol => Protocol(ref reader, tuple),
                _ => tuple,
            };
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        return tuple;
    }

    /// <summary>Writes nothing for a tuple that is not there.</summary>
    public static void Write(ref NetlinkWriter writer, ushort type, OvsConntrackTuple? tuple)
    {
        if (tuple is null) return;
        var nest = writer.Begin(type);
        var ip = writer.Begin(ConntrackTupleAttribute.Ip);
        var isIpv6 = (tuple.Source ?? tuple.Destination)?.GetAddressBytes().Length == 16;
        if (tuple.Source is { } source)
        {
            writer.PutAddress(
                isIpv6 ? ConntrackTupleAttribute.Ipv6Source : ConntrackTupleAttribute.Ipv4Source,
                source);
        }

        if (tuple.Destination is { } destination)
        {
            writer.PutAddress(
                isIpv6
                    ? ConntrackTupleAttribute.Ipv6Destination
                    : ConntrackTupleAttribute.Ipv4Destination,
                destination);
        }

        writer.End(ip);
        Ports(ref writer, tuple);
        writer.End(nest);
    }

    private static void Ports(ref NetlinkWriter writer, OvsConntrackTuple tuple)
    {
        if (tuple.Protocol is not { } protocol) return;
        var isIcmpv6 = protocol == IpProtocol.Icmpv6;
        var nest = writer.Begin(ConntrackTupleAttribute.Protocol);
        writer.PutUInt8(ConntrackTupleAttribute.Number, protocol);
        if (tuple.PortSource is { } from)
        {
            writer.PutBigUInt16(ConntrackTupleAttribute.PortSource, from);
        }

        if (tuple.PortDestination is { } to)
        {
            writer.PutBigUInt16(ConntrackTupleAttribute.PortDestination, to);
        }

        if (tuple.IcmpId is { } id)
        {
            writer.PutBigUInt16(
                isIcmpv6 ? ConntrackTupleAttribute.Icmpv6Id : ConntrackTupleAttribute.IcmpId, id);
        }

        if (tuple.IcmpType is { } type)
        {
            writer.PutUInt8(
                isIcmpv6 ? ConntrackTupleAttribute.Icmpv6Type : ConntrackTupleAttribute.IcmpType,
                type);
        }

        if (tuple.IcmpCode is { } code)
        {
            writer.PutUInt8(
                isIcmpv6 ? ConntrackTupleAttribute.Icmpv6Code : ConntrackTupleAttribute.IcmpCode,
                code);
        }

        writer.End(nest);
    }

    private static OvsConntrackTuple Addresses(
        ref NetlinkAttributeReader outer, OvsConntrackTuple tuple)
    {
        var reader = new NetlinkAttributeReader(outer.Value, "tuple addresses");
        while (reader.TryNext())
        {
            var size = reader.Type >= ConntrackTupleAttribute.Ipv6Source ? 16 : 4;
            if (reader.Type is < ConntrackTupleAttribute.Ipv4Source
                or > ConntrackTupleAttribute.Ipv6Destination || !reader.IsSize(size))
            {
                continue;
            }

            var isSource = reader.Type is ConntrackTupleAttribute.Ipv4Source
                or ConntrackTupleAttribute.Ipv6Source;
            tuple = isSource
                ? tuple with { Source = reader.Address() }
                : tuple with { Destination = reader.Address() };
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        return tuple;
    }

    private static OvsConntrackTuple Protocol(
        ref NetlinkAttributeReader outer, OvsConntrackTuple tuple)
    {
        var reader = new NetlinkAttributeReader(outer.Value, "tuple protocol");
        while (reader.TryNext())
        {
            tuple = reader.Type switch
            {
                ConntrackTupleAttribute.Number => tuple with { Protocol = reader.UInt8() },
                ConntrackTupleAttribute.PortSource => tuple with
                {
                    PortSource = reader.BigUInt16(),
                },
                ConntrackTupleAttribute.PortDestination => tuple with
                {
                    PortDestination = reader.BigUInt16(),
                },
                ConntrackTupleAttribute.IcmpId or ConntrackTupleAttribute.Icmpv6Id => tuple with
                {
                    IcmpId = reader.BigUInt16(),
                },
                ConntrackTupleAttribute.IcmpType or ConntrackTupleAttribute.Icmpv6Type =>
                    tuple with { IcmpType = reader.UInt8() },
                ConntrackTupleAttribute.IcmpCode or ConntrackTupleAttribute.Icmpv6Code =>
                    tuple with { IcmpCode = reader.UInt8() },
                _ => tuple,
            };
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        return tuple;
    }
}
