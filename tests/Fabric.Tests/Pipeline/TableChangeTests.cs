using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>Whole tables change under packets; full tables make room, or refuse.</summary>
public sealed class TableChangeTests
{
    private static readonly bool IsFull =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";

    private static MatchBuilder Port(int number) =>
        new MatchBuilder().Set(MatchField.TcpDestination, (ulong)number)
            .Set(MatchField.EthernetType, 0x0800).Set(MatchField.IpProtocol, (ulong)6);

    /// <remarks>
    /// Goal: a bundle that replaces a table is seen by packets before or after, never between.
    /// Method: generation g sets a register to g in table 0 and asks for it in table 1, where all
    /// flows are g's too: a walk that sees two generations drops the packet. One thread replaces,
    /// one translates all the while. Tables are dropped whole and emptied rule by rule, in turn.
    /// 200 bundles of 10,000 flows with FABRIC_TEST_FULL.
    /// </remarks>
    [Fact]
    public void No_packet_sees_a_bundle_half_done()
    {
        var (bundles, flows) = IsFull ? (200, 10_000) : (40, 1_000);
        var world = PipelineWorld.WithPorts(2);
        Replace(world.Br0, 0, flows, 0);
        var key = PipelineWorld.Parse(PipelineWorld.Tcp);
        var snapshot = world.Switch;
        using var stop = new CancellationTokenSource();
        var (seen, wrong, generations) = (0L, 0L, new HashSet<ulong>());
        var reader = new Thread(() =>
        {
            var translation = new Translation();
            var result = new TranslationResult();
            var at = key;
            while (!stop.IsCancellationRequested)
            {
                at.PortDestination = (ushort)(1 + (seen % flows));
                do
                {
                    translation.Run(
                        new TranslationRequest(
                            snapshot, world.Recirculation, 1000, false, 0, null, null),
                        in at, result);
                }
                while (!result.IsConsistent);
                seen++;
                if (result.Actions.Length != 1) wrong++;
                generations.Add(result.Final.Metadata);
            }
        });
        reader.Start();
        for (var generation = 1; generation <= bundles; generation++)
        {
            world.Br0.IsMonitored = generation % 2 == 0;
            Replace(world.Br0, (ulong)generation, flows, generation * 300L);
        }

        stop.Cancel();
        reader.Join();
        Assert.Equal(0, wrong);
        Assert.True(generations.Count > 1, $"{generations.Count} generations in {seen} packets");
    }

    private static void Replace(BridgePipeline pipeline, ulong generation, int flows, long now)
    {
        var changes = new List<PipelineChange>
        {
            new(FlowMod.Delete(FlowMod.AllTables, Match.Any)),
            new(FlowMod.Add(0, 1, Match.Any, [
                new OfSetField(MatchField.Metadata, generation), new OfResubmit(1)])),
        };
        for (var i = 1; i <= flows; i++)
        {
            var match = Port(i).Set(MatchField.Metadata, generation).Build();
            changes.Add(new PipelineChange(FlowMod.Add(1, 5, match, [new OfOutput(2)])));
        }

        Assert.Empty(pipeline.Apply([.. changes], isAtomic: true, now).Refused);
    }

    [Fact]
    public void A_table_that_is_emptied_at_once_stays_for_those_who_read_the_version_before()
    {
        var pipeline = new BridgePipeline("b") { IsMonitored = false };
        Add(pipeline, 1);
        Add(pipeline, 2);
        var before = pipeline.Current;
        Assert.Empty(pipeline.Apply([new(FlowMod.Delete(0, Match.Any)), new(Flow(3))], true, 10)
            .Refused);
        Assert.Equal([3], Ports(pipeline));
        Assert.Equal(1, pipeline.CountOf(0));
        Assert.Equal(2, before.RuleCount);
        Assert.NotNull(pipeline.Tables.Find(0)!.Before);

        // Readers of that version have had their time.
        pipeline.Expire(10_000);
        Assert.Null(pipeline.Tables.Find(0)!.Before);
        Assert.True(pipeline.RetiredVersion > before.Version);
    }

