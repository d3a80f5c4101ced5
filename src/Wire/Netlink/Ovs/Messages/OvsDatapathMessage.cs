using System.Buffers.Binary;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>A message of ovs_datapath: linux/openvswitch.h, OVS_DP_ATTR_*.</summary>
public sealed record OvsDatapathMessage
{
    /// <summary>OVSEXT knows one: "ovs-system"; a SET must carry it.</summary>
    public string? Name { get; init; }
    public uint? UpcallPid { get; init; }
    public OvsDatapathStatistics? Statistics { get; init; }
    public OvsMegaflowStatistics? Megaflows { get; init; }
    public OvsUserFeatures? UserFeatures { get; init; }
    public uint? MasksCacheSize { get; init; }
    public EquatableArray<uint> PerCpuPids { get; init; }
    public uint? InterfaceIndex { get; init; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsDatapathMessage value, out NetlinkFault fault)
    {
        value = new OvsDatapathMessage();
        var reader = new NetlinkAttributeReader(message.Attributes, "datapath");
        while (reader.TryNext())
        {
            value = reader.Type switch
            {
                OvsDatapathAttribute.Name => value with
                {
                    Name = reader.Text(),
                },
                OvsDatapathAttribute.UpcallPid => value with
                {
                    UpcallPid = reader.UInt32(),
                },
                OvsDatapathAttribute.Statistics => value with
                {
                    Statistics = OvsDatapathStatistics.Read(ref reader),
                },
                OvsDatapathAttribute.MegaflowStatistics => value with
                {
                    Megaflows = OvsMegaflowStatistics.Read(ref reader),
                },
                OvsDatapathAttribute.UserFeatures => value with
                {
                    UserFeatures = (OvsUserFeatures)reader.UInt32(),
                },
                OvsDatapathAttribute.MasksCacheSize => value with
                {
                    MasksCacheSize = reader.UInt32(),
                },
                OvsDatapathAttribute.PerCpuPids => value with
                {
                    PerCpuPids = OvsArrays.Read(ref reader),
                },
                OvsDatapathAttribute.InterfaceIndex => value with
                {
                    InterfaceIndex = reader.UInt32(),
                },
                _ => value,
            };
        }

        return reader.IsSound(out fault);
    }

    public void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        if (Name is { } name)
        {
            writer.PutText(OvsDatapathAttribute.Name, name);
        }

        if (UpcallPid is { } upcallPid)
        {
            writer.PutUInt32(OvsDatapathAttribute.UpcallPid, upcallPid);
        }

        Statistics?.Write(ref writer);
        Megaflows?.Write(ref writer);
        if (UserFeatures is { } userFeatures)
        {
            writer.PutUInt32(OvsDatapathAttribute.UserFeatures, (uint)userFeatures);
        }

        if (MasksCacheSize is { } masksCacheSize)
        {
            writer.PutUInt32(OvsDatapathAttribute.MasksCacheSize, masksCacheSize);
        }

        OvsArrays.Write(ref writer, OvsDatapathAttribute.PerCpuPids, PerCpuPids);
        if (InterfaceIndex is { } interfaceIndex)
        {
            writer.PutUInt32(OvsDatapathAttribute.InterfaceIndex, interfaceIndex);
        }

        writer.EndMessage(start);
    }
}

public sealed record OvsDatapathStatistics(ulong Hit, ulong Missed, ulong Lost, ulong Flows)
{
    private const int Size = 32;

    internal static OvsDatapathStatistics? Read(ref NetlinkAttributeReader reader)
    {
        if (!reader.IsSizeMin(Size)) return null;
        var bytes = reader.Value;
        return new OvsDatapathStatistics(
            OvsCounters.Read(bytes, 0), OvsCounters.Read(bytes, 1), OvsCounters.Read(bytes, 2),
            OvsCounters.Read(bytes, 3));
    }

    internal void Write(ref NetlinkWriter writer) =>
        writer.PutUInt64s(OvsDatapathAttribute.Statistics, Hit, Missed, Lost, Flows);
}

public sealed record OvsMegaflowStatistics(ulong MaskHit, uint Masks, ulong CacheHit)
{
    private const int SizeMin = 16; // Older kernels do not count cache hits.
    private const int Size = 32;

    internal static OvsMegaflowStatistics? Read(ref NetlinkAttributeReader reader)
    {
        if (!reader.IsSizeMin(SizeMin)) return null;
        var bytes = reader.Value;
        return new OvsMegaflowStatistics(
            OvsCounters.Read(bytes, 0),
            (uint)OvsCounters.Read(bytes, 1),
            bytes.Length >= Size ? OvsCounters.Read(bytes, 2) : 0);
    }

    internal void Write(ref NetlinkWriter writer) =>
        writer.PutUInt64s(OvsDatapathAttribute.MegaflowStatistics, MaskHit, Masks, CacheHit, 0);
}

/// <summary>Arrays of u32: upcall pids.</summary>
internal static class OvsArrays
{
    private const int CountMax = 4096;

    public static EquatableArray<uint> Read(ref NetlinkAttributeReader reader)
    {
        var bytes = reader.Value;
        if (bytes.Length % 4 != 0 || bytes.Length > CountMax * 4)
        {
            reader.Refuse(NetlinkFaultKind.Size);
            return default;
        }

        var values = new uint[bytes.Length / 4];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * 4)..]);
        }

        return values;
    }

    /// <summary>Writes nothing for an empty array.</summary>
    public static void Write(
        ref NetlinkWriter writer, ushort type, EquatableArray<uint> values)
    {
        if (values.IsEmpty) return;
        var bytes = new byte[values.Count * 4];
        for (var i = 0; i < values.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), values[i]);
        }

        writer.Put(type, bytes);
    }
}
