using System.Runtime.CompilerServices;

namespace Fabric.Datapath.Tests;

/// <summary>Datapath flows drawn at random, as Open vSwitch printed them.</summary>
public sealed class OdpRandomFlowTests
{
    private const string Separator = " @ actions:";

    [Fact]
    public void What_ovs_printed_of_random_flows_we_read_and_print_the_same()
    {
        var lines = File.ReadLines(Path.Combine(Folder(), "odp-flows.txt"))
            .Where(line => !line.StartsWith('#')).ToArray();
        Assert.Equal(120, lines.Length);
        Assert.All(lines, line =>
        {
            var at = line.IndexOf(Separator, StringComparison.Ordinal);
            Assert.True(
                OdpFlowText.TryParse(line[..at], null, out var key, out var mask, out var error),
                error);
            Assert.Equal(line[..at], OdpFlowText.Format(key, mask));
            var actions = line[(at + Separator.Length)..];
            Assert.True(OdpActionText.TryParse(actions, null, out var list, out error), error);
            Assert.Equal(actions, OdpActionText.Format(list));
        });
    }

    private static string Folder([CallerFilePath] string here = "") =>
        Path.GetDirectoryName(here)!;
}
