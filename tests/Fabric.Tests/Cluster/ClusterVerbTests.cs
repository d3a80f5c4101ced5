namespace Fabric.Tests;

/// <summary>The verbs of `fabric cluster` that change something.</summary>
public sealed class ClusterVerbTests
{
    [Fact]
    public async Task Hosts_leave_join_again_and_are_taken_for_dead()
    {
        using var hosts = new ClusteredHosts("a", "b");
        hosts.Start("a");
        hosts.Start("b");
        await UntilMembersAsync(hosts, "a", 2);
        await UntilMembersAsync(hosts, "b", 2);
        var addressOfB = hosts.AddressOf("b");

        Assert.Equal(
            "This host is in a cluster already.\n", await hosts.QueryAsync("b", "join"));
        Assert.Equal("'x' is not a member.\n", await hosts.QueryAsync("a", "leave", "x"));
        Assert.Equal("'x' is not a member.\n", await hosts.QueryAsync("a", "down", "x"));
        Assert.Equal(
            "A host does not down itself; use 'cluster leave'.\n",
            await hosts.QueryAsync("a", "down", "a"));
        Assert.Equal("Which host? cluster down HOST\n", await hosts.QueryAsync("a", "down"));
        Assert.Equal(
            "There is no verb 'cluster nonsense'.\n", await hosts.QueryAsync("a", "nonsense"));

        Assert.Equal(
            $"{addressOfB} is leaving the cluster.\n", await hosts.QueryAsync("b", "leave"));
        await UntilMembersAsync(hosts, "a", 1);
        await UntilMembersAsync(hosts, "b", 0);
        Assert.Equal("Joining.\n", await hosts.QueryAsync("b", "join"));
        await UntilMembersAsync(hosts, "b", 2);

        await hosts.KillAsync("b");
        Assert.Equal(
            $"{addressOfB} is marked as down.\n", await hosts.QueryAsync("a", "down", "b"));
        await UntilMembersAsync(hosts, "a", 1);
        Assert.Equal(
            "0 unreachable members are marked as down.\n",
            await hosts.QueryAsync("a", "down-unreachable"));
    }

    private static Task UntilMembersAsync(ClusteredHosts hosts, string host, int count) =>
        NorthboundHosts.UntilAsync(async () =>
        {
            var text = await hosts.QueryAsync(host, "members");
            return text.Split("| up\n").Length == count + 1
                && text.Contains($"Count: {count} ", StringComparison.Ordinal);
        }, 60);
}
