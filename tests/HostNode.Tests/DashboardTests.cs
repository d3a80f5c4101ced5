using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fabric.Host;
using Fabric.Observability;

namespace Fabric.HostNode.Tests;

/// <summary>The Grafana dashboard asks for figures that a host node has.</summary>
public sealed partial class DashboardTests
{
    [GeneratedRegex("(ovs|fabric)_[a-z_]+")]
    private static partial Regex Figure();

    [GeneratedRegex("^# TYPE ([a-z_]+) ", RegexOptions.Multiline)]
    private static partial Regex Family();

    [Fact]
    public void Every_panel_asks_for_figures_that_are_there()
    {
        var served = Family().Matches(HostMetrics.Render("h1", [], new Coverage()))
            .Select(match => match.Groups[1].Value).ToImmutableHashSet();
        using var board = JsonDocument.Parse(File.ReadAllText(
            Path.Combine(Checkout.Root, "config", "dashboards", "hosts.json")));
        var asked = 0;
        foreach (var panel in board.RootElement.GetProperty("panels").EnumerateArray())
        {
            foreach (var target in panel.GetProperty("targets").EnumerateArray())
            {
                // Labels have names of the same form.
                var expression = target.GetProperty("expr").GetString()!
                    .Replace("by (ovs_version)", "", StringComparison.Ordinal);
                var figures = Figure().Matches(expression);
                Assert.NotEmpty(figures);
                Assert.All(figures, figure => Assert.Contains(figure.Value, served));
                asked += figures.Count;
            }
        }

        Assert.True(asked >= 12, $"only {asked} figures are asked for");
    }
}
