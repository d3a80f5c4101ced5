using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>Which VTEPs there are: gossiped records of hosts that membership calls alive.</summary>
public static class VtepDirectory
{
    /// <returns>
    /// Null while records of members are still on their way and 'isPatient' allows to wait: a host
    /// that has just joined must not take what it has not heard yet for gone.
    /// </returns>
    public static ImmutableSortedSet<Vtep>? Live(
        IReadOnlyDictionary<string, HostRecord> records, MembershipView members, bool isPatient)
    {
        var alive = members.AliveHosts;
        if (!alive.Contains(members.SelfHost)) return null;
        if (isPatient && alive.Any(host => !records.ContainsKey(host))) return null;
        return
        [
            .. records.Values.Where(record => alive.Contains(record.HostId))
                .SelectMany(record => record.Vteps),
        ];
    }
}

/// <summary>Where each port is, when one or more hosts say that they have it.</summary>
public static class PortClaims
{
    /// <summary>
    /// Of several hosts the one that the northbound requests, else the highest claim, else the
    /// lower host id. Hosts that are not alive have no claims.
    /// </summary>
    /// <param name="requested">
    /// options:requested-chassis by logical port: host ids or names.
    /// </param>
    public static ImmutableSortedDictionary<string, PortLocation> Resolve(
        IEnumerable<HostClaims> claims, ImmutableSortedSet<string> alive,
        IReadOnlyDictionary<string, string> requested)
    {
        var locations = Ordinal.EmptyMap<PortLocation>().ToBuilder();
        foreach (var host in claims.Where(host => alive.Contains(host.HostId)))
        {
            foreach (var (port, claim) in host.Claims)
            {
                var location = new PortLocation(port, host.HostId, claim);
                var isBetter = !locations.TryGetValue(port, out var known)
                    || IsBetter(location, known, requested.GetValueOrDefault(port));
                if (isBetter) locations[port] = location;
            }
        }

        return locations.ToImmutable();
    }

    /// <summary>The claims of this host after it bound 'ports' and nothing else.</summary>
    /// <param name="isFirst">
    /// The first word after a start: what was bound before is not new.
    /// </param>
    public static ImmutableSortedDictionary<string, long> Claim(
        ImmutableSortedDictionary<string, long> own, IEnumerable<string> ports,
        IEnumerable<HostClaims> others, bool isFirst)
    {
        var claims = Ordinal.EmptyMap<long>().ToBuilder();
        foreach (var port in ports)
        {
            claims[port] = own.TryGetValue(port, out var known)
                ? known
                : isFirst ? 1 : others.Max(host => host.Claims.GetValueOrDefault(port), 0) + 1;
        }

        return claims.ToImmutable();
    }

    private static long Max(
        this IEnumerable<HostClaims> hosts, Func<HostClaims, long> claim, long least) =>
        hosts.Select(claim).Append(least).Max();

    private static bool IsBetter(PortLocation one, PortLocation other, string? requested)
    {
        if (one.HostId == requested) return true;
        if (other.HostId == requested) return false;
        return one.Claim != other.Claim
            ? one.Claim > other.Claim
            : string.CompareOrdinal(one.HostId, other.HostId) < 0;
    }
}