    [Fact]
    public void A_refused_bundle_brings_back_a_table_that_it_emptied()
    {
        var pipeline = new BridgePipeline("b") { IsMonitored = false };
        Add(pipeline, 1);
        Add(pipeline, 2);
        var refused = pipeline.Apply(
            [
                new(FlowMod.Delete(FlowMod.AllTables, Match.Any)), new(Flow(2)), new(Flow(3)),
                new(FlowMod.Add(0, 1, Match.Any, [new OfGroup(77)])),
            ],
            isAtomic: true, 10);
        Assert.Single(refused.Refused);
        Assert.Equal([1, 2], Ports(pipeline));
        Assert.Equal(2, pipeline.CountOf(0));

        // And it is the table that later changes find.
        Add(pipeline, 2);
        Assert.Equal([1, 2], Ports(pipeline));
        pipeline.Apply([new(FlowMod.Delete(0, Match.Any))], true, 20);
        Assert.Empty(pipeline.Current.Rules());
    }

    [Fact]
    public void A_flow_that_asks_for_it_is_told_of_when_its_table_is_emptied()
    {
        var pipeline = new BridgePipeline("b") { IsMonitored = false };
        Add(pipeline, 1);
        pipeline.Apply([new(Flow(2) with { Flags = FlowModFlags.SendFlowRemoved })], true, 1);
        var told = pipeline.Apply([new(FlowMod.Delete(0, Match.Any))], true, 10).Flows;
        Assert.Equal(2, (int)Assert.Single(told).Rule.Match
            .ExactOf(MatchField.TcpDestination)!.Value);
        Assert.Empty(pipeline.Current.Rules());
    }

    [Fact]
    public void A_flow_with_a_timeout_does_not_expire_after_its_table_was_emptied()
    {
        var pipeline = new BridgePipeline("b") { IsMonitored = false };
        Add(pipeline, 1, idle: 5);
        pipeline.Apply([new(FlowMod.Delete(0, Match.Any))], true, 10);
        Assert.Same(PipelineOutcome.Nothing, pipeline.Expire(60_000));
    }

    [Fact]
    public void Flows_added_and_removed_in_one_bundle_with_a_deletion_of_all_come_out_right()
    {
        var pipeline = new BridgePipeline("b") { IsMonitored = false };
        Add(pipeline, 1);
        var all = FlowMod.Delete(0, Match.Any);
        pipeline.Apply([new(Flow(2)), new(all), new(Flow(3)), new(all), new(Flow(4))], true, 2);
        Assert.Equal([4], Ports(pipeline));
        Assert.Equal(1, pipeline.CountOf(0));
        pipeline.Expire(5_000);
        Assert.Equal([4], Ports(pipeline));
        Assert.Equal(1, pipeline.Tables.Find(0)!.LinkedCount);
    }

    [Fact]
    public void A_full_table_refuses_a_flow_and_keeps_what_it_has()
    {
        var pipeline = Limited(new TableSettings { FlowLimit = 2 });
        Assert.Equal(OfErrorCode.None, Add(pipeline, 1));
        Assert.Equal(OfErrorCode.None, Add(pipeline, 2));
        Assert.Equal(OfErrorCode.FlowModTableFull, Add(pipeline, 3));
        Assert.Equal(OfErrorCode.None, Add(pipeline, 2));
        Assert.Equal(2, pipeline.Current.RuleCount);
    }

    [Fact]
    public void An_evicting_table_lets_the_least_important_go_and_of_these_the_first_to_expire()
    {
        var pipeline = Limited(new TableSettings { FlowLimit = 3, EvictsByPolicy = true });
        Add(pipeline, 1, idle: 500, importance: 9);
        Add(pipeline, 2, idle: 900);
        Add(pipeline, 3, idle: 100);
        Assert.Equal(OfErrorCode.None, Add(pipeline, 4));
        Assert.Equal([1, 2, 4], Ports(pipeline));
        Add(pipeline, 5);
        Assert.Equal([1, 4, 5], Ports(pipeline));
        Add(pipeline, 6);
        Assert.Equal([4, 5, 6], Ports(pipeline));

        // Flows without a timeout stay.
        Assert.Equal(OfErrorCode.FlowModTableFull, Add(pipeline, 7));
    }

