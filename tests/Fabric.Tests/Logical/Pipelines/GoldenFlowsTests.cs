using Fabric.Logical;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Logical;

/// <remarks>
/// Goal: a change of any pipeline table is seen in review. Method: all flows of host1 of the
/// smallest example, as text, against the file next to this one. To renew it after a wanted
/// change, run the test with FABRIC_GOLDEN=write.
/// </remarks>
public sealed class GoldenFlowsTests
{
    [Fact]
    public void The_smallest_network_compiles_to_these_flows()
    {
        var lab = LogicalLab.Of(ExampleNetworks.Read("flat.yaml"));
        var lines = lab.Hosts["host1"].Compiler.Flows.All
            .OrderBy(flow => flow.Identity.Table)
            .ThenByDescending(flow => flow.Identity.Priority)
            .Select(TextOf)
            .ToList();
        lines = [.. lines.GroupBy(line => line[..line.IndexOf(' ')])
            .SelectMany(group => group.Order(StringComparer.Ordinal))];
        var path = ExampleNetworks.Golden("flat-host1.flows");
        if (Environment.GetEnvironmentVariable("FABRIC_GOLDEN") == "write")
            File.WriteAllLines(path, lines);
        Assert.Equal(File.ReadAllLines(path), lines);
    }

    private static string TextOf(LogicalFlow flow)
    {
        var match = OfMatchText.Format(flow.Identity.Match);
        return $"table={flow.Identity.Table},priority={flow.Identity.Priority} {match} "
            + $"actions={OfActionText.Format(flow.Actions)}";
    }
}
