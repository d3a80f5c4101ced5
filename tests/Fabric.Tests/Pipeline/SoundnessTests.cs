using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Tests.Pipeline;

public sealed class SoundnessTests
{
    private const int PairsEach = 200;

    private static readonly bool IsFull =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";

    /// <summary>1,000,000 pairs in a full run; FABRIC_SOUNDNESS_SEED begins elsewhere.</summary>
    private static readonly int PipelineCount = IsFull ? 5_000 : 250;
    private static readonly int FirstSeed = int.TryParse(
        Environment.GetEnvironmentVariable("FABRIC_SOUNDNESS_SEED"), out var seed) ? seed : 1;

    /// <remarks>
    /// Goal: a megaflow never decides for a packet that the tables would treat otherwise.
    /// Method: random tables; a packet p makes a megaflow, a packet q agrees with p in the bits of
    /// its mask and differs elsewhere; translating q must give the same actions. Packets that come
    /// round again (conntrack, hash) are tested in their second pass too. 50,000 pairs.
    /// </remarks>
    [Fact]
    public void A_packet_that_hits_a_megaflow_gets_what_the_tables_say()
    {
        long pairs = 0, decided = 0, recirculated = 0;
        for (var seed = FirstSeed; seed < FirstSeed + PipelineCount; seed++)
        {
            var pipeline = new RandomPipeline(seed);
            for (var i = 0; i < PairsEach; i++)
            {
                var p = pipeline.Packet();
                var other = pipeline.Packet();
                if (pipeline.World.Result.Recirculations.Count > 0 && i % 3 == 0)
                {
                    var id = pipeline.World.Result.Recirculations[0];
                    (p, other) = (pipeline.Tracked(p, id), pipeline.Tracked(other, id));
                    recirculated++;
                }

                if (Check(pipeline, p, other, seed)) pairs++;
                if (pipeline.World.Result.Actions.Length > 0) decided++;
            }
        }

        // Guards the guard: most pairs can be built, and most packets go somewhere.
        Assert.True(pairs > 35_000, $"{pairs} pairs");
        Assert.True(decided > 15_000, $"{decided} decisions");
        Assert.True(recirculated > 1_000, $"{recirculated} recirculations");
    }

    private static bool Check(RandomPipeline pipeline, FlowKey p, FlowKey other, int seed)
    {
        var world = pipeline.World;
        world.Translate(in p, hasEffects: false);
        var mask = world.Result.Mask;
        var expected = world.Result.Actions;
        var ids = world.Result.Recirculations.ToArray();
        if (!pipeline.TryTwin(p, mask, other, out var q)) return false;
        world.Translate(in q, hasEffects: false);
        if (!DatapathActions.AreEqual(expected, world.Result.Actions))
        {
            Assert.Fail($"seed {seed}\np {OdpFlowText.Format(in p)}\nq {OdpFlowText.Format(in q)}\n"
                + $"megaflow {OdpFlowText.Format(in p, in mask)}\n"
                + $"p does {Text(expected)}\nq does {Text(world.Result.Actions)}");
        }

        world.Result.Recirculations.Clear();
        world.Result.Recirculations.AddRange(ids);
        return true;
    }

    private static string Text(ImmutableArray<DatapathAction> actions) =>
        OdpActionText.Format(actions);
}
