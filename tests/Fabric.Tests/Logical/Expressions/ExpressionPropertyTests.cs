using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Logical;

/// <remarks>
/// Goal: a compiled expression matches exactly the packets that the expression is true for.
/// Method: random expressions against random packets that are made of the same few values, so that
/// they meet; the evaluator shares no code with the normaliser.
/// </remarks>
public sealed class ExpressionPropertyTests
{
    private const int PacketCount = 60;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory, MemberData(nameof(Seeds))]
    public void Products_accept_what_the_evaluator_accepts(int seed)
    {
        var source = new ExpressionSource(seed);
        var lab = new ExpressionLab();
        for (var i = 0; i < 25; i++)
        {
            var text = source.Expression();
            var expression = ExpressionParser.Parse(text);
            var products = ExpressionNormalizer.Normalize(expression, lab);
            for (var j = 0; j < PacketCount; j++)
            {
                var packet = source.Packet();
                UInt128 Value(string field) => packet.GetValueOrDefault(field);
                var expected = new ExpressionEvaluator(lab, Value).Evaluate(expression);
                Assert.True(
                    products.Any(product => product.Accepts(Value)) == expected,
                    $"{text} should be {expected} for {Text(packet)}");
            }
        }
    }

    /// <remarks>The flows themselves, conjunctive matches resolved as a switch does.</remarks>
    [Theory, MemberData(nameof(Seeds))]
    public void Flows_match_what_the_evaluator_accepts(int seed)
    {
        var source = new ExpressionSource(seed + 1000);
        var lab = new ExpressionLab();
        for (var i = 0; i < 10; i++)
        {
            var text = source.Expression();
            var expression = ExpressionParser.Parse(text);
            var flows = FlowsOf(ExpressionNormalizer.Normalize(expression, lab));
            for (var j = 0; j < PacketCount; j++)
            {
                var packet = source.Packet();
                UInt128 Value(string field) => packet.GetValueOrDefault(field);
                var expected = new ExpressionEvaluator(lab, Value).Evaluate(expression);
                Assert.True(
                    Matches(flows, packet) == expected,
                    $"{text} should be {expected} for {Text(packet)}");
            }
        }
    }

    [Fact]
    public void Large_sets_add_up_instead_of_multiplying()
    {
        var sources = string.Join(", ", Enumerable.Range(1, 200).Select(i => $"10.1.0.{i}"));
        var targets = string.Join(", ", Enumerable.Range(1, 100).Select(i => $"10.2.0.{i}"));
        var match = ExpressionParser.Parse(
            $"ip4.src == {{{sources}}} && ip4.dst == {{{targets}}} && tcp.dst == {{80, 443}}");
        var flows = FlowsOf(ExpressionNormalizer.Normalize(match, new ExpressionLab()));
        Assert.Equal(200 + 100 + 2 + 1, flows.Length);
        Assert.Equal(302, flows.Count(flow => flow.Actions[0] is OfConjunction));
    }

    private static ImmutableArray<LogicalFlow> FlowsOf(ImmutableArray<MatchProduct> products)
    {
        var key = new FlowBlockKey("test", Guid.Empty, Guid.Empty);
        var block = new FlowBlockBuilder(key, new(), new(), new());
        block.Add(1, 1, FlowMatch.Any, products, FlowActions.To(2));
        var desired = new DesiredFlows();
        desired.Replace(key, FlowBlock.Empty, block.Build());
        return desired.TakeChanges().Added;
    }

    private static bool Matches(
        ImmutableArray<LogicalFlow> flows, Dictionary<string, UInt128> packet)
    {
        var conjunctions = new Dictionary<uint, (HashSet<int> Seen, int Count)>();
        foreach (var flow in flows)
        {
            if (!Fits(flow.Identity.Match, packet, conjunctionId: null)) continue;
            if (flow.Actions[0] is not OfConjunction) return true;
            foreach (var part in flow.Actions.OfType<OfConjunction>())
            {
                if (!conjunctions.TryGetValue(part.Id, out var entry))
                    conjunctions[part.Id] = entry = ([], part.ClauseCount);
                entry.Seen.Add(part.Clause);
            }
        }

        return conjunctions.Where(entry => entry.Value.Seen.Count == entry.Value.Count)
            .Any(entry => flows.Any(
                flow => Fits(flow.Identity.Match, packet, entry.Key)
                    && flow.Identity.Match.TryGet(MatchField.ConjunctionId, out _)));
    }

    private static bool Fits(Match match, Dictionary<string, UInt128> packet, uint? conjunctionId)
    {
        foreach (var entry in match.Entries)
        {
            var value = ReferenceEquals(entry.Field, MatchField.ConjunctionId)
                ? conjunctionId ?? 0
                : packet.GetValueOrDefault(entry.Field.Name);
            if ((value & entry.Mask) != entry.Value) return false;
        }

        return true;
    }

    private static string Text(Dictionary<string, UInt128> packet) =>
        string.Join(", ", packet.Select(pair => $"{pair.Key}=0x{pair.Value:x}"));
}
