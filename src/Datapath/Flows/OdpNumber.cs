using System.Globalization;
using System.Numerics;

namespace Fabric.Datapath;

/// <summary>Numbers in datapath text: decimal, or hexadecimal after 0x.</summary>
internal static class OdpNumber
{
    public static bool TryParse<T>(ReadOnlySpan<char> text, out T value)
        where T : struct, IBinaryInteger<T>
    {
        text = text.Trim();
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return T.TryParse(
                text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        }

        return T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
