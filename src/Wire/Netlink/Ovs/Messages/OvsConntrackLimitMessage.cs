using System.Buffers.Binary;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>A message of ovs_ct_limit: limits of connections by zone.</summary>
public sealed record OvsConntrackLimitMessage
{
    public EquatableArray<OvsZoneLimit> Limits { get; init; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsConntrackLimitMessage value, out NetlinkFault fault)
    {
        value = new OvsConntrackLimitMessage();
        var reader = new NetlinkAttributeReader(message.Attributes, "ct limit");
        while (reader.TryNext())
        {
            value = reader.Type switch
            {
                OvsConntrackLimitAttribute.ZoneLimits => value with
                {
                    Limits = OvsZoneLimit.ReadAll(ref reader),
                },
                _ => value,
            };
        }

        return reader.IsSound(out fault);
    }

    public void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        OvsZoneLimit.WriteAll(ref writer, Limits);
        writer.EndMessage(start);
    }
}

/// <param name="Zone">-1: the limit of zones that have none.</param>
public readonly record struct OvsZoneLimit(int Zone, uint Limit, uint Count)
{
    internal static EquatableArray<OvsZoneLimit> ReadAll(ref NetlinkAttributeReader reader)
    {
        const int Size = OvsConntrackLimitAttribute.ItemSize;
        var bytes = reader.Value;
        if (bytes.Length % Size != 0)
        {
            reader.Refuse(NetlinkFaultKind.Size);
            return default;
        }

        var limits = new OvsZoneLimit[bytes.Length / Size];
        for (var i = 0; i < limits.Length; i++)
        {
            var item = bytes.Slice(i * Size, Size);
            limits[i] = new OvsZoneLimit(
                BinaryPrimitives.ReadInt32LittleEndian(item),
                BinaryPrimitives.ReadUInt32LittleEndian(item[4..]),
                BinaryPrimitives.ReadUInt32LittleEndian(item[8..]));
        }

        return limits;
    }

    internal static void WriteAll(ref NetlinkWriter writer, EquatableArray<OvsZoneLimit> limits)
    {
        const int Size = OvsConntrackLimitAttribute.ItemSize;
        if (limits.IsEmpty) return;
        var bytes = new byte[limits.Count * Size];
        for (var i = 0; i < limits.Count; i++)
        {
            var item = bytes.AsSpan(i * Size, Size);
            BinaryPrimitives.WriteInt32LittleEndian(item, limits[i].Zone);
            BinaryPrimitives.WriteUInt32LittleEndian(item[4..], limits[i].Limit);
            BinaryPrimitives.WriteUInt32LittleEndian(item[8..], limits[i].Count);
        }

        writer.Put(OvsConntrackLimitAttribute.ZoneLimits, bytes);
    }
}
