namespace Fabric.Conformance;

/// <summary>`fabric net` on files with mistakes: told where and how; nothing changed.</summary>
public sealed class NetworkFileTests(OneHost host) : IClassFixture<OneHost>
{
    private Task<string> NorthboundAsync() => host.SaysAsync(
        $"ovsdb-client dump {host.DatabaseSocket} OVN_Northbound Logical_Switch");

    [Theory]
    [InlineData("validate")]
    [InlineData("apply --yes")]
    [InlineData("diff")]
    public async Task Broken_yaml_is_told_with_line_and_column(string verb)
    {
        var file = host.Write("broken.yaml",
            "network: n\nswitches:\n  - name: a\n   ports: x\n");
        var before = await NorthboundAsync();
        var error = await host.RefusesAsync($"fabric net {verb} {file}");
        Assert.Contains($"{file}:4:4: ", error);
        Assert.Contains("check indentation, colons and quotes", error);
        Assert.Equal(before, await NorthboundAsync());
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("apply --yes")]
    [InlineData("diff")]
    public async Task An_unknown_setting_is_told_with_those_that_are_known(string verb)
    {
        var file = host.Write("unknown.yaml",
            "network: n\nswitches:\n  web:\n    bogus: 1\n  good:\n    subnet: 10.0.0.0/24\n");
        var before = await NorthboundAsync();
        Assert.Contains(
            $"{file}:4:5: switch web has no setting \"bogus\"; "
            + "use one of other_config, ports, subnet",
            await host.RefusesAsync($"fabric net {verb} {file}"));
        Assert.Equal(before, await NorthboundAsync()); // Not even the good switch.
    }

    [Fact]
    public async Task Every_mistake_is_told_at_once()
    {
        var file = host.Write("many.yaml", "switches:\n  web:\n    bogus: 1\n");
        var error = await host.RefusesAsync($"fabric net validate {file}");
        Assert.Contains($"{file}:1:1: the network has no network; add \"network: my-network\"",
            error);
        Assert.Contains($"{file}:3:5: ", error);
    }

    [Fact]
    public async Task A_good_file_is_validated_planned_and_applied_once()
    {
        var file = Path.Combine(Checkout.Root, "config", "networks", "three-tier.yaml");
        Assert.Contains("well-formed", await host.SaysAsync($"fabric net validate {file}"));
        Assert.Contains("+ switch front", await host.RefusesAsync($"fabric net diff {file}"));
        // Without a terminal and without --yes it says what it would do, and does not.
        Assert.Contains("say --yes", await host.RefusesAsync($"fabric net apply {file}"));
        Assert.DoesNotContain("front", await NorthboundAsync());

        Assert.Contains(
            "installed on every host after",
            await host.SaysAsync($"fabric net apply --yes {file}"));
        Assert.Contains("front", await NorthboundAsync());
        Assert.Matches("nb_cfg [1-9] installed", await host.SaysAsync("fabric cluster topology"));
        Assert.Equal(
            "nothing to change", (await host.SaysAsync($"fabric net apply --yes {file}")).Trim());
        await host.SaysAsync($"fabric net diff {file}"); // Nothing is left to do: 0.
    }

    [Fact]
    public async Task Exit_codes_tell_refused_from_unreachable()
    {
        await host.SaysAsync("fabric cluster show");
        Assert.Equal("fabric cluster down: 'nobody' is not a member.",
            await host.RefusesAsync("fabric cluster down nobody"));
        await host.RefusesAsync("fabric cluster down", exitCode: 2);
        Assert.Contains("nofile.yaml",
            await host.RefusesAsync("fabric net validate /nofile.yaml"));
    }
}
