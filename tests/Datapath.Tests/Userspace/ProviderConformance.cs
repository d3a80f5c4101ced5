using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Cases that every provider passes: packets in, actions, packets out.</summary>
/// <remarks>
/// A provider's own test class says how to make it and how its ports are spoken to.
/// </remarks>
public abstract class ProviderConformance : IDisposable
{
    private IDatapathProvider? _provider;

    protected IDatapathProvider Provider => _provider ??= Create();

    protected abstract IDatapathProvider Create();

    /// <summary>
    /// False for datapaths that lose packets without a reason that anybody could ask for.
    /// </summary>
    protected virtual bool TellsDrops => true;

    private void AssertDropped(ulong count, DropReason reason)
    {
        if (TellsDrops) Assert.Equal(count, Provider.DropCounts()[(int)reason]);
    }

    /// <summary>Lets a packet come in on a port and returns when it has been handled.</summary>
    protected abstract void Send(uint port, byte[] packet);

    /// <summary>What went out of a port since the last call.</summary>
    protected abstract ImmutableArray<byte[]> Received(uint port);

    /// <summary>Adds a port that <see cref="Send"/> and <see cref="Received"/> can use.</summary>
    protected abstract uint AddPort(string name);

    public void Dispose()
    {
        Dispose(isDisposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool isDisposing) => _provider?.Dispose();

    protected const string Tcp =
        "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
        + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
        + "tcp(src=1000,dst=80),tcp_flags(syn)";

    protected static byte[] Packet(string text)
    {
        Assert.True(OdpFlowText.TryParse(text, null, out var key, out _, out var error), error);
        return PacketBuilder.Compose(key);
    }

    protected static ImmutableArray<DatapathAction> Actions(string text)
    {
        Assert.True(OdpActionText.TryParse(text, null, out var actions, out var error), error);
        return actions;
    }

    /// <summary>The key of a packet as text, without metadata.</summary>
    protected static string Describe(byte[] packet)
    {
        FlowKey key = default, mask = default;
        Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out var reason), $"{reason}");
        mask.Bytes[FlowKey.LinkOffset..FlowKey.TunnelOffset].Fill(0xFF);
        mask.PacketTypeWire = uint.MaxValue;
        var text = OdpFlowText.Format(key, mask);
        return text[(text.IndexOf("id=0),", StringComparison.Ordinal) + 6)..];
    }

    protected void Put(string flow, string actions)
    {
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
        mask.RecirculationIdWire = uint.MaxValue;
        Assert.Equal(FlowPutResult.Added, Provider.Flows.Put(key, mask, Actions(actions)));
    }

    [Fact]
    public void A_flow_forwards_the_packet_unchanged()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one}),eth_type(0x0800),ipv4(frag=no)", $"{two}");
        var packet = Packet(Tcp);

        Send(one, packet);

        Assert.Equal(packet, Assert.Single(Received(two)));
        Assert.Empty(Received(one));
    }

    [Theory]
    [InlineData("push_vlan(vid=5,pcp=3)", "vlan(vid=5,pcp=3)")]
    [InlineData("push_vlan(tpid=0x88a8,vid=5,pcp=0),push_vlan(vid=7,pcp=0)",
        "eth_type(0x8100),vlan(vid=7,pcp=0),encap(eth_type(0x88a8),vlan(vid=5,pcp=0),encap(")]
    [InlineData("push_vlan(vid=5,pcp=3),pop_vlan", "tcp(src=1000,dst=80)")]
    [InlineData("set(eth(src=aa:00:00:00:00:01))", "eth(src=aa:00:00:00:00:01,dst=50:54")]
    [InlineData("set(ipv4(ttl=63))", "ttl=63")]
    [InlineData("set(ipv4(src=192.168.0.0/255.255.0.0,tos=0x10/0xfc))", "src=192.168.0.1")]
    [InlineData("set(ipv4(dst=1.2.3.4)),set(tcp(src=7,dst=8))", "tcp(src=7,dst=8)")]
    [InlineData("push_mpls(label=100,tc=1,ttl=9,bos=1,eth_type=0x8847)",
        "mpls(label=100,tc=1,ttl=9,bos=1)")]
    [InlineData("push_mpls(label=100,tc=1,ttl=9,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800)",
        "tcp(src=1000,dst=80)")]
    [InlineData("pop_eth,push_eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)",
        "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)")]
    public void An_action_changes_the_packet_as_it_says(string actions, string expected)
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", $"{actions},{two}");

        Send(one, Packet(Tcp));

        var packet = Assert.Single(Received(two));
        Assert.Contains(expected, Describe(packet));
        PacketChecks.ChecksumsAreRight(packet);
    }

    [Fact]
    public void Each_output_gets_the_packet_as_it_was_at_that_point()
    {
        uint one = AddPort("p1"), two = AddPort("p2"), three = AddPort("p3");
        Put($"recirc_id(0),in_port({one})",
            $"{two},set(ipv4(ttl=10)),{three},push_vlan(vid=9,pcp=0),{two}");
        var packet = Packet(Tcp);

        Send(one, packet);

        var atTwo = Received(two);
        Assert.Equal(packet, atTwo[0]);
        Assert.Contains("ttl=10", Describe(Assert.Single(Received(three))));
        Assert.Contains("vlan(vid=9,pcp=0)", Describe(atTwo[1]));
        Assert.Contains("ttl=10", Describe(atTwo[1]));
    }

    [Fact]
    public void What_a_clone_changes_is_forgotten()
    {
        uint one = AddPort("p1"), two = AddPort("p2"), three = AddPort("p3");
        Put($"recirc_id(0),in_port({one})",
            $"clone(set(ipv4(ttl=1)),push_vlan(vid=4,pcp=0),{two}),{three}");
        var packet = Packet(Tcp);

        Send(one, packet);

        Assert.Contains("ttl=1,", Describe(Assert.Single(Received(two))));
        Assert.Equal(packet, Assert.Single(Received(three)));
    }

    [Fact]
    public void Recirculation_looks_the_packet_up_again()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", "set(ipv4(ttl=5)),recirc(0x7)");
        Put($"recirc_id(0x7),in_port({one}),eth_type(0x0800),ipv4(ttl=5,frag=no)", $"{two}");

        Send(one, Packet(Tcp));

        Assert.Contains("ttl=5", Describe(Assert.Single(Received(two))));
    }

    [Fact]
    public void A_packet_that_recirculates_without_end_is_dropped_under_its_reason()
    {
        var one = AddPort("p1");
        Put($"recirc_id(0),in_port({one})", "recirc(0x1)");
        Put($"recirc_id(0x1),in_port({one})", "recirc(0x1)");

        Send(one, Packet(Tcp));

        AssertDropped(1, DropReason.RecirculationLimit);
    }

    [Fact]
    public void Connections_are_tracked_through_recirculation()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", "ct(commit,zone=3),recirc(0x1)");
        Put($"ct_state(+new+trk),ct_zone(0x3),recirc_id(0x1),in_port({one})", $"{two}");
        Put($"recirc_id(0),in_port({two})", "ct(zone=3),recirc(0x2)");
        Put($"ct_state(+est+rpl+trk),ct_zone(0x3),recirc_id(0x2),in_port({two})", $"{one}");

        Send(one, Packet(Tcp));
        Send(two, Packet(Tcp.Replace("src=10.0.0.1,dst=10.0.0.2", "src=10.0.0.2,dst=10.0.0.1")
            .Replace("src=1000,dst=80", "src=80,dst=1000").Replace("(syn)", "(syn|ack)")));

        Assert.Single(Received(two));
        Assert.Single(Received(one));
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(20, false)]
    public void Packets_are_told_apart_by_length(int size, bool isShort)
    {
        uint one = AddPort("p1"), two = AddPort("p2"), three = AddPort("p3");
        Put($"recirc_id(0),in_port({one})", $"check_pkt_len(size={size},gt({two}),le({three}))");

        Send(one, Packet(Tcp));

        Assert.Equal(isShort ? 0 : 1, Received(two).Length);
        Assert.Equal(isShort ? 1 : 0, Received(three).Length);
    }

    /// <summary>A tag that comes behind the cut is on top of it.</summary>
    [Theory]
    [InlineData("trunc(30)", 30, 54)]
    [InlineData("trunc(30),push_vlan(vid=3,pcp=0)", 34, 58)]
    public void Truncation_cuts_only_the_next_output(string actions, int cut, int whole)
    {
        uint one = AddPort("p1"), two = AddPort("p2"), three = AddPort("p3");
        Put($"recirc_id(0),in_port({one})", $"{actions},{two},{three}");

        Send(one, Packet(Tcp));

        Assert.Equal(cut, Assert.Single(Received(two)).Length);
        Assert.Equal(whole, Assert.Single(Received(three)).Length);
    }

    [Fact]
    public void A_time_to_live_of_one_is_not_decremented_but_dropped()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", $"dec_ttl,{two}");

        Send(one, Packet(Tcp.Replace("ttl=64", "ttl=1")));
        Send(one, Packet(Tcp));

        Assert.Contains("ttl=63", Describe(Assert.Single(Received(two))));
        AssertDropped(1, DropReason.TtlExceeded);
    }

    [Fact]
    public void Flow_statistics_count_packets_and_bytes()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", $"{two}");
        for (var i = 0; i < 3; i++) Send(one, Packet(Tcp));

        FlowStatistics seen = default;
        Provider.Flows.Dump(
            (in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> _,
                in FlowStatistics statistics) => seen = statistics);

        Assert.Equal(3UL, seen.Packets);
        Assert.Equal(162UL, seen.Bytes);
        Assert.Equal(2, seen.TcpFlags);
        Assert.NotEqual(0, seen.UsedMilliseconds);
    }

    [Fact]
    public void A_miss_asks_the_handler_once_and_its_answer_stays()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        var handler = new CountingHandler(Actions($"{two}"));
        Provider.UpcallHandler = handler;

        for (var i = 0; i < 5; i++) Send(one, Packet(Tcp));

        Assert.Equal(1, handler.Misses);
        Assert.Equal(5, Received(two).Length);
        Assert.Equal(1, Provider.Flows.Count);
    }

    [Fact]
    public void Removed_ports_and_flows_are_gone_at_once()
    {
        uint one = AddPort("p1"), two = AddPort("p2");
        Put($"recirc_id(0),in_port({one})", $"{two}");
        Assert.True(Provider.Ports.Remove(two));
        Assert.False(Provider.Ports.Remove(two));
        Send(one, Packet(Tcp));

        AssertDropped(1, DropReason.PortNotFound);
        Assert.Equal(1, Provider.Flows.Flush());
        Assert.Equal(0, Provider.Flows.Count);
    }

    protected sealed class CountingHandler(ImmutableArray<DatapathAction> actions) : IUpcallHandler
    {
        public int Misses { get; private set; }

        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            Misses++;
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            return new UpcallVerdict(actions, Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
