using System.Globalization;
using System.Net;
using System.Numerics;
using System.Text;

namespace Fabric.Wire.OpenFlow;

/// <summary>Values and masks of fields as ovs-ofctl writes and reads them.</summary>
public static class OfFieldText
{
    private static readonly (string Name, uint Bit)[] ConntrackFlags =
    [
        ("new", 0x01), ("est", 0x02), ("rel", 0x04), ("rpl", 0x08), ("inv", 0x10), ("trk", 0x20),
        ("snat", 0x40), ("dnat", 0x80),
    ];

    private static readonly (string Name, uint Bit)[] TcpFlagNames =
    [
        ("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ece", 64),
        ("cwr", 128), ("ns", 256), ("[512]", 512), ("[1024]", 1024), ("[2048]", 2048),
    ];

    private static readonly (string Name, uint Bit)[] TunnelFlagNames = [("oam", 1)];

    // Text, value, mask of ip_frag.
    private static readonly (string Name, uint Value, uint Mask)[] Fragments =
    [
        ("no", 0, 3), ("yes", 1, 1), ("first", 1, 3), ("later", 3, 3), ("not_later", 0, 2),
    ];

    /// <summary>"value" or "value/mask"; exact masks are not written.</summary>
    public static string Format(MatchField field, UInt128 value, UInt128 mask)
    {
        var isExact = field.TlvIndex >= 0 ? mask == UInt128.MaxValue : mask == field.ExactMask;
        switch (field.Format)
        {
            case FieldFormat.Ethernet:
                var mac = MacBytes.FromUInt64((ulong)value).ToString();
                return isExact ? mac : $"{mac}/{MacBytes.FromUInt64((ulong)mask)}";
            case FieldFormat.Ipv4:
                return Ipv4((uint)value) + (isExact ? "" : "/" + Ipv4Mask((uint)mask));
            case FieldFormat.Ipv6: return Ipv6(value) + (isExact ? "" : "/" + Ipv6Mask(mask));
            case FieldFormat.Port16: return OfPort.ToText(OfPort.FromWire16((ushort)value));
            case FieldFormat.Port32: return OfPort.ToText((uint)value);
            case FieldFormat.ConntrackState:
                return Flags((uint)value, (uint)mask, ConntrackFlags, uint.MaxValue);
            case FieldFormat.TcpFlags: return Flags((uint)value, (uint)mask, TcpFlagNames, 0xFFF);
            case FieldFormat.TunnelFlags:
                return Flags((uint)value, (uint)mask, TunnelFlagNames, uint.MaxValue);
            case FieldFormat.Fragment: return Fragment((uint)value, (uint)mask);
            case FieldFormat.PacketType:
                var type = (uint)value & 0xFFFF;
                return $"({(uint)value >> 16},{Hex(type)})";
            case FieldFormat.Decimal when isExact: return Decimal(value);
            case FieldFormat.Decimal when value == 0: return "0x0/" + Hex(mask);
            default: return Hex(value) + (isExact ? "" : "/" + Hex(mask));
        }
    }

    /// <summary>The whole value.</summary>
    public static string Format(MatchField field, UInt128 value) =>
        Format(field, value, field.ExactMask);

    /// <summary>
    /// "0x" and lower-case digits without leading zeros; 0 is "0x0" or, in OVS, "0".
    /// </summary>
    public static string Hex(UInt128 value) => value == 0 ? "0"
        : "0x" + (value >> 64 == 0
            ? ((ulong)value).ToString("x", CultureInfo.InvariantCulture)
            : ((ulong)(value >> 64)).ToString("x", CultureInfo.InvariantCulture)
                + ((ulong)value).ToString("x16", CultureInfo.InvariantCulture));

    public static string Decimal(UInt128 value) => value.ToString(CultureInfo.InvariantCulture);

    public static string Ipv4(uint address) => string.Create(
        CultureInfo.InvariantCulture,
            $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}");

    public static string Ipv6(UInt128 address) => AddressOf(address).ToString();

    private static IPAddress AddressOf(UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        MatchField.WriteBigEndian(bytes, address);
        return new IPAddress(bytes);
    }

    private static string Ipv4Mask(uint mask) => BitOperations.IsPow2((ulong)~mask + 1)
        ? Decimal((uint)BitOperations.PopCount(mask)) : Ipv4(mask);

    private static string Ipv6Mask(UInt128 mask)
    {
        var rest = ~mask;
        return (rest & (rest + 1)) == 0 ? Decimal((uint)(int)UInt128.PopCount(mask)) : Ipv6(mask);
    }

    private static string Fragment(uint value, uint mask)
    {
        foreach (var (name, v, m) in Fragments)
        {
            if (value == v && mask == m) return name;
        }

        return "<error>";
    }

    /// <summary>"+set-clear"; with 'all' bits matched, "set|set" (tcp_flags).</summary>
    private static string Flags(uint value, uint mask, (string Name, uint Bit)[] names, uint all)
    {
        var text = new StringBuilder();
        if (mask == all)
        {
            foreach (var (name, bit) in names)
            {
                if ((value & bit) != 0) text.Append(text.Length > 0 ? "|" : "").Append(name);
            }

            return text.Length > 0 ? text.ToString() : "0";
        }

        foreach (var (name, bit) in names)
        {
            if ((mask & bit) != 0) text.Append((value & bit) != 0 ? '+' : '-').Append(name);
        }

        return text.ToString();
    }

