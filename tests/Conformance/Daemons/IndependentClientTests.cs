namespace Fabric.Conformance;

/// <summary>
/// Clients that others wrote for the stock daemons: ovsdbapp's functional suites and mininet.
/// </summary>
public sealed class IndependentClientTests
{
    private const string Suites = "ovsdbapp.tests.functional.schema";

    /// <summary>With --full all 312 cases, else a few of each suite.</summary>
    [Theory]
    [InlineData("open_vswitch.test_impl_idl", "TestOvsdbIdl.test_add_port",
        "TestOvsdbIdl.test_iface_external_id")]
    [InlineData("ovn_southbound.test_impl_idl", "OvnSouthboundTest.test_chassis_add")]
    [InlineData("ovn_northbound.test_impl_idl", "TestAclOps.test_acl_add",
        "TestLoadBalancerOps.test_lb_add", "TestLogicalSwitchOps.test_ls_add_no_name")]
    public async Task The_functional_suites_of_ovsdbapp_pass(string suite, params string[] cases)
    {
        using var world = new DropInWorld("ovs-vswitchd", "ovsdb-server", "ovsdb-tool");
        var names = DropInWorld.IsFull
            ? [$"{Suites}.{suite}"]
            : cases.Select(each => $"{Suites}.{suite}.{each}").ToArray();
        var result = await world.RunAsync(
            $"/usr/bin/python3 -m unittest {string.Join(' ', names)} 2>&1",
            TimeSpan.FromMinutes(6));
        Assert.True(result.Succeeded, result.Output[Math.Max(0, result.Output.Length - 3000)..]);
    }
}
