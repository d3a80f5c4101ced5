using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Headers that are not plain lists of fields.</content>
internal static partial class OdpFlowParser
{
    private static bool TryPacketType(
        ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        uint type = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (!OdpNumber.TryParse<ushort>(items.Arguments, out var part)) return false;
            if (items.Name is "ns") type |= (uint)part << 16;
            else if (items.Name is "id") type |= part;
            else return false;
        }

        key.PacketTypeWire = BinaryPrimitives.ReverseEndianness(type);
        mask.PacketTypeWire = uint.MaxValue;
        return true;
    }

    private static bool TryVlan(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        if (!TryTci(text, out _, out var tci, out var care)) return false;
        var isInner = key.VlanTci0Wire != 0;
        ref var value = ref isInner ? ref key.VlanTci1Wire : ref key.VlanTci0Wire;
        ref var bits = ref isInner ? ref mask.VlanTci1Wire : ref mask.VlanTci0Wire;
        ref var tpid = ref isInner ? ref mask.VlanTpid1Wire : ref mask.VlanTpid0Wire;
        value = BinaryPrimitives.ReverseEndianness(tci);
        bits = BinaryPrimitives.ReverseEndianness(care);
        tpid = ushort.MaxValue;
        return true;
    }

    /// <summary>tpid=0x88a8,vid=5,pcp=1,cfi=1; the CFI bit is set unless cfi=0.</summary>
    public static bool TryTci(
        ReadOnlySpan<char> text, out ushort tpid, out ushort tci, out ushort mask)
    {
        tpid = EtherType.Vlan;
        tci = 0x1000;
        mask = 0x1000;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var slash = items.Arguments.IndexOf('/');
            var left = slash < 0 ? items.Arguments : items.Arguments[..slash];
            if (!OdpNumber.TryParse<ushort>(left, out var value)) return false;
            ushort care = 0xFFFF;
            if (slash >= 0 && !OdpNumber.TryParse(items.Arguments[(slash + 1)..], out care))
            {
                return false;
            }

            switch (items.Name)
            {
                case "tpid":
                    tpid = value;
                    break;
                case "vid" when value <= 0xFFF:
                    tci |= value;
                    mask |= (ushort)(care & 0xFFF);
                    break;
                case "pcp" when value <= 7:
                    tci |= (ushort)(value << 13);
                    mask |= (ushort)((care & 7) << 13);
                    break;
                case "cfi" when value <= 1:
                    if (value == 0) tci &= 0xEFFF;
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    private static bool TryMpls(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (!items.Name.StartsWith("lse")) continue;
            if (!TryMasked(items.Arguments, out uint value, out var care)) return false;
            value = BinaryPrimitives.ReverseEndianness(value);
            care = BinaryPrimitives.ReverseEndianness(care);
            switch (items.Name)
            {
                case "lse0": (key.Mpls0Wire, mask.Mpls0Wire) = (value, care); break;
                case "lse1": (key.Mpls1Wire, mask.Mpls1Wire) = (value, care); break;
                case "lse2": (key.Mpls2Wire, mask.Mpls2Wire) = (value, care); break;
                default: return false;
            }
        }

        if (text.Contains("lse", StringComparison.Ordinal)) return true;
        if (!TryMplsEntry(text, out key.Mpls0Wire, out mask.Mpls0Wire)) return false;
        return true;
    }

    /// <summary>label=..,tc=..,ttl=..,bos=..; other names are left to the caller.</summary>
    public static bool TryMplsEntry(
        ReadOnlySpan<char> text, out uint entryWire, out uint maskWire)
    {
        uint entry = 0, mask = 0;
        entryWire = maskWire = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var (shift, exact) = items.Name switch
            {
                "label" => (12, 0xFFFFFu),
                "tc" => (9, 7u),
                "bos" => (8, 1u),
                "ttl" => (0, 0xFFu),
                _ => (-1, 0u),
            };
            if (shift < 0) continue;
            if (!TryMasked(items.Arguments, out uint value, out var care)) return false;
            if (value > exact) return false;
            entry |= value << shift;
            mask |= (care & exact) << shift;
        }

        entryWire = BinaryPrimitives.ReverseEndianness(entry);
        maskWire = BinaryPrimitives.ReverseEndianness(mask);
        return true;
    }

    private static bool TryNsh(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        uint path = 0, pathMask = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (!TryMasked(items.Arguments, out uint value, out var care)) return false;
            var valueWire = BinaryPrimitives.ReverseEndianness(value);
            var careWire = BinaryPrimitives.ReverseEndianness(care);
            switch (items.Name)
            {
                case "flags": (key.NshFlags, mask.NshFlags) = ((byte)value, (byte)care); break;
                case "ttl": (key.NshTtl, mask.NshTtl) = ((byte)value, (byte)care); break;
                case "mdtype": (key.NshMdType, mask.NshMdType) = ((byte)value, (byte)care); break;
                case "np":
                    (key.NshNextProtocol, mask.NshNextProtocol) = ((byte)value, (byte)care);
                    break;
                case "spi": (path, pathMask) = (path | value << 8, pathMask | care << 8); break;
                case "si": (path, pathMask) = (path | value & 0xFF, pathMask | care & 0xFF); break;
                case "c1":
                    (key.NshContext1Wire, mask.NshContext1Wire) = (valueWire, careWire);
                    break;
                case "c2":
                    (key.NshContext2Wire, mask.NshContext2Wire) = (valueWire, careWire);
                    break;
                case "c3":
                    (key.NshContext3Wire, mask.NshContext3Wire) = (valueWire, careWire);
                    break;
                case "c4":
                    (key.NshContext4Wire, mask.NshContext4Wire) = (valueWire, careWire);
                    break;
                default: return false;
            }
        }

        key.NshPathWire = BinaryPrimitives.ReverseEndianness(path);
        mask.NshPathWire = BinaryPrimitives.ReverseEndianness(pathMask);
        return true;
    }

    private static bool TryMasked<T>(ReadOnlySpan<char> text, out T value, out T mask)
        where T : struct, System.Numerics.IBinaryInteger<T>
    {
        mask = T.AllBitsSet;
        var slash = text.IndexOf('/');
        if (slash < 0) return OdpNumber.TryParse(text, out value);
        return OdpNumber.TryParse(text[..slash], out value)
            && OdpNumber.TryParse(text[(slash + 1)..], out mask);
    }
}