    /// <summary>Reads "value" or "value/mask" (also "*": nothing is matched).</summary>
    public static bool TryParse(
        MatchField field, string text, out UInt128 value, out UInt128 mask, out string error)
    {
        (value, mask, error) = (0, field.ExactMask, "");
        if (text is "*" or "ANY" && field.Format is not (FieldFormat.Port16 or FieldFormat.Port32))
        {
            mask = 0;
            return true;
        }

        switch (field.Format)
        {
            case FieldFormat.ConntrackState:
                return TryFlags(text, ConntrackFlags, out value, ref mask, ref error);
            case FieldFormat.TcpFlags:
                return TryFlags(text, TcpFlagNames, out value, ref mask, ref error);
            case FieldFormat.TunnelFlags:
                return TryFlags(text, TunnelFlagNames, out value, ref mask, ref error);
            case FieldFormat.Fragment: return TryFragment(text, out value, out mask, ref error);
            case FieldFormat.PacketType: return TryPacketType(text, out value, ref error);
            default: break;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? text : text[..slash];
        if (!TryValue(field, first, out value))
        {
            error = $"{text}: invalid value for {field.Name}";
            return false;
        }

        if (slash >= 0 && !TryMask(field, text[(slash + 1)..], out mask))
        {
            error = $"{text}: invalid mask for field {field.Name}";
            return false;
        }

        return IsInRange(field, value, mask, text, ref error);
    }

    private static bool IsInRange(MatchField field, UInt128 value, UInt128 mask, string text,
        ref string error)
    {
        var limit = field.ExactMask;
        if (ReferenceEquals(field, MatchField.VlanVid)) limit = 0x1FFF;
        if (ReferenceEquals(field, MatchField.DlVlan) && value == 0xFFFF) return true;
        if (field.TlvIndex < 0 && value > limit)
        {
            error = $"{text}: value too large for {field.BitWidth}-bit field {field.Name}";
            return false;
        }

        if (field.IsMaskable || mask == field.ExactMask || mask == 0) return true;
        error = $"{text}: matching a part of field {field.Name} is not possible";
        return false;
    }

    private static bool TryValue(MatchField field, string text, out UInt128 value)
    {
        value = 0;
        switch (field.Format)
        {
            case FieldFormat.Ethernet:
                if (!MacBytes.TryParse(text, out var mac)) return false;
                value = mac.ToUInt64();
                return true;
            case FieldFormat.Ipv4:
                if (!IPAddress.TryParse(text, out var ip)
                    || ip.IsIpv6())
                    return false;
                value = MatchBuilder.NumberOf(ip);
                return true;
            case FieldFormat.Ipv6:
                if (!IPAddress.TryParse(text, out var ip6)
                    || !ip6.IsIpv6())
                    return false;
                value = MatchBuilder.NumberOf(ip6);
                return true;
            case FieldFormat.Port16 or FieldFormat.Port32:
                if (!OfPort.TryParse(text, out var port)) return false;
                value = field.Format == FieldFormat.Port16 ? OfPort.ToWire16(port) : port;
                return true;
            default: return TryNumber(text, out value);
        }
    }

    private static bool TryMask(MatchField field, string text, out UInt128 mask)
    {
        mask = 0;
        var isAddress = field.Format is FieldFormat.Ipv4 or FieldFormat.Ipv6;
        if (!isAddress || text.AsSpan().ContainsAny('.', ':'))
            return TryValue(field, text, out mask);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var prefix))
            return false;
        if (prefix > field.BitWidth) return false;
        mask = field.ExactMask & ~MatchField.LowBits(field.BitWidth - prefix);
        return true;
    }

    /// <summary>A decimal number, or a hexadecimal one after 0x, of up to 128 bits.</summary>
    public static bool TryNumber(ReadOnlySpan<char> text, out UInt128 value) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? UInt128.TryParse(text[2..], NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out value)
            : UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static bool TryFlags(
        string text, (string Name, uint Bit)[] names, out UInt128 value, ref UInt128 mask,
            ref string error)
    {
        value = 0;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (TryNumber(slash < 0 ? text : text[..slash], out value))
        {
            return slash < 0 || TryNumber(text.AsSpan(slash + 1), out mask);
        }

        var isMasked = text.StartsWith('+') || text.StartsWith('-');
        uint set = 0, seen = 0;
        for (var at = 0; at < text.Length;)
        {
            var sign = isMasked ? text[at] : '+';
            if (isMasked || text[at] == '|') at++;
            var end = text.AsSpan(at).IndexOfAny('+', '-', '|');
            var name = end < 0 ? text[at..] : text[at..(at + end)];
            var bit = Array.Find(names, each => each.Name == name).Bit;
            if (bit == 0 || (seen & bit) != 0)
            {
                error = $"{text}: unknown or repeated flag {name}";
                return false;
            }

            seen |= bit;
            if (sign == '+') set |= bit;
            at += name.Length;
        }

        value = set;
        if (isMasked) mask = seen;
        return true;
    }

    private static bool TryFragment(string text, out UInt128 value, out UInt128 mask,
        ref string error)
    {
        foreach (var (name, v, m) in Fragments)
        {
            if (!text.Equals(name, StringComparison.OrdinalIgnoreCase)) continue;
            (value, mask) = (v, m);
            return true;
        }

        (value, mask) = (0, 3);
        error = $"{text}: unknown fragment type (valid types are "
            + "\"no\", \"yes\", \"first\", \"later\", \"not_later\")";
        return false;
    }

    private static bool TryPacketType(string text, out UInt128 value, ref string error)
    {
        value = 0;
        var parts = text.Trim('(', ')').Split(',');
        if (parts.Length == 2 && TryNumber(parts[0], out var space)
            && TryNumber(parts[1], out var type)
            && space <= ushort.MaxValue && type <= ushort.MaxValue)
        {
            value = (space << 16) | type;
            return true;
        }

        error = $"{text}: packet_type is written (NAMESPACE,TYPE)";
        return false;
    }
}
