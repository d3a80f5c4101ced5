namespace Fabric.Wire.Netlink;

/// <summary>OVSEXT alone: what it knows of a Hyper-V port, asked by name.</summary>
public sealed record OvsNetdevMessage
{
    public uint? PortNumber { get; init; }
    public OvsVportType? Type { get; init; }
    public string? Name { get; init; }
    public MacBytes? Mac { get; init; }
    public uint? Mtu { get; init; }
    public OvsNetdevFlags? Flags { get; init; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsNetdevMessage value, out NetlinkFault fault)
    {
        value = new OvsNetdevMessage();
        var reader = new NetlinkAttributeReader(message.Attributes, "netdev");
        while (reader.TryNext())
        {
            value = reader.Type switch
            {
                OvsNetdevAttribute.PortNumber => value with
                {
                    PortNumber = reader.UInt32(),
                },
                OvsNetdevAttribute.Type => value with
                {
                    Type = (OvsVportType)reader.UInt32(),
                },
                OvsNetdevAttribute.Name => value with
                {
                    Name = reader.Text(),
                },
                OvsNetdevAttribute.Mac => value with
                {
                    Mac = reader.IsSize(6) ? MacBytes.From(reader.Value) : null,
                },
                OvsNetdevAttribute.Mtu => value with
                {
                    Mtu = reader.UInt32(),
                },
                OvsNetdevAttribute.Flags => value with
                {
                    Flags = (OvsNetdevFlags)reader.UInt32(),
                },
                _ => value,
            };
        }

        return reader.IsSound(out fault);
    }

    public void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        if (PortNumber is { } portNumber)
        {
            writer.PutUInt32(OvsNetdevAttribute.PortNumber, portNumber);
        }

        if (Type is { } type)
        {
            writer.PutUInt32(OvsNetdevAttribute.Type, (uint)type);
        }

        if (Name is { } name)
        {
            writer.PutText(OvsNetdevAttribute.Name, name);
        }

        if (Mac is { } mac) PutMac(ref writer, mac);
        if (Mtu is { } mtu)
        {
            writer.PutUInt32(OvsNetdevAttribute.Mtu, mtu);
        }

        if (Flags is { } flags)
        {
            writer.PutUInt32(OvsNetdevAttribute.Flags, (uint)flags);
        }

        writer.EndMessage(start);
    }

    private static void PutMac(ref NetlinkWriter writer, MacBytes mac)
    {
        Span<byte> bytes = stackalloc byte[MacBytes.Size];
        mac.CopyTo(bytes);
        writer.Put(OvsNetdevAttribute.Mac, bytes);
    }
}

/// <summary>OVSEXT: joins or leaves events (group) or upcalls; empty: pends for them.</summary>
public sealed record OvsSubscribeMessage
{
    public uint? Group { get; init; }
    public byte? Join { get; init; }
    public byte? SubscribePackets { get; init; }
    public uint? PacketPid { get; init; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsSubscribeMessage value, out NetlinkFault fault)
    {
        value = new OvsSubscribeMessage();
        var reader = new NetlinkAttributeReader(message.Attributes, "control");
        while (reader.TryNext())
        {
            value = reader.Type switch
            {
                OvsControlAttribute.Group => value with
                {
                    Group = reader.UInt32(),
                },
                OvsControlAttribute.Join => value with
                {
                    Join = reader.UInt8(),
                },
                OvsControlAttribute.SubscribePackets => value with
                {
                    SubscribePackets = reader.UInt8(),
                },
                OvsControlAttribute.PacketPid => value with
                {
                    PacketPid = reader.UInt32(),
                },
                _ => value,
            };
        }

        return reader.IsSound(out fault);
    }

    public void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        if (Group is { } group)
        {
            writer.PutUInt32(OvsControlAttribute.Group, group);
        }

        if (Join is { } join)
        {
            writer.PutUInt8(OvsControlAttribute.Join, join);
        }

        if (SubscribePackets is { } subscribePackets)
        {
            writer.PutUInt8(OvsControlAttribute.SubscribePackets, subscribePackets);
        }

        if (PacketPid is { } packetPid)
        {
            writer.PutUInt32(OvsControlAttribute.PacketPid, packetPid);
        }

        writer.EndMessage(start);
    }
}

/// <summary>OVSEXT: says what a handle is for; the driver echoes it.</summary>
public sealed record OvsSocketProperty
{
    public uint? Protocol { get; init; }
    public uint? Pid { get; init; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsSocketProperty value, out NetlinkFault fault)
    {
        value = new OvsSocketProperty();
        var reader = new NetlinkAttributeReader(message.Attributes, "socket property");
        while (reader.TryNext())
        {
            value = reader.Type switch
            {
                OvsControlAttribute.SocketProtocol => value with
                {
                    Protocol = reader.UInt32(),
                },
                OvsControlAttribute.SocketPid => value with
                {
                    Pid = reader.UInt32(),
                },
                _ => value,
            };
        }

        return reader.IsSound(out fault);
    }

    public void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        if (Protocol is { } protocol)
        {
            writer.PutUInt32(OvsControlAttribute.SocketProtocol, protocol);
        }

        if (Pid is { } pid)
        {
            writer.PutUInt32(OvsControlAttribute.SocketPid, pid);
        }

        writer.EndMessage(start);
    }
}
