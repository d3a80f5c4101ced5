using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

public sealed class FlowTableTests
{
    private static MatchBuilder Ip => new MatchBuilder().Set(MatchField.EthernetType, 0x0800);

    /// <remarks>
    /// Goal: subtables, stages and tries are only ever faster than looking at every rule.
    /// Method: random rules with random priorities, some of them removed again; each lookup must
    /// find a rule of the priority that a walk over all rules finds.
    /// </remarks>
    [Fact]
    public void A_lookup_finds_what_a_walk_over_all_rules_finds()
    {
        var hits = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var pipeline = new BridgePipeline("b");
            for (var i = 0; i < 80; i++)
            {
                var mod = FlowMod.Add(
                    0, (ushort)random.Next(12), RandomMatch(random), [new OfOutput(1)]);
                if (random.Next(5) == 0) mod = mod with { Command = FlowModCommand.Delete };
                pipeline.Apply([new PipelineChange(mod)], true, i * 100);
            }

            var view = pipeline.Current;
            var rules = view.Rules(0).ToArray();
            for (var i = 0; i < 200; i++)
            {
                var key = RandomKey(random);
                var expected = rules.Where(rule => rule.Match.Matches(in key, TlvTable.Empty))
                    .Select(rule => (int?)rule.Priority).Max();
                PipelineKey wild = default;
                var found = view.Tables.Lookup(0, ref key, wild.Words, view.Version);
                Assert.Equal(expected, found?.Priority);
                if (found is not null) hits++;
            }
        }

