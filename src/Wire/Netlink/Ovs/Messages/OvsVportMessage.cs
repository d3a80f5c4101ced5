using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>A message of ovs_vport: linux/openvswitch.h, OVS_VPORT_ATTR_*.</summary>
public sealed record OvsVportMessage
{
    /// <summary>Null in a NEW: the kernel chooses.</summary>
    public uint? PortNumber { get; init; }
    public OvsVportType? Type { get; init; }
    public string? Name { get; init; }
    public OvsTunnelOptions? Options { get; init; }
    /// <summary>OVSEXT: exactly one. Linux: one for each handler thread.</summary>
    public EquatableArray<uint> UpcallPids { get; init; }
    public OvsVportStatistics? Statistics { get; init; }
    public uint? InterfaceIndex { get; init; }
    public uint? NetworkNamespace { get; init; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsVportMessage value, out NetlinkFault fault)
    {
        value = new OvsVportMessage();
        var reader = new NetlinkAttributeReader(message.Attributes, "vport");
        while (reader.TryNext())
        {
            value = reader.Type switch
            {
                OvsVportAttribute.PortNumber => value with
                {
                    PortNumber = reader.UInt32(),
                },
                OvsVportAttribute.Type => value with
                {
                    Type = (OvsVportType)reader.UInt32(),
                },
                OvsVportAttribute.Name => value with
                {
                    Name = reader.Text(),
                },
                OvsVportAttribute.Options => value with
                {
                    Options = OvsTunnelOptions.Read(ref reader),
                },
                OvsVportAttribute.UpcallPid => value with
                {
                    UpcallPids = OvsArrays.Read(ref reader),
                },
                OvsVportAttribute.Statistics => value with
                {
                    Statistics = OvsVportStatistics.Read(ref reader),
                },
                OvsVportAttribute.InterfaceIndex => value with
                {
                    InterfaceIndex = reader.UInt32(),
                },
                OvsVportAttribute.NetworkNamespace => value with
                {
                    NetworkNamespace = reader.UInt32(),
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
            writer.PutUInt32(OvsVportAttribute.PortNumber, portNumber);
        }

        if (Type is { } type)
        {
            writer.PutUInt32(OvsVportAttribute.Type, (uint)type);
        }

        if (Name is { } name)
        {
            writer.PutText(OvsVportAttribute.Name, name);
        }

        Options?.Write(ref writer);
        OvsArrays.Write(ref writer, OvsVportAttribute.UpcallPid, UpcallPids);
        Statistics?.Write(ref writer);
        if (InterfaceIndex is { } interfaceIndex)
        {
            writer.PutUInt32(OvsVportAttribute.InterfaceIndex, interfaceIndex);
        }

        if (NetworkNamespace is { } networkNamespace)
        {
            writer.PutUInt32(OvsVportAttribute.NetworkNamespace, networkNamespace);
        }

        writer.EndMessage(start);
    }
}

public sealed record OvsVportStatistics(
    ulong RxPackets, ulong TxPackets, ulong RxBytes, ulong TxBytes, ulong RxErrors,
    ulong TxErrors, ulong RxDropped, ulong TxDropped)
{
    private const int Size = 64;

    internal static OvsVportStatistics? Read(ref NetlinkAttributeReader reader)
    {
        if (!reader.IsSizeMin(Size)) return null;
        var bytes = reader.Value;
        return new OvsVportStatistics(
            OvsCounters.Read(bytes, 0), OvsCounters.Read(bytes, 1), OvsCounters.Read(bytes, 2),
            OvsCounters.Read(bytes, 3), OvsCounters.Read(bytes, 4), OvsCounters.Read(bytes, 5),
            OvsCounters.Read(bytes, 6), OvsCounters.Read(bytes, 7));
    }

    internal void Write(ref NetlinkWriter writer) => writer.PutUInt64s(
        OvsVportAttribute.Statistics, RxPackets, TxPackets, RxBytes, TxBytes, RxErrors,
        TxErrors, RxDropped, TxDropped);
}

/// <summary>OVS_TUNNEL_ATTR_*: the listening port of a tunnel vport.</summary>
public sealed record OvsTunnelOptions(
    ushort? DestinationPort, bool HasGbp = false, bool HasGpe = false)
{
    internal static OvsTunnelOptions? Read(ref NetlinkAttributeReader outer)
    {
        var options = new OvsTunnelOptions((ushort?)null);
        var reader = new NetlinkAttributeReader(outer.Value, "vport options");
        while (reader.TryNext())
        {
            if (reader.Type == OvsTunnelOptionAttribute.DestinationPort)
            {
                options = options with { DestinationPort = reader.UInt16() };
            }
            else if (reader.Type == OvsTunnelOptionAttribute.Extension)
            {
                var inner = new NetlinkAttributeReader(reader.Value, "vxlan extension");
                while (inner.TryNext())
                {
                    if (inner.Type == OvsTunnelOptionAttribute.ExtensionGbp)
                    {
                        options = options with { HasGbp = true };
                    }
                    else if (inner.Type == OvsTunnelOptionAttribute.ExtensionGpe)
                    {
                        options = options with { HasGpe = true };
                    }
                }

                if (!inner.IsSound(out var inside)) reader.Refuse(in inside);
            }
        }

        if (reader.IsSound(out var fault)) return options;
        outer.Refuse(in fault);
        return null;
    }

    internal void Write(ref NetlinkWriter writer)
    {
        var nest = writer.Begin(OvsVportAttribute.Options);
        if (DestinationPort is { } port)
        {
            writer.PutUInt16(OvsTunnelOptionAttribute.DestinationPort, port);
        }

        if (HasGbp || HasGpe)
        {
            var extension = writer.Begin(OvsTunnelOptionAttribute.Extension);
            if (HasGbp) writer.PutFlag(OvsTunnelOptionAttribute.ExtensionGbp);
            if (HasGpe) writer.PutFlag(OvsTunnelOptionAttribute.ExtensionGpe);
            writer.End(extension);
        }

        writer.End(nest);
    }
}
