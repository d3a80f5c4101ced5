namespace Fabric.Conformance;

/// <summary>ovs-vsctl's commands on rows and columns of any table.</summary>
public sealed class VsctlRowTests(OneHost host) : IClassFixture<OneHost>
{
    [Fact]
    public async Task Sets_grow_shrink_and_are_cleared()
    {
        await host.SaysAsync("ovs-vsctl add-br set0 -- add-port set0 st "
            + "-- set Interface st type=internal");
        await host.SaysAsync("ovs-vsctl add Port st trunks 5,6");
        Assert.Equal("[5, 6]", await host.SaysAsync("ovs-vsctl get Port st trunks"));
        await host.SaysAsync("ovs-vsctl remove Port st trunks 5");
        Assert.Equal("[6]", await host.SaysAsync("ovs-vsctl get Port st trunks"));
        await host.SaysAsync("ovs-vsctl clear Port st trunks");
        Assert.Equal("[]", await host.SaysAsync("ovs-vsctl get Port st trunks"));
    }

    [Fact]
    public async Task Maps_are_set_key_by_key()
    {
        await host.SaysAsync("ovs-vsctl add-br map0");
        await host.SaysAsync("ovs-vsctl br-set-external-id map0 a 1");
        await host.SaysAsync("ovs-vsctl set Bridge map0 external_ids:b=2");
        Assert.Equal(["a=1", "b=2"], await host.LinesAsync("ovs-vsctl br-get-external-id map0"));
        Assert.Equal("\"2\"", await host.SaysAsync("ovs-vsctl get Bridge map0 external_ids:b"));
        await host.SaysAsync("ovs-vsctl remove Bridge map0 external_ids a");
        Assert.Equal("{b=\"2\"}", await host.SaysAsync("ovs-vsctl get Bridge map0 external_ids"));
        await host.RefusesAsync("ovs-vsctl get Bridge map0 external_ids:a");
        await host.SaysAsync("ovs-vsctl --if-exists get Bridge map0 external_ids:a");
    }

    [Fact]
    public async Task Rows_are_created_referred_to_and_destroyed()
    {
        await host.SaysAsync("ovs-vsctl add-br row0");
        var uuid = await host.SaysAsync(
            "ovs-vsctl -- --id=@m create Mirror name=m1 -- add Bridge row0 mirrors @m");
        Assert.True(Guid.TryParse(uuid, out _), uuid);
        Assert.Equal(uuid, await host.SaysAsync("ovs-vsctl get Mirror m1 _uuid"));
        Assert.Equal($"[{uuid}]", await host.SaysAsync("ovs-vsctl get Bridge row0 mirrors"));
        await host.SaysAsync("ovs-vsctl clear Bridge row0 mirrors");
        Assert.Equal("", await host.SaysAsync("ovs-vsctl list Mirror")); // Nobody refers to it.

        await host.SaysAsync("ovs-vsctl create QoS type=linux-htb");
        Assert.NotEqual("", await host.SaysAsync("ovs-vsctl list QoS"));
        await host.SaysAsync("ovs-vsctl --all destroy QoS");
        Assert.Equal("", await host.SaysAsync("ovs-vsctl list QoS"));
    }

    [Fact]
    public async Task Find_selects_by_conditions()
    {
        await host.SaysAsync("ovs-vsctl add-br find0 -- set Bridge find0 external_ids:who=me");
        Assert.Equal("find0", await host.SaysAsync(
            "ovs-vsctl --bare --columns=name find Bridge external_ids:who=me"));
        Assert.Equal("", await host.SaysAsync(
            "ovs-vsctl --bare --columns=name find Bridge external_ids:who=you"));
        Assert.Contains("find0", await host.LinesAsync(
            "ovs-vsctl --bare --columns=name find Interface type=internal"));
    }

    [Fact]
    public async Task Wait_until_ends_with_the_condition_or_with_the_time()
    {
        await host.SaysAsync("ovs-vsctl add-br until0");
        var waiting = host.SaysAsync("ovs-vsctl wait-until Bridge until0 external_ids:k=v");
        await host.SaysAsync("ovs-vsctl set Bridge until0 external_ids:k=v");
        await waiting;
        // SIGALRM: how the stock tool says that the time is over.
        await host.RefusesAsync(
            "ovs-vsctl --timeout=1 wait-until Bridge until0 external_ids:k=w", exitCode: 142);
    }

    [Theory]
    [InlineData("ovs-vsctl get Bridge br-int nocol", "Bridge does not contain a column whose name matches \"nocol\"")]
    [InlineData("ovs-vsctl list NoTable", "unknown table \"NoTable\"")]
    [InlineData("ovs-vsctl get Interface nope ofport", "no row \"nope\" in table Interface")]
    [InlineData("ovs-vsctl set Port br-int tag=5000", "constraint violation: 5000 is not in the valid range 0 to 4095 (inclusive)")]
    [InlineData("ovs-vsctl add-port nobr x", "no bridge named nobr")]
    [InlineData("ovs-vsctl port-to-br nope", "no port named nope")]
    [InlineData("ovs-vsctl set Bridge br-int fail_mode=open", "constraint violation: open is not one of the allowed values ([secure, standalone])")]
    [InlineData("ovs-vsctl nocommand", "unknown command 'nocommand'; use --help for help")]
    public async Task A_refusal_says_what_is_wrong(string command, string complaint) =>
        Assert.Equal($"ovs-vsctl: {complaint}", await host.RefusesAsync(command));

    [Fact]
    public async Task A_refused_transaction_changes_nothing()
    {
        await host.SaysAsync("ovs-vsctl add-br atom0");
        await host.RefusesAsync(
            "ovs-vsctl set Bridge atom0 external_ids:k=v -- set Port atom0 tag=5000");
        Assert.Equal("{}", await host.SaysAsync("ovs-vsctl get Bridge atom0 external_ids"));
    }
}
