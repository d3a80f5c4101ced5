using System.Text;

namespace Fabric.Datapath;

/// <summary>Names of flag bits in datapath text, lowest bit first.</summary>
internal static class OdpFlags
{
    public static ReadOnlySpan<string> ConntrackState =>
        (string[])["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];

    public static ReadOnlySpan<string> Tcp => (string[])
    [
        "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]",
    ];

    /// <remarks>
    /// In OVS's order; bits are those of <see cref="Wire.TunnelFlags"/> reordered.
    /// </remarks>
    public static ReadOnlySpan<string> Tunnel => (string[])["df", "csum", "key", "oam"];

    public const uint TunnelBitsAll = 0xF;

    public static uint TunnelBits(Wire.TunnelFlags flags) =>
        ((flags & Wire.TunnelFlags.DontFragment) != 0 ? 1u : 0)
        | ((flags & Wire.TunnelFlags.Checksum) != 0 ? 2u : 0)
        | ((flags & Wire.TunnelFlags.Key) != 0 ? 4u : 0)
        | ((flags & Wire.TunnelFlags.Oam) != 0 ? 8u : 0);

    public static Wire.TunnelFlags FromTunnelBits(uint bits) =>
        ((bits & 1) != 0 ? Wire.TunnelFlags.DontFragment : 0)
        | ((bits & 2) != 0 ? Wire.TunnelFlags.Checksum : 0)
        | ((bits & 4) != 0 ? Wire.TunnelFlags.Key : 0)
        | ((bits & 8) != 0 ? Wire.TunnelFlags.Oam : 0);

    /// <summary>"+a-b" for the bits in 'care'.</summary>
    public static void AppendMasked(
        StringBuilder text, ReadOnlySpan<string> names, uint bits, uint care)
    {
        for (var i = 0; i < names.Length; i++)
        {
            if ((care >> i & 1) == 0) continue;
            text.Append((bits >> i & 1) != 0 ? '+' : '-').Append(names[i]);
        }
    }

    /// <summary>"a|b", or 0 when no bit is set.</summary>
    public static void AppendSet(StringBuilder text, ReadOnlySpan<string> names, uint bits)
    {
        if (bits == 0)
        {
            text.Append('0');
            return;
        }

        var isFirst = true;
        for (var i = 0; i < names.Length; i++)
        {
            if ((bits >> i & 1) == 0) continue;
            if (!isFirst) text.Append('|');
            text.Append(names[i]);
            isFirst = false;
        }
    }

    /// <summary>Reads "+a-b", "a|b", a number, or number/mask.</summary>
    public static bool TryParse(
        ReadOnlySpan<char> text, ReadOnlySpan<string> names, uint all, out uint bits,
        out uint care)
    {
        bits = 0;
        care = all;
        text = text.Trim();
        if (text.IsEmpty) return true;
        if (text[0] is '+' or '-')
        {
            care = 0;
            while (!text.IsEmpty)
            {
                if (text[0] is not ('+' or '-')) return false;
                var isSet = text[0] == '+';
                text = text[1..];
                var end = text.IndexOfAny('+', '-');
                if (end < 0) end = text.Length;
                if (!TryBit(text[..end], names, out var bit)) return false;
                care |= bit;
                if (isSet) bits |= bit;
                text = text[end..];
            }

            return true;
        }

        if (char.IsAsciiDigit(text[0]))
        {
            var slash = text.IndexOf('/');
            if (slash < 0) return OdpNumber.TryParse(text, out bits);
            return OdpNumber.TryParse(text[..slash], out bits)
                && OdpNumber.TryParse(text[(slash + 1)..], out care);
        }

        foreach (var range in text.Split('|'))
        {
            if (!TryBit(text[range], names, out var bit)) return false;
            bits |= bit;
        }

        return true;
    }

    private static bool TryBit(ReadOnlySpan<char> name, ReadOnlySpan<string> names, out uint bit)
    {
        for (var i = 0; i < names.Length; i++)
        {
            bit = 1u << i;
            if (name.SequenceEqual(names[i])) return true;
        }

        bit = 0;
        return false;
    }
}
