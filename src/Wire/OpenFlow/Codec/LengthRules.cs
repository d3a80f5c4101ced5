using System.Buffers.Binary;

namespace Fabric.Wire.OpenFlow;

/// <summary>Lengths that a message's body can have, before anybody looks into it.</summary>
/// <remarks>
/// A body that is too short, or whose list of 8-byte units does not come out even, is
/// OFPBRC_BAD_LEN, whatever is in it (OVS: ofpraw_pull).
/// </remarks>
internal static class LengthRules
{
    private const ushort FlowStats = 1, AggregateStats = 2, ExperimenterStats = 0xFFFF;

    public static bool IsRight(OfType type, in OfCodecContext context, ReadOnlySpan<byte> body) =>
        type switch
        {
            OfType.Error => body.Length >= 4,
            OfType.FlowMod => IsList(body.Length, context.IsVersion10 ? 64 : 40),
            OfType.PacketIn => body.Length >= 10,
            OfType.FlowRemoved => body.Length >= 40,
            OfType.PacketOut => body.Length >= 8,
            OfType.GroupMod or OfType.MeterMod => IsList(body.Length, 8),
            OfType.PortMod or OfType.TableMod when context.Version >= OfVersion.OpenFlow14 =>
                IsList(body.Length, 8),
            OfType.BundleAdd => body.Length >= 8,
            OfType.SetAsync when context.Version >= OfVersion.OpenFlow14 => IsList(body.Length, 0),
            OfType.StatsRequest => IsRightRequest(in context, body),
            _ => true,
        };

    private static bool IsRightRequest(in OfCodecContext context, ReadOnlySpan<byte> body)
    {
        var header = context.IsVersion10 ? 4 : 8;
        if (body.Length < header) return false;
        if ((body[3] & 1) != 0 && !context.IsVersion10) return true; // A part of a request.
        var rest = body.Length - header;
        return BinaryPrimitives.ReadUInt16BigEndian(body) switch
        {
            ExperimenterStats => rest >= 8,
            FlowStats or AggregateStats when !context.IsVersion10 => IsList(rest, 32),
            _ => true,
        };
    }

    private static bool IsList(int length, int head) => length >= head && (length - head) % 8 == 0;
}
