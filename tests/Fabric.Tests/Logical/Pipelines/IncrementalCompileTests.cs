using System.Text.RegularExpressions;
using Fabric.Logical;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Logical;

/// <summary>
/// A compiler that followed a hundred changes wants what one wants that begins with the last.
/// </summary>
public sealed partial class IncrementalCompileTests
{
    private static bool IsFull => Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";

    [Fact]
    public void Whatever_changes_the_flows_are_those_of_a_fresh_compilation()
    {
        var seeds = IsFull ? 400 : 6;
        for (var seed = 1; seed <= seeds; seed++)
        {
            var network = new ChangingNetwork(seed);
            var compiler = new LogicalCompiler();
            Compare(compiler, network, "the first compilation");
            for (var step = 0; step < 50; step++)
            {
                var change = network.Change();
                Compare(compiler, network, $"seed {seed} step {step}: {change}");
            }
        }
    }

    [Fact]
    public void A_port_elsewhere_touches_neither_other_datapaths_nor_other_ports()
    {
        var network = new ChangingNetwork(seed: 3);
        var compiler = new LogicalCompiler();
        compiler.Compile(network.Database, network.Keys, network.Host);
        var whole = compiler.WholeCount;
        for (var i = 0; i < 20; i++)
        {
            network.AddPort();
            var result = compiler.Compile(network.Database, network.Keys, network.Host);
            Assert.InRange(result.CompiledBlockCount, 1, 12);
        }

        Assert.Equal(whole, compiler.WholeCount);
    }

    private static void Compare(LogicalCompiler compiler, ChangingNetwork network, string when)
    {
        var followed = compiler.Compile(network.Database, network.Keys, network.Host);
        var fresh = new LogicalCompiler();
        var anew = fresh.Compile(network.Database, network.Keys, network.Host);
        Assert.True(anew.Zones.SetEquals(followed.Zones), $"{when}: zones differ");
        Assert.Equal(anew.LocalDatapathCount, followed.LocalDatapathCount);
        Assert.Equal(
            anew.Conditions.Select(each => $"{each}").Order(),
            followed.Conditions.Select(each => $"{each}").Order());
        var (wanted, found) = (Lines(fresh), Lines(compiler));
        Assert.True(
            wanted.SequenceEqual(found),
            $"{when}\nmissing:\n{string.Join('\n', wanted.Except(found).Take(5))}\n"
            + $"too many:\n{string.Join('\n', found.Except(wanted).Take(5))}");
    }

    /// <summary>Flows as text, with what stands behind a number in place of the number.</summary>
    private static List<string> Lines(LogicalCompiler compiler)
    {
        var groups = compiler.Flows.Groups.ToDictionary(
            group => group.Id, group => string.Join(';', group.Buckets.Select(bucket =>
                OfActionText.Format(bucket.Actions))));
        var meters = compiler.Flows.Meters.ToDictionary(
            meter => meter.Id, meter => $"{meter.Rate} {meter.Burst} {meter.IsPackets}");
        return
        [
            .. compiler.Flows.All.Select(flow => Plain(
                $"{flow.Identity.Table} {flow.Cookie:x} "
                + $"{OfFlowText.FormatRule(flow.Identity.Priority, flow.Identity.Match)} "
                + OfActionText.Format(flow.Actions), groups, meters))
                .Order(StringComparer.Ordinal),
        ];
    }

    private static string Plain(
        string text, Dictionary<uint, string> groups, Dictionary<uint, string> meters)
    {
        text = Conjunction().Replace(text, "conj ");
        text = EcmpMatch().Replace(text, "ecmp");
        text = EcmpLoad().Replace(text, "ecmp");
        text = Group().Replace(text, match => groups[uint.Parse(match.Groups[1].Value)]);
        return Meter().Replace(text, match => meters[uint.Parse(match.Groups[1].Value)]);
    }

    [GeneratedRegex(@"conj_id=\d+|conjunction\(\d+")]
    private static partial Regex Conjunction();

    [GeneratedRegex(@"reg8=0x[0-9a-f]+(/0xffff(ffff)?)?(?![0-9a-f])")]
    private static partial Regex EcmpMatch();

    [GeneratedRegex(@"load:0x[0-9a-f]+->NXM_NX_REG8\[0\.\.15\]")]
    private static partial Regex EcmpLoad();

    [GeneratedRegex(@"group:(\d+)")]
    private static partial Regex Group();

    [GeneratedRegex(@"meter:(\d+)")]
    private static partial Regex Meter();
}
