using System.Collections.Immutable;
using System.Globalization;

namespace Fabric.Logical;

/// <summary>
/// Numbers of conntrack zones by name: stable while in use, kept in the database.
/// </summary>
/// <remarks>
/// Names are those of ovn-controller: the logical port's name, and the datapath's UUID with _dnat
/// or _snat; stored as external_ids:ct-zone-NAME of the integration bridge. Zone 0 is nobody's.
/// </remarks>
public static class ConntrackZones
{
    public const string KeyPrefix = "ct-zone-";

    public static string DnatName(Guid datapath) => $"{datapath}_dnat";
    public static string SnatName(Guid datapath) => $"{datapath}_snat";

    /// <summary>
    /// Reads the zones that a bridge row remembers; what is malformed is left out.
    /// </summary>
    public static ImmutableSortedDictionary<string, ushort> Read(
        ImmutableSortedDictionary<string, string> externalIds)
    {
        var zones = ImmutableSortedDictionary.CreateBuilder<string, ushort>(StringComparer.Ordinal);
        var taken = new HashSet<ushort>();
        foreach (var (key, value) in externalIds)
        {
            if (!key.StartsWith(KeyPrefix, StringComparison.Ordinal)) continue;
            if (
                ushort.TryParse(
                    value, NumberStyles.None, CultureInfo.InvariantCulture, out var zone)
                && zone != 0 && taken.Add(zone))
            {
                zones[key[KeyPrefix.Length..]] = zone;
            }
        }

        return zones.ToImmutable();
    }

    /// <summary>
    /// Keeps what is still wanted, gives the rest the lowest free numbers from 1 in name order.
    /// Names beyond 65535 zones get none; their ports then share zone 0.
    /// </summary>
    public static ImmutableSortedDictionary<string, ushort> Allocate(
        ImmutableSortedDictionary<string, ushort> before, IEnumerable<string> wanted)
    {
        var names = wanted.ToImmutableSortedSet(StringComparer.Ordinal);
        var zones = ImmutableSortedDictionary.CreateBuilder<string, ushort>(StringComparer.Ordinal);
        foreach (var (name, zone) in before)
        {
            if (names.Contains(name)) zones[name] = zone;
        }

        var taken = zones.Values.ToHashSet();
        var next = 1;
        foreach (var name in names)
        {
            if (zones.ContainsKey(name)) continue;
            while (next <= ushort.MaxValue && taken.Contains((ushort)next)) next++;
            if (next > ushort.MaxValue) break;
            zones[name] = (ushort)next++;
        }

        return zones.ToImmutable();
    }
}
