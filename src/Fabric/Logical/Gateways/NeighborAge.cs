using System.Globalization;
using System.Net;

namespace Fabric.Logical;

/// <summary>Reads mac_binding_age_threshold: "SECONDS" or "PREFIX:SECONDS;...;SECONDS".</summary>
public static class NeighborAge
{
    /// <summary>
    /// How long a neighbour of this address is kept: by the longest prefix that has it, else by
    /// the number without one. Null: for ever.
    /// </summary>
    public static TimeSpan? Of(string text, IPAddress address)
    {
        if (!IpPrefix.TryParse($"{address}", out var ip)) return null;
        var (length, seconds) = (-1, 0u);
        foreach (var part in text.Split(
            ';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // The colon before the seconds is the last one: prefixes of IPv6 have others.
            var colon = part.LastIndexOf(':');
            if (!uint.TryParse(
                part[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture,
                out var value))
            {
                continue;
            }

            if (colon < 0)
            {
                if (length < 0) seconds = value;
            }
            else if (IpPrefix.TryParse(part[..colon], out var prefix)
                && prefix.IsIpv6 == ip.IsIpv6 && prefix.Contains(ip.Host)
                && prefix.Length > length)
            {
                (length, seconds) = (prefix.Length, value);
            }
        }

        return seconds == 0 ? null : TimeSpan.FromSeconds(seconds);
    }
}
