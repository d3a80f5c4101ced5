using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using Fabric.Cluster;

namespace Fabric.Tests;

/// <summary>What `fabric cluster` prints, letter by letter.</summary>
public sealed class ClusterTextTests
{
    private static HostMember Member(string host, string status, bool isReachable = true) => new(
        host, $"akka.tcp://fabric@10.0.0.{host[1]}:2552", status, isReachable, true,
        [$"host-{host}", "voter"]);

    private static readonly ClusterPicture Picture = new(
        new MembershipView(
            "h1", "akka.tcp://fabric@10.0.0.1:2552",
            [Member("h1", "up"), Member("h2", "leaving"), Member("h3", "up", isReachable: false)],
            "h1", IsMember: true),
        new LogStatus(
            new Guid("00000000-0000-0000-0000-000000000007"), 3, new EntryId(3, 12), 11,
            VoterSet.Of("h1", "h2", "h3"), "h1", 0),
        [
            new Vtep("h1", "one", "geneve", IPAddress.Parse("192.0.2.1"),
                ImmutableSortedDictionary<string, string>.Empty),
        ],
        ImmutableSortedDictionary<string, PortLocation>.Empty
            .Add("web1", new PortLocation("web1", "h1", 1)),
        null, [], null)
    {
        Loads = ImmutableSortedDictionary<string, HostLoad>.Empty
            .Add("h1", new HostLoad(4, 100, 7, 256L << 20)),
    };

    private const string Members =
        """
        akka.tcp://fabric@10.0.0.1:2552 | [host-h1,voter] | up
        akka.tcp://fabric@10.0.0.2:2552 | [host-h2,voter] | leaving
        akka.tcp://fabric@10.0.0.3:2552 | [host-h3,voter] | up (unreachable)
        Count: 3 nodes

        """;

    [Theory]
    [InlineData("show", Members)]
    [InlineData("members", Members)]
    [InlineData("leader", "akka.tcp://fabric@10.0.0.1:2552 (h1)\n")]
    [InlineData("vteps", "h1 | one | geneve | 192.0.2.1\nCount: 1 VTEPs\n")]
    [InlineData("topology",
        """
        h1 (up)
            load cpu 7 %, memory 256 MiB, 4 ports, 100 flows
            geneve 192.0.2.1
            port web1
        h2 (leaving)
        h3 (up)

        """)]
    [InlineData("status",
        """
        host:              h1
        status:            up
        leader:            h1
        members:           3
        unreachable:       h3
        northbound log:    00000000-0000-0000-0000-000000000007
        northbound writer: h1
        term:              3
        last entry:        3.12
        committed:         11
        voters:            h1, h2, h3
        quorum:            yes (2 of 3 voters reachable)

        """)]
    public void Each_verb_prints_its_table(string verb, string expected) =>
        Assert.Equal(expected, ClusterText.Render(verb, Picture, isJson: false));

    [Theory]
    [InlineData("show", "$.members[2].reachable", "false")]
    [InlineData("members", "$[1].status", "leaving")]
    [InlineData("leader", "$.leader", "h1")]
    [InlineData("vteps", "$[0].address", "192.0.2.1")]
    [InlineData("topology", "$[0].load.cpuPercent", "7")]
    [InlineData("topology", "$[0].ports[0]", "web1")]
    [InlineData("status", "$.voters[2]", "h3")]
    [InlineData("status", "$.committed", "11")]
    public void Each_verb_prints_the_same_as_JSON(string verb, string path, string expected)
    {
        var text = ClusterText.Render(verb, Picture, isJson: true);
        JsonNode node = JsonNode.Parse(text!)!;
        var steps = path.Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries);
        foreach (var step in steps[1..])
            node = int.TryParse(step, out var index) ? node[index]! : node[step]!;
        Assert.Equal(expected, node.ToString());
    }

    [Fact]
    public void A_host_in_no_cluster_says_since_when_and_whom_it_asks()
    {
        var alone = new ClusterPicture(
            MembershipView.Nothing("h1"), null, null, null, TimeSpan.FromSeconds(42),
            ["akka.tcp://fabric@10.0.0.2:2552"], "downed");
        Assert.Equal(
            """
            Count: 0 nodes
            This host is in no cluster for 42 s.
            Tries to join through akka.tcp://fabric@10.0.0.2:2552
            Last end: downed

            """, ClusterText.Render("show", alone, isJson: false));
        Assert.Equal("There is no leader.\n", ClusterText.Render("leader", alone, isJson: false));
    }

    [Fact]
    public void A_verb_that_changes_something_prints_nothing_of_its_own() =>
        Assert.Null(ClusterText.Render("leave", Picture, isJson: false));
}