    [Fact]
    public void An_eviction_is_told_as_such_and_a_refused_bundle_takes_it_back()
    {
        var pipeline = Limited(new TableSettings { FlowLimit = 1, EvictsByPolicy = true });
        Add(pipeline, 1, idle: 10);
        var bundle = pipeline.Apply(
            [new(Flow(2)), new(FlowMod.Add(0, 1, Match.Any, [new OfGroup(77)]))],
            isAtomic: true, 1);
        Assert.Single(bundle.Refused);
        Assert.Equal([1], Ports(pipeline));
        var outcome = pipeline.Apply([new(Flow(2))], isAtomic: false, 2);
        Assert.Equal(FlowRemovedReason.Eviction, outcome.Flows[0].Reason);
        Assert.Equal([2], Ports(pipeline));
    }

    [Fact]
    public void The_group_with_the_most_flows_gives_the_next_one()
    {
        var fields = new[] { new Subfield(MatchField.IpDscp) }.ToEquatableArray();
        var pipeline = Limited(new TableSettings
        {
            FlowLimit = 3, EvictsByPolicy = true, EvictionFields = fields,
        });
        Add(pipeline, 1, idle: 10, dscp: 1);
        Add(pipeline, 2, idle: 20, dscp: 2);
        Add(pipeline, 3, idle: 30, dscp: 2);
        Add(pipeline, 4, idle: 40, dscp: 3);
        Assert.Equal([1, 3, 4], Ports(pipeline));
    }

    [Fact]
    public void Vacancy_is_told_once_below_and_once_above_its_marks()
    {
        var pipeline = Limited(new TableSettings { FlowLimit = 10 });
        pipeline.Apply(
            [new(new TableMod(0, TableMiss.Default, null, null, true, 20, 80))], false, 0);
        var told = new List<OfTableReason>();
        for (var i = 1; i <= 10; i++) Note(pipeline.Apply([new(Flow(i))], false, 1));
        for (var i = 1; i <= 10; i++)
        {
            Note(pipeline.Apply(
                [new(FlowMod.Delete(0, Port(i).Build()))], false, 1));
        }

        Assert.Equal([OfTableReason.VacancyDown, OfTableReason.VacancyUp], told);

        void Note(PipelineOutcome outcome) =>
            told.AddRange(outcome.Tables.Select(each => each.Reason));
    }

    [Fact]
    public void A_miss_goes_on_in_the_next_table_where_the_table_is_told_so()
    {
        var world = PipelineWorld.WithPorts(2);
        world.Add(2, 1, new MatchBuilder(), new OfOutput(2));
        Assert.Equal("drop", world.Actions(PipelineWorld.Tcp));
        world.Br0.Apply(
            [new(new TableMod(255, TableMiss.Continue, null, null, null, 0, 0))], false, 0);
        Assert.Equal("2", world.Actions(PipelineWorld.Tcp));
    }

    private static BridgePipeline Limited(TableSettings settings)
    {
        var pipeline = new BridgePipeline("b");
        pipeline.ConfigureTables(new Dictionary<int, TableSettings> { [0] = settings }, 0);
        return pipeline;
    }

    private static FlowMod Flow(int port, int idle = 0, int importance = 0, int? dscp = null)
    {
        var match = Port(port);
        if (dscp is { } value) match.Set(MatchField.IpDscp, (ulong)value);
        return FlowMod.Add(0, 1, match.Build(), [new OfOutput(1)]) with
        {
            IdleTimeout = (ushort)idle, Importance = (ushort)importance,
        };
    }

    private static OfErrorCode Add(
        BridgePipeline pipeline, int port, int idle = 0, int importance = 0, int? dscp = null)
    {
        var outcome = pipeline.Apply([new(Flow(port, idle, importance, dscp))], false, 1);
        return outcome.Refused.IsEmpty ? OfErrorCode.None : outcome.Refused[0].Error;
    }

    private static int[] Ports(BridgePipeline pipeline) =>
        [.. pipeline.Current.Rules().Select(
            rule => (int)rule.Match.ExactOf(MatchField.TcpDestination)!.Value).Order()];
}
