using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Reads datapath flow text into a key and a mask.</summary>
internal static partial class OdpFlowParser
{
    public static bool TryParse(
        string text, Func<string, uint?>? portNumber, out FlowKey key, out FlowKey mask,
        out string error)
    {
        key = default;
        mask = default;
        return TryItems(text, portNumber, ref key, ref mask, 0, out error);
    }

    private static bool TryItems(
        ReadOnlySpan<char> text, Func<string, uint?>? portNumber, ref FlowKey key,
        ref FlowKey mask, int depth, out string error)
    {
        var items = new OdpItems(text);
        while (items.MoveNext(out var isBroken))
        {
            if (!TryItem(items, portNumber, ref key, ref mask, depth, out error))
            {
                if (error.Length == 0) error = $"syntax error at {items.Item}";
                return false;
            }
        }

        error = "";
        if (new OdpItems(text).IsBalanced()) return true;
        error = "unbalanced brackets";
        return false;
    }

    private static bool IsBalanced(this OdpItems items)
    {
        bool isBroken;
        while (items.MoveNext(out isBroken))
        {
        }

        return !isBroken;
    }

    private static bool TryItem(
        OdpItems item, Func<string, uint?>? portNumber, ref FlowKey key, ref FlowKey mask,
        int depth, out string error)
    {
        error = "";
        switch (item.Name)
        {
            case "packet_type":
                return TryPacketType(item.Arguments, ref key, ref mask);
            case "vlan":
                return TryVlan(item.Arguments, ref key, ref mask);
            case "encap":
                return depth < 2
                    && TryItems(
                        item.Arguments, portNumber, ref key, ref mask, depth + 1, out error);
            case "mpls":
                return TryMpls(item.Arguments, ref key, ref mask);
            case "nsh":
                return TryNsh(item.Arguments, ref key, ref mask);
            case "tunnel":
                return TryTunnel(item.Arguments, ref key, ref mask);
            case "ufid":
                return true;
            case "in_port" when portNumber is not null
                && portNumber(item.Arguments.ToString()) is { } number:
                key.InPort = number;
                mask.InPortWire = uint.MaxValue;
                return true;
            case "eth_type" when key.EthernetTypeWire != 0:
                // Inside encap(): what was read before was the tag's protocol.
                if (key.VlanTci1Wire != 0) key.VlanTpid1Wire = key.EthernetTypeWire;
                else key.VlanTpid0Wire = key.EthernetTypeWire;
                break;
        }

        foreach (var attribute in OdpAttributes.All)
        {
            if (item.Name.SequenceEqual(attribute.Name))
            {
                return TryAttribute(attribute, item.Arguments, ref key, ref mask, out error);
            }
        }

        error = $"unknown flow attribute {item.Name}";
        return false;
    }

    /// <summary>Also used for set(..) actions.</summary>
    public static bool TryAttribute(
        OdpAttribute attribute, ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask,
        out string error)
    {
        error = "";
        if (attribute.Fields is [{ Name: "" } only])
        {
            return TryField(only, text, ref key, ref mask);
        }

        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            OdpField? found = null;
            foreach (var field in attribute.Fields)
            {
                if (items.Name.SequenceEqual(field.Name)
                    || items.Name.SequenceEqual(field.Printed))
                {
                    found = field;
                }
            }

            if (found is null)
            {
                error = $"unknown field {items.Name} in {attribute.Name}";
                return false;
            }

            if (!TryField(found, items.Arguments, ref key, ref mask)) return false;
        }

        return true;
    }

    private static bool TryField(
        OdpField field, ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        var value = key.Bytes.Slice(field.Offset, field.Size);
        var care = mask.Bytes.Slice(field.Offset, field.Size);
        switch (field.Kind)
        {
            case OdpFieldKind.Fragment:
                care[0] = FragmentBits.Any | FragmentBits.Later;
                value[0] = text switch { "first" => 1, "later" => 3, _ => 0 };
                return text is "no" or "first" or "later";
            case OdpFieldKind.ConntrackState:
                return TryFlags(text, OdpFlags.ConntrackState, uint.MaxValue, value, care);
            case OdpFieldKind.TcpFlags:
                return TryFlags(text, OdpFlags.Tcp, ushort.MaxValue, value, care);
        }

        var slash = text.IndexOf('/');
        var left = slash < 0 ? text : text[..slash];
        if (!TryValue(field, left, value)) return false;
        if (slash < 0)
        {
            care.Fill(0xFF);
            return true;
        }

        return TryMask(field, text[(slash + 1)..], care);
    }

    private static bool TryFlags(
        ReadOnlySpan<char> text, ReadOnlySpan<string> names, uint all, Span<byte> value,
        Span<byte> care)
    {
        if (!OdpFlags.TryParse(text, names, all, out var bits, out var bitsMask)) return false;
        if (value.Length == 2)
        {
            BinaryPrimitives.WriteUInt16BigEndian(value, (ushort)bits);
            BinaryPrimitives.WriteUInt16BigEndian(care, (ushort)bitsMask);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(value, bits);
            BinaryPrimitives.WriteUInt32BigEndian(care, bitsMask);
        }

        return true;
    }

    private static bool TryMask(OdpField field, ReadOnlySpan<char> text, Span<byte> care)
    {
        if (field.Kind is OdpFieldKind.Ipv4 or OdpFieldKind.Ipv6 && !text.ContainsAny('.', ':'))
        {
            if (!OdpNumber.TryParse<int>(text, out var ones)) return false;
            if (ones < 0 || ones > care.Length * 8) return false;
            care.Clear();
            for (var i = 0; i < ones; i++) care[i / 8] |= (byte)(0x80 >> (i % 8));
            return true;
        }

        return TryValue(field, text, care);
    }

    private static bool TryValue(OdpField field, ReadOnlySpan<char> text, Span<byte> value)
    {
        switch (field.Kind)
        {
            case OdpFieldKind.Mac:
                if (!MacBytes.TryParse(text.Trim(), out var mac)) return false;
                mac.CopyTo(value);
                return true;
            case OdpFieldKind.Ipv4:
                return IPAddress.TryParse(text, out var ipv4)
                    && ipv4.AddressFamily == AddressFamily.InterNetwork
                    && ipv4.TryWriteBytes(value, out _);
            case OdpFieldKind.Ipv6:
                return IPAddress.TryParse(text, out var ipv6)
                    && ipv6.AddressFamily == AddressFamily.InterNetworkV6
                    && ipv6.TryWriteBytes(value, out _);
            default:
                if (!OdpNumber.TryParse<UInt128>(text, out var number)) return false;
                var bits = value.Length * 8;
                if (bits < 128 && number >> bits != 0)
                {
                    // An ARP opcode's mask may be written with all 16 bits.
                    if (field.Kind != OdpFieldKind.ArpOpcode || number > 0xFFFF) return false;
                }

                for (var i = value.Length - 1; i >= 0; i--, number >>= 8) value[i] = (byte)number;
                return true;
        }
    }
}