        Assert.True(hits > 3_000, $"{hits} hits");
    }

    private static Match RandomMatch(Random random)
    {
        var match = new MatchBuilder();
        if (random.Next(3) == 0) match.Set(MatchField.InPortOxm, (ulong)random.Next(1, 3));
        if (random.Next(3) == 0) match.Set(MatchField.Reg0, (ulong)random.Next(2));
        if (random.Next(4) > 0)
        {
            match.Set(MatchField.EthernetType, 0x0800);
            var mask = uint.MaxValue << random.Next(0, 25);
            if (random.Next(2) == 0)
            {
                match.SetMasked(
                    random.Next(2) == 0 ? MatchField.Ipv4Source : MatchField.Ipv4Destination,
                    (UInt128)(Address(random) & mask), (UInt128)mask);
            }

            if (random.Next(3) == 0)
            {
                match.Set(MatchField.IpProtocol, (ulong)6);
                match.SetMasked(MatchField.TcpDestination, (UInt128)(uint)(80 & 0xFFFE),
                    (UInt128)(uint)(random.Next(2) == 0 ? 0xFFFE : 0xFFFF));
            }
        }

        return match.Build();
    }

    private static PipelineKey RandomKey(Random random)
    {
        PipelineKey key = default;
        key.InPort = (uint)random.Next(1, 3);
        key.SetRegister(0, (uint)random.Next(2));
        key.Flow.EthernetType = random.Next(4) == 0 ? (ushort)0x0806 : (ushort)0x0800;
        key.Flow.Ipv4Source = Address(random);
        key.Flow.Ipv4Destination = Address(random);
        key.Flow.NetworkProtocol = random.Next(3) == 0 ? (byte)17 : (byte)6;
        key.Flow.PortDestination = (ushort)random.Next(79, 83);
        return key;
    }

    private static uint Address(Random random) =>
        0x0a000000u | (uint)(random.Next(3) << 16) | (uint)(random.Next(3) << 8)
        | (uint)random.Next(3);

    [Fact]
    public void Rules_of_equal_match_and_priority_replace_each_other_and_keep_counting()
    {
        var pipeline = new BridgePipeline("b");
        Add(pipeline, 5, Ip, new OfOutput(1));
        pipeline.Current.Rules().Single().Statistics.Add(3, 300, 0);
        Add(pipeline, 5, Ip, new OfOutput(2));
        var rule = Assert.Single(pipeline.Current.Rules());
        Assert.Equal(3u, rule.Statistics.Packets);
        Assert.True(rule.OutputsTo(2));
    }

    [Fact]
    public void A_loose_delete_takes_what_is_more_specific_and_a_strict_one_what_is_equal()
    {
        var pipeline = new BridgePipeline("b");
        Add(pipeline, 5, Ip, new OfOutput(1));
        Add(pipeline, 6, Ip.Set(MatchField.Ipv4Source, 1UL), new OfOutput(1));
        Add(pipeline, 7, new MatchBuilder(), new OfOutput(1));
        Change(pipeline, new FlowMod(FlowModCommand.DeleteStrict, Ip.Build(), 6, ActionList.Empty));
        Assert.Equal(3, pipeline.Current.RuleCount);
        Change(pipeline, FlowMod.Delete(FlowMod.AllTables, Ip.Build()));
        Assert.Equal([7], pipeline.Current.Rules().Select(rule => rule.Priority));
    }

    [Fact]
    public void Cookies_with_masks_choose_flows()
    {
        var pipeline = new BridgePipeline("b");
        for (ulong i = 0; i < 4; i++)
        {
            Change(pipeline, FlowMod.Add(0, (ushort)i, Match.Any, [new OfOutput(1)]) with
            {
                Cookie = i,
            });
        }

        Change(pipeline, FlowMod.Delete(FlowMod.AllTables, Match.Any) with
        {
            CookieMatch = 1,
            CookieMask = 1,
        });
        Assert.Equal([0UL, 2UL], pipeline.Current.Rules().Select(rule => rule.Cookie).Order());
    }

    [Fact]
    public void An_overlapping_flow_is_refused_when_asked_to()
    {
        var pipeline = new BridgePipeline("b");
        Add(pipeline, 5, Ip.Set(MatchField.Ipv4Source, 1UL), new OfOutput(1));
        var outcome = pipeline.Apply([new PipelineChange(
            FlowMod.Add(0, 5, Ip.Set(MatchField.Ipv4Destination, 2UL).Build(), [new OfOutput(2)])
                with { Flags = FlowModFlags.CheckOverlap })], false, 0);
        Assert.Equal(OfErrorCode.FlowModOverlap, outcome.Refused.Single().Error);
    }

    [Fact]
    public void Timeouts_end_flows_with_their_reason()
    {
        var pipeline = new BridgePipeline("b");
        Change(pipeline, FlowMod.Add(0, 1, Match.Any, [new OfOutput(1)]) with { IdleTimeout = 5 });
        Change(pipeline, FlowMod.Add(0, 2, Match.Any, [new OfOutput(1)]) with { HardTimeout = 8 });
        pipeline.Current.Rules().First(rule => rule.Priority == 1).Statistics.Add(1, 1, 4_000);
        Assert.Empty(pipeline.Expire(7_999).Flows);
        Assert.Equal(FlowRemovedReason.HardTimeout, pipeline.Expire(8_000).Flows.Single().Reason);
        Assert.Equal(FlowRemovedReason.IdleTimeout, pipeline.Expire(9_000).Flows.Single().Reason);
    }

    [Fact]
    public void Deleting_a_group_takes_the_flows_that_use_it()
    {
        var pipeline = new BridgePipeline("b");
        Change(pipeline, new GroupMod(
            GroupModCommand.Add, OfGroupType.All, 1, [new OfBucket(0, [new OfOutput(1)])]));
        Add(pipeline, 1, new MatchBuilder(), new OfGroup(1));
        Change(pipeline, new GroupMod(GroupModCommand.Delete, OfGroupType.All, 1, []));
        Assert.Equal(0, pipeline.Current.RuleCount);
    }

    /// <remarks>
    /// Goal: a packet sees the table before a bundle or after it.
    /// Method: bundles swap all rules of a table between two outputs while readers translate.
    /// Every rule of the walk must be of one colour: two tables must agree.
    /// </remarks>
    [Fact]
    public void No_packet_sees_a_bundle_half_done()
    {
        var world = PipelineWorld.WithPorts(3);
        Swap(world, 2, 0);
        var isDone = false;
        var mixed = 0;
        var walks = 0;
        var readers = Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            var translation = new Translation();
            var result = new TranslationResult();
            var key = PipelineWorld.Parse(PipelineWorld.Tcp);
            var request = new TranslationRequest(
                world.Switch, world.Recirculation, 0, false, 0, null, null);
            while (!Volatile.Read(ref isDone))
            {
                do translation.Run(in request, in key, result);
                while (!result.IsConsistent);
                Interlocked.Increment(ref walks);
                var text = Datapath.OdpActionText.Format(result.Actions);
                if (text is not ("2,2" or "3,3")) Interlocked.Increment(ref mixed);
            }
        })).ToArray();
        _ = world.Switch;
        foreach (var reader in readers) reader.Start();
        for (var i = 0; i < 200; i++) Swap(world, i % 2 == 0 ? 3u : 2u, 1000 + (i * 150));
        Volatile.Write(ref isDone, true);
        foreach (var reader in readers) reader.Join();
        Assert.Equal(0, mixed);
        Assert.True(walks > 200);
    }

    private static void Swap(PipelineWorld world, uint port, long now)
    {
        var changes = new List<PipelineChange>
        {
            new(FlowMod.Delete(FlowMod.AllTables, Match.Any)),
        };
        for (ushort i = 0; i < 100; i++)
        {
            changes.Add(new(FlowMod.Add(0, i, Ip.Set(MatchField.IpTtl, (ulong)i).Build(),
                [new OfOutput(port), new OfResubmit(1)])));
            changes.Add(new(FlowMod.Add(1, i, Ip.Set(MatchField.IpTtl, (ulong)i).Build(),
                [new OfOutput(port)])));
        }

        Assert.Empty(world.Br0.Apply([.. changes], true, now).Refused);
    }

    private static void Add(
        BridgePipeline pipeline, ushort priority, MatchBuilder match, params OfAction[] actions) =>
        Change(pipeline, FlowMod.Add(0, priority, match.Build(), ActionList.From(actions)));

    private static void Change(BridgePipeline pipeline, OfMessage change) =>
        Assert.Empty(pipeline.Apply([new PipelineChange(change)], true, 0).Refused);

    /// <remarks>
    /// The last bytes of an address are the highest of their word: a hash that keeps them there
    /// puts all rules into one bucket, and a table of 100,000 routes takes minutes to fill.
    /// </remarks>
    [Fact]
    public void Rules_that_differ_in_the_last_byte_of_an_address_do_not_share_a_bucket()
    {
        const int Count = 4096;
        var buckets = new HashSet<ulong>();
        for (uint i = 0; i < Count; i++)
        {
            PipelineKey key = default;
            key.Flow.Ipv4Destination = 0x0A000000 + i;
            ulong hash = 0;
            foreach (var word in key.Words)
            {
                if (word != 0) hash = KeyStages.Mix(hash, word);
            }

            buckets.Add(hash % Count);
        }

        Assert.True(buckets.Count > Count / 2, $"{buckets.Count} buckets of {Count}");
    }
}
