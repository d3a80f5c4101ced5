using System.Text.RegularExpressions;
using Fabric.Configuration;

namespace Fabric.Conformance;

/// <summary>docs/daemons.md and docs/open-vswitch-columns.md leave nothing out.</summary>
public sealed partial class PagesTests
{
    [Fact]
    public void Each_column_of_the_schema_is_on_its_page_once()
    {
        var listed = Listed("docs/open-vswitch-columns.md", Column());
        var columns = OpenVSwitchSchema.Schema.Tables.SelectMany(
            table => table.Columns.Select(column => $"{table.Name}.{column.Name}"));
        Assert.Equal(
            columns.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Each_executable_of_the_packages_is_on_its_page_once()
    {
        using var world = new DropInWorld();
        var installed = (await world.SaysAsync("dpkg -L openvswitch-switch openvswitch-common "
            + "ovn-central ovn-common ovn-host | grep -E '^/usr/(s?bin|share/(openvswitch|ovn)/"
            + "scripts)/[^/]+$' | while read f; do [ -d $f ] || echo $f; done | sort -u"))
            .Split('\n').Where(path => !path.EndsWith(".py", StringComparison.Ordinal));
        var listed = Listed("docs/daemons.md", Executable()).ToHashSet();

        // The daemon itself is an alternative that the package's scripts put in place.
        Assert.Empty(installed.Except(listed));
        Assert.Equal(listed.Count, Listed("docs/daemons.md", Executable()).Length);
    }

    [Fact]
    public async Task Each_command_that_ours_does_not_have_is_on_the_page_of_daemons()
    {
        var stock = await CommandsAsync();
        var ours = await CommandsAsync("ovs-vswitchd");
        var page = File.ReadAllText(Path.Combine(Checkout.Root, "docs/daemons.md"));
        Assert.Contains("ofproto/trace", ours);
        string[] missing =
        [
            .. stock.Except(ours).Where(command => !page.Contains($"`{command}`")
                && !page.Contains($"`{command.Split('/')[0]}/*`")),
        ];
        Assert.Equal([], missing);
    }

    private static async Task<string[]> CommandsAsync(params string[] replaced)
    {
        using var world = new DropInWorld(replaced);
        await world.StartAsync();
        return (await world.SaysAsync(
            "ovs-appctl list-commands | tail -n +2 | awk '{print $1}'")).Split('\n');
    }

    private static string[] Listed(string page, Regex row) =>
    [
        .. File.ReadLines(Path.Combine(Checkout.Root, page))
            .Select(line => row.Match(line)).Where(match => match.Success)
            .Select(match => match.Groups[1].Value),
    ];

    [GeneratedRegex(@"^\| `([A-Za-z_]+\.[a-z_]+)` \| (?:acted upon|filled|kept) \|")]
    private static partial Regex Column();

    [GeneratedRegex(@"^\| `(/usr/[^`]+)` \| (?:works|shimmed|later) \|")]
    private static partial Regex Executable();
}
