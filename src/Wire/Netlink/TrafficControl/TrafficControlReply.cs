using System.Buffers.Binary;
using System.Text;

namespace Fabric.Wire.Netlink;

/// <summary>A queueing discipline or a class as the kernel tells of it.</summary>
/// <param name="Device">Interface index.</param>
/// <param name="Kind">"htb", "noqueue" ...</param>
/// <param name="Drops">Packets that found it full.</param>
public readonly record struct TrafficControlReply(
    int Device, uint Handle, uint Parent, string Kind, ulong Packets, ulong Bytes, ulong Drops)
{
    private const ushort AttributeStatistics = 7;
    private const ushort StatisticsBasic = 1;
    private const ushort StatisticsQueue = 3;
    private const ushort StatisticsPackets = 8;
    private const int BasicSize = 12; // struct gnet_stats_basic
    private const int QueueSize = 20; // struct gnet_stats_queue

    /// <summary>False for other messages and for ones that are cut.</summary>
    public static bool TryParse(NetlinkMessage message, out TrafficControlReply reply)
    {
        reply = default;
        if (message.Type is not (TrafficControlRequest.NewQdisc or TrafficControlRequest.NewClass))
        {
            return false;
        }

        var payload = message.Payload;
        if (payload.Length < TrafficControlRequest.HeaderSize) return false;
        reply = new TrafficControlReply(
            BinaryPrimitives.ReadInt32LittleEndian(payload[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(payload[12..]), "", 0, 0, 0);
        var rest = payload[TrafficControlRequest.HeaderSize..];
        while (NetlinkAttribute.TryParse(rest, out var attribute, out rest))
        {
            if (attribute.Type == TrafficControlRequest.AttributeKind)
            {
                var text = Encoding.UTF8.GetString(attribute.Value.TrimEnd((byte)0));
                reply = reply with { Kind = text };
            }
            else if (attribute.Type == AttributeStatistics)
            {
                reply = reply.WithCounters(attribute.Value);
            }
        }

        return reply.Kind.Length > 0;
    }

    private TrafficControlReply WithCounters(ReadOnlySpan<byte> attributes)
    {
        var counted = this;
        var packets = (ulong?)null;
        while (NetlinkAttribute.TryParse(attributes, out var attribute, out attributes))
        {
            var value = attribute.Value;
            switch (attribute.Type)
            {
                case StatisticsBasic when value.Length >= BasicSize:
                    counted = counted with
                    {
                        Bytes = BinaryPrimitives.ReadUInt64LittleEndian(value),
                        Packets = BinaryPrimitives.ReadUInt32LittleEndian(value[8..]),
                    };
                    break;
                case StatisticsQueue when value.Length >= QueueSize:
                    counted = counted with
                    {
                        Drops = BinaryPrimitives.ReadUInt32LittleEndian(value[8..]),
                    };
                    break;
                case StatisticsPackets when value.Length >= sizeof(ulong):
                    packets = BinaryPrimitives.ReadUInt64LittleEndian(value);
                    break;
            }
        }

        return packets is { } all ? counted with { Packets = all } : counted;
    }
}
