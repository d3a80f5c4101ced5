using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>Endpoints, replicas and the writer of the northbound together.</summary>
public sealed class NorthboundActorTests
{
    private static Operation.Insert Switch(string name) => new(
        "Logical_Switch", [new ColumnValue("name", name)], Guid.NewGuid());

    private static Operation IncrementNbCfg() => new Operation.Mutate(
        "NB_Global", [], [new Mutation("nb_cfg", Mutator.Add, 1L)]);

    private static async Task<long> SwitchCountAsync(NorthboundHosts hosts, string host) =>
        (await hosts.ReadAsync(host)).Database.Table("Logical_Switch").Count;

    [Fact]
    public async Task One_host_is_its_own_majority()
    {
        using var hosts = new NorthboundHosts("a");
        hosts.StartWriter("a");
        var done = await hosts.TransactAsync("a", Switch("web"));
        Assert.Null(done.Error);
        var changed = await hosts.ReadAsync("a");
        var row = changed.Database.Table("Logical_Switch").First!;
        Assert.Equal("web", row.GetString("name"));
        Assert.Equal(1u, changed.Keys.Datapaths[row.Uuid]);
    }

    [Fact]
    public async Task A_transaction_at_any_host_is_applied_at_all()
    {
        using var hosts = new NorthboundHosts("a", "b", "c");
        hosts.StartWriter("a");
        foreach (var host in new[] { "a", "b", "c" })
            Assert.Null((await hosts.TransactAsync(host, Switch($"at-{host}"))).Error);
        foreach (var host in new[] { "a", "b", "c" })
            await NorthboundHosts.UntilAsync(async () => await SwitchCountAsync(hosts, host) == 3);

        var keys = (await hosts.ReadAsync("b")).Keys.Datapaths.Values.Order();
        Assert.Equal([1u, 2u, 3u], keys);
    }

    /// <remarks>The client's own database holds its transaction when it is answered.</remarks>
    [Fact]
    public async Task An_answer_follows_its_own_update()
    {
        using var hosts = new NorthboundHosts("a", "b", "c");
        hosts.StartWriter("a");
        for (var i = 1; i <= 20; i++)
        {
            Assert.Null((await hosts.TransactAsync("c", Switch($"s{i}"))).Error);
            Assert.Equal(i, await SwitchCountAsync(hosts, "c"));
        }
    }

    [Fact]
    public async Task A_constraint_is_refused_with_its_own_error_and_changes_nothing()
    {
        using var hosts = new NorthboundHosts("a", "b");
        hosts.StartWriter("a");
        var group = new Operation.Insert(
            "Port_Group", [new ColumnValue("name", "pg")], Guid.NewGuid());
        Assert.Null((await hosts.TransactAsync("b", group)).Error);
        var again = await hosts.TransactAsync("b", group with { Uuid = Guid.NewGuid() });
        Assert.Equal("constraint violation", again.Error?.Tag);
        Assert.Equal(1, (await hosts.ReadAsync("b")).Database.Table("Port_Group").Count);
    }

    /// <remarks>Two hosts are two voters, and both are needed.</remarks>
    [Fact]
    public async Task Of_two_hosts_one_alone_refuses_to_write_and_goes_on_when_the_other_is_back()
    {
        using var hosts = new NorthboundHosts("a", "b");
        hosts.StartWriter("a");
        Assert.Null((await hosts.TransactAsync("b", Switch("one"))).Error);
        await hosts.UntilVotersAsync("a", 2);
        hosts.Cut("b");
        var cut = await hosts.TransactAsync("a", Switch("two"));
        Assert.Equal("resources exhausted", cut.Error?.Tag);
        Assert.Equal("no quorum: 1 of 2 voters reachable", cut.Error?.Details);
        Assert.Equal(1, (await hosts.ReadAsync("b")).Database.Table("Logical_Switch").Count);
        hosts.Heal();
        await NorthboundHosts.UntilAsync(
            async () => (await hosts.TransactAsync("b", Switch("three"))).Error is null);
    }

