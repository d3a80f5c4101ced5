using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>What a host claims.</summary>
public static class PortClaims
{
    /// <summary>The claims of this host after it bound 'ports' and nothing else.</summary>
    /// <param name="isFirst">
    /// The first word after a start: what was bound before is not new.
    /// </param>
    public static ImmutableSortedDictionary<string, long> Claim(
        ImmutableSortedDictionary<string, long> own, IEnumerable<string> ports,
        IEnumerable<HostClaims> others, bool isFirst)
    {
        var rivals = others.ToImmutableArray();
        var claims = Ordinal.EmptyMap<long>().ToBuilder();
        foreach (var port in ports)
        {
            claims[port] = own.TryGetValue(port, out var known)
                ? known
                : isFirst ? 1 : rivals.Max(host => host.Claims.GetValueOrDefault(port), 0) + 1;
        }

        return claims.ToImmutable();
    }

    private static long Max(
        this IEnumerable<HostClaims> hosts, Func<HostClaims, long> claim, long least) =>
        hosts.Select(claim).Append(least).Max();
}
