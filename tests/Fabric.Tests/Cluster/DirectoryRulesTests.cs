using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;

namespace Fabric.Tests;

/// <summary>Where ports and tunnel endpoints are, as hosts say it, come and go.</summary>
public sealed class DirectoryRulesTests
{
    private static readonly ImmutableSortedDictionary<string, long> NoClaims =
        ImmutableSortedDictionary<string, long>.Empty;

    private static readonly ImmutableSortedDictionary<string, string> NoRequests =
        ImmutableSortedDictionary<string, string>.Empty;

    [Theory]
    [InlineData(1, 2, null, "b")]
    [InlineData(2, 2, null, "a")]
    [InlineData(1, 2, "a", "a")]
    [InlineData(1, 2, "elsewhere", "b")]
    public void A_port_that_two_hosts_claim_is_where_it_was_requested_or_claimed_last(
        long a, long b, string? requested, string owner)
    {
        var owners = new PortOwners();
        owners.SetRequested(requested is null ? NoRequests : NoRequests.Add("web1", requested));
        owners.SetAlive(["a", "b"]);
        owners.Say("a", new HostClaims("a", 1, NoClaims.Add("web1", a)));
        owners.Say("b", new HostClaims("b", 1, NoClaims.Add("web1", b)));
        owners.Say("c", new HostClaims("c", 1, NoClaims.Add("web1", 99))); // Not alive.
        Assert.Equal(owner, owners.Locations["web1"].HostId);
    }

    /// <remarks>
    /// Goal: differences give what the rule gives for the whole. Method: random claims, deaths and
    /// requests; after each the rule is applied to everything.
    /// </remarks>
    [Fact]
    public void Ports_are_where_the_rule_says_after_any_changes()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var owners = new PortOwners();
            var said = new SortedDictionary<string, HostClaims>(StringComparer.Ordinal);
            var (alive, requested) = (ImmutableSortedSet<string>.Empty, NoRequests);
            for (var step = 0; step < 200; step++)
            {
                var host = $"h{random.Next(5)}";
                switch (random.Next(5))
                {
                    case 0: owners.SetAlive(alive = alive.SymmetricExcept([host])); break;
                    case 1:
                        requested = requested.SetItem($"p{random.Next(6)}", host);
                        owners.SetRequested(requested);
                        break;
                    case 2:
                        said.Remove(host);
                        owners.Say(host, null);
                        break;
                    default:
                        var claims = Enumerable.Range(0, 6).Where(_ => random.Next(2) == 0)
                            .ToImmutableSortedDictionary(
                                port => $"p{port}", _ => random.NextInt64(1, 4));
                        said[host] = new HostClaims(host, step, claims);
                        owners.Say(host, said[host]);
                        break;
                }

                Assert.Equal(
                    Ruled(said.Values.Where(one => alive.Contains(one.HostId)), requested),
                    owners.Locations);
                Assert.Same(owners.Locations, owners.Locations);
            }
        }
    }

    [Fact]
    public void Endpoints_are_those_of_hosts_that_are_alive()
    {
        var live = new LiveVteps();
        live.Say("a", Record("a", 1));
        Assert.Empty(live.All);
        live.SetAlive(["a", "b"]);
        Assert.Equal(["10.0.0.1"], live.All.Select(vtep => vtep.Address.ToString()));
        Assert.False(live.IsComplete);
        live.Say("b", Record("b", 2, 3));
        Assert.True(live.IsComplete);
        live.Say("b", Record("b", 3));
        Assert.Equal(
            ["10.0.0.1", "10.0.0.3"], live.All.Select(vtep => vtep.Address.ToString()));
        live.SetAlive(["b"]);
        Assert.Equal(["10.0.0.3"], live.All.Select(vtep => vtep.Address.ToString()));
        live.Say("b", null);
        Assert.Empty(live.All);
    }

    private static HostRecord Record(string host, params int[] addresses) => new(host, host, 1,
        [
            .. addresses.Select(address => new Vtep(
                host, host, "geneve", IPAddress.Parse($"10.0.0.{address}"), NoRequests)),
        ]);

    private static ImmutableSortedDictionary<string, PortLocation> Ruled(
        IEnumerable<HostClaims> claims, ImmutableSortedDictionary<string, string> requested) =>
        claims.SelectMany(host => host.Claims.Select(
                claim => new PortLocation(claim.Key, host.HostId, claim.Value)))
            .GroupBy(claim => claim.LogicalPort)
            .ToImmutableSortedDictionary(port => port.Key, port => port
                .OrderByDescending(claim => claim.HostId == requested.GetValueOrDefault(port.Key))
                .ThenByDescending(claim => claim.Claim)
                .ThenBy(claim => claim.HostId, StringComparer.Ordinal).First(),
                StringComparer.Ordinal);
}