    [Fact]
    public async Task Another_writer_knows_all_that_was_acknowledged()
    {
        using var hosts = new NorthboundHosts("a", "b", "c");
        hosts.StartWriter("a");
        for (var i = 0; i < 10; i++)
            Assert.Null((await hosts.TransactAsync("b", Switch($"s{i}"))).Error);
        await NorthboundHosts.UntilAsync(async () => await SwitchCountAsync(hosts, "c") == 10);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(
            _ => hosts.TransactAsync("c", IncrementNbCfg())));
        await hosts.UntilVotersAsync("c", 3);
        hosts.Cut("a");
        hosts.StartWriter("c");
        Assert.Null((await hosts.TransactAsync("b", Switch("after"))).Error);
        Assert.Equal(11, await SwitchCountAsync(hosts, "b"));
        hosts.Heal();
        await NorthboundHosts.UntilAsync(async () => await SwitchCountAsync(hosts, "a") == 11);
    }

    [Fact]
    public async Task A_replica_that_starts_again_has_what_it_had()
    {
        using var hosts = new NorthboundHosts("a");
        hosts.StartWriter("a");
        Assert.Null((await hosts.TransactAsync("a", Switch("kept"))).Error);
        await hosts.StopAsync("a");
        hosts.Start("a");
        hosts.StartWriter("a");
        await NorthboundHosts.UntilAsync(async () => await SwitchCountAsync(hosts, "a") == 1);
        Assert.Null((await hosts.TransactAsync("a", Switch("more"))).Error);
        Assert.Equal([1u, 2u], (await hosts.ReadAsync("a")).Keys.Datapaths.Values.Order());
    }

    [Fact]
    public async Task Waiting_for_the_southbound_and_the_hosts_follows_nb_cfg()
    {
        using var hosts = new NorthboundHosts("a", "b");
        hosts.StartWriter("a");
        Assert.Null((await hosts.TransactAsync("b", IncrementNbCfg())).Error);
        async Task<(long, long)> ConfigAsync()
        {
            var row = (await hosts.ReadAsync("b")).Database.Table("NB_Global").First;
            return (row?.GetInteger("sb_cfg") ?? 0, row?.GetInteger("hv_cfg") ?? 0);
        }

        await NorthboundHosts.UntilAsync(async () => await ConfigAsync() == (1, 0));
        hosts.Tell("a", new NorthboundApplied(9, 1));
        await Task.Delay(300); // Long enough for a wrong answer.
        Assert.Equal((1, 0), await ConfigAsync());
        hosts.Tell("b", new NorthboundApplied(9, 1));
        await NorthboundHosts.UntilAsync(async () => await ConfigAsync() == (1, 1));
    }

    [Fact]
    public async Task A_wait_blocks_until_another_client_makes_it_true()
    {
        using var hosts = new NorthboundHosts("a");
        hosts.StartWriter("a");
        var wait = new Operation.Wait(
            "Logical_Switch", [Condition.Equal("name", "late")], ["name"], true,
            [[new ColumnValue("name", "late")]], null);
        var waiting = hosts.TransactAsync("a", wait);
        Assert.Null((await hosts.TransactAsync("a", Switch("early"))).Error);
        Assert.False(waiting.IsCompleted);
        Assert.Null((await hosts.TransactAsync("a", Switch("late"))).Error);
        Assert.Null((await waiting).Error);
    }

    [Fact]
    public async Task A_voter_that_is_lost_for_good_can_be_given_up()
    {
        using var hosts = new NorthboundHosts("a", "b");
        hosts.StartWriter("a");
        Assert.Null((await hosts.TransactAsync("b", Switch("one"))).Error);
        await hosts.UntilVotersAsync("a", 2);
        hosts.Cut("b");
        Assert.NotNull((await hosts.TransactAsync("a", Switch("two"))).Error);
        hosts.TellWriter("a", new RemoveVoter("b", IsForced: true));
        await NorthboundHosts.UntilAsync(
            async () => (await hosts.TransactAsync("a", Switch("alone"))).Error is null);
    }
}
