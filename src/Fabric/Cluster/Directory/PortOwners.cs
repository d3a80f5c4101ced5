using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>Where each port is, when one or more hosts say that they have it.</summary>
/// <remarks>
/// Of several hosts the one that the northbound requests, else the highest claim, else the lower
/// host id. Hosts that are not alive have no claims. Kept up by differences: of ten thousand ports
/// only those of a host that changed are looked at.
/// </remarks>
public sealed class PortOwners
{
    private readonly Dictionary<string, HostClaims> _said = new(StringComparer.Ordinal);

    /// <summary>Live claims of ports that several hosts have, all of them.</summary>
    private readonly Dictionary<string, ImmutableArray<PortLocation>> _contested =
        new(StringComparer.Ordinal);
    private readonly ImmutableSortedDictionary<string, PortLocation>.Builder _owners =
        Ordinal.EmptyMap<PortLocation>().ToBuilder();
    private ImmutableSortedSet<string> _alive = Ordinal.Empty<string>();
    private ImmutableSortedDictionary<string, string> _requested = Ordinal.EmptyMap<string>();

    /// <summary>The same object while nothing changes.</summary>
    public ImmutableSortedDictionary<string, PortLocation> Locations => _owners.ToImmutable();

    /// <summary>Takes what a host claims, or that it says nothing any more.</summary>
    public void Say(string host, HostClaims? claims)
    {
        if (_alive.Contains(host)) Replace(_said.GetValueOrDefault(host), claims);
        if (claims is null) _said.Remove(host);
        else _said[host] = claims;
    }

    public void SetAlive(ImmutableSortedSet<string> alive)
    {
        var (come, gone) = HostSets.Difference(_alive, alive);
        _alive = alive;
        foreach (var host in gone) Replace(_said.GetValueOrDefault(host), null);
        foreach (var host in come) Replace(null, _said.GetValueOrDefault(host));
    }

    /// <param name="requested">options:requested-chassis by logical port: host ids.</param>
    public void SetRequested(ImmutableSortedDictionary<string, string> requested)
    {
        _requested = requested;
        foreach (var (port, claims) in _contested) Own(port, claims);
    }

    private void Replace(HostClaims? old, HostClaims? now)
    {
        foreach (var (port, _) in old?.Claims ?? Ordinal.EmptyMap<long>())
        {
            if (now?.Claims.ContainsKey(port) != true) Withdraw(port, old!.HostId);
        }

        foreach (var (port, claim) in now?.Claims ?? Ordinal.EmptyMap<long>())
        {
            if (old is null || !old.Claims.TryGetValue(port, out var known) || known != claim)
                Claim(new PortLocation(port, now!.HostId, claim));
        }
    }

    private void Claim(PortLocation claim)
    {
        var port = claim.LogicalPort;
        if (!_owners.TryGetValue(port, out var owner) || owner.HostId == claim.HostId)
        {
            if (!_contested.ContainsKey(port))
            {
                _owners[port] = claim;
                return;
            }
        }

        var claims = _contested.TryGetValue(port, out var known) ? known : [owner!];
        claims = [.. claims.Where(other => other.HostId != claim.HostId), claim];
        _contested[port] = claims;
        Own(port, claims);
    }

    private void Withdraw(string port, string host)
    {
        if (!_contested.TryGetValue(port, out var claims))
        {
            _owners.Remove(port);
            return;
        }

        claims = [.. claims.Where(other => other.HostId != host)];
        if (claims.Length > 1) _contested[port] = claims;
        else _contested.Remove(port);
        Own(port, claims);
    }

    private void Own(string port, ImmutableArray<PortLocation> claims)
    {
        var best = claims[0];
        foreach (var claim in claims)
        {
            if (IsBetter(claim, best, _requested.GetValueOrDefault(port))) best = claim;
        }

        if (_owners[port] != best) _owners[port] = best;
    }

    private static bool IsBetter(PortLocation one, PortLocation other, string? requested)
    {
        if (one.HostId == requested) return true;
        if (other.HostId == requested) return false;
        return one.Claim != other.Claim
            ? one.Claim > other.Claim
            : string.CompareOrdinal(one.HostId, other.HostId) < 0;
    }
}
