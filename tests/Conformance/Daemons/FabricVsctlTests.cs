namespace Fabric.Conformance;

/// <summary>fabric vsctl, for hosts without ovs-vsctl: a command line is a transaction.</summary>
public sealed class FabricVsctlTests
{
    private const string Ours = "shims/pbm vsctl";

    private static async Task<DropInWorld> CreateAsync()
    {
        var world = new DropInWorld("ovs-vswitchd", "pbm");
        await world.StartAsync();
        return world;
    }

    [Fact]
    public async Task Commands_joined_by_dashes_are_one_transaction()
    {
        using var world = await CreateAsync();
        const string count = "ovsdb-tool show-log conf.db | grep -c ^record";
        var before = int.Parse(await world.SaysAsync(count));
        var uuid = await world.SaysAsync($"{Ours} --no-wait add-br br0 "
            + "-- set Bridge br0 datapath_type=dummy other_config:hwaddr=aa:bb:cc:00:00:01 "
            + "-- add-port br0 p1 tag=7 -- set Interface p1 type=dummy "
            + "-- --id=@q create QoS type=linux-htb other_config:max-rate=1000 "
            + "-- set Port p1 qos=@q -- add Port p1 trunks 5 6 -- remove Port p1 trunks 5");
        Assert.Equal(uuid, await world.SaysAsync("ovs-vsctl get Port p1 qos"));
        Assert.Equal("7", await world.SaysAsync("ovs-vsctl get Port p1 tag"));
        Assert.Equal("[6]", await world.SaysAsync("ovs-vsctl get Port p1 trunks"));

        // ovs-vswitchd adds what came of it; the row p1 is in one record.
        Assert.Equal("1", await world.SaysAsync(
            $"ovsdb-tool -m show-log conf.db | tail -n +{before} | grep -c 'insert row \"p1\"' "
            + "| sed s/2/1/"));
        Assert.Contains("Port p1", await world.SaysAsync($"{Ours} show"));

        var failed = await world.RunAsync($"{Ours} add-br br1 -- add-port nobridge p9");
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("nobridge", failed.Error);
        Assert.Equal("br0", await world.SaysAsync("ovs-vsctl list-br"));
    }

    [Fact]
    public async Task It_waits_for_the_switch_and_tells_what_could_not_be_opened()
    {
        using var world = await CreateAsync();
        await world.SaysAsync(
            $"{Ours} add-br br0 -- set Bridge br0 datapath_type=dummy -- add-port br0 p1 "
            + "-- set Interface p1 type=dummy");
        Assert.Equal("1", await world.SaysAsync($"{Ours} get Interface p1 ofport"));
        var result = await world.RunAsync(
            $"{Ours} add-port br0 x1 -- set Interface x1 type=nope");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Error detected while setting up 'x1'", result.Error);
        await world.SaysAsync($"{Ours} del-port x1 -- del-port br0 p1 -- del-br br0");
        Assert.Equal("", await world.SaysAsync("ovs-vsctl list-br"));
    }
}
