using Fabric.Wire;
using Fabric.Wire.Netlink;
using static Fabric.Datapath.Tests.OvsNetlink.EmulatedHost;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>What may never be said to the OVSEXT driver, in a provider's whole life.</summary>
/// <remarks>
/// Goal: no call that the driver answers with a blue screen, or with something else than was
/// meant. Method: ports, flows, packets, connections and meters come and go, the switch loses its
/// extension and has it again, the provider ends; then all that was said is looked at.
/// </remarks>
public sealed class OvsextConductTests(OvsextConductTests.Life life)
    : IClassFixture<OvsextConductTests.Life>
{
    private IEnumerable<DeviceCall> Calls => life.Device.Calls;

    [Fact]
    public void The_controller_of_families_is_never_asked_as_there_is_none() =>
        Assert.DoesNotContain(Calls, call => call.Request is [_, _, _, _, 0x10, 0, ..]);

    [Fact]
    public void No_group_of_events_is_ever_left()
    {
        var joins = Calls.Where(
            call => call.Is(OvsFamily.Control, OvsControlCommand.SubscribeGroup)).ToList();
        Assert.NotEmpty(joins);
        Assert.All(joins, call => Assert.Equal((byte?)1, Subscription(call).Join));
    }

    [Fact]
    public void No_handle_is_closed_while_its_request_waits()
    {
        Assert.True(life.Device.Closed > 4);
        Assert.Empty(life.Device.Abandoned);
    }

    [Fact]
    public void The_local_port_is_never_made()
    {
        var made = Calls.Where(call => call.Is(OvsFamily.Vport, OvsCommand.New)).ToList();
        Assert.NotEmpty(made);
        Assert.All(made, call => Assert.NotEqual(0u, Vport(call).PortNumber));
    }

    [Fact]
    public void Options_of_a_port_are_never_changed() => Assert.All(
        Calls.Where(call => call.Is(OvsFamily.Vport, OvsCommand.Set)),
        call => Assert.Null(Vport(call).Options));

    [Fact]
    public void Each_port_has_one_upcall_handle()
    {
        var made = Calls.Where(call => call.Is(OvsFamily.Vport, OvsCommand.New)).ToList();
        Assert.All(made, call => Assert.Single(Vport(call).UpcallPids.AsEnumerable()));
    }

    [Fact]
    public void The_datapath_is_never_set_without_its_name() => Assert.All(
        Calls.Where(call => call.Is(OvsFamily.Datapath, OvsCommand.Set)),
        call =>
        {
            OvsMessage.TryParse(call.Request, out var message, out _, out _);
            Assert.True(OvsDatapathMessage.TryParse(message, out var datapath, out _));
            Assert.Equal("ovs-system", datapath.Name);
        });

    /// <summary>But for the flow, which no packet hits, that asks whether masks are kept.</summary>
    [Fact]
    public void Flows_have_neither_masks_nor_names_of_their_own()
    {
        const uint NoPort = 0xFFFE;
        var (plain, probes) = (0, 0);
        foreach (var call in Calls.Where(call => call.Is(OvsFamily.Flow, OvsCommand.New)))
        {
            OvsMessage.TryParse(call.Request, out var message, out _, out _);
            Assert.True(OvsFlowMessage.TryParse(message, out var flow, out _));
            Assert.True(OvsFlowKeyReader.TryRead(flow.Key, out var key, out _, out _));
            Assert.True(flow.Ufid.IsEmpty);
            Assert.Equal(key.InPort == NoPort, flow.HasMask);
            if (flow.HasMask) probes++;
            else plain++;
        }

        Assert.Equal(2, probes); // One a connection to the device.
        Assert.True(plain >= 3, $"{plain}");
    }

    [Fact]
    public void Answers_always_have_64_kilobytes_of_room() => Assert.All(
        Calls.Where(call => call.Code is DeviceControl.Transact or DeviceControl.Read
            or DeviceControl.ReadEvent or DeviceControl.ReadPacket),
        call => Assert.True(call.Room >= 65536, $"{call.Code}: {call.Room}"));

    [Fact]
    public void A_handle_has_one_dump_at_a_time_and_reads_it_to_its_end()
    {
        var dumps = 0;
        foreach (var handle in Calls.GroupBy(call => call.Handle))
        {
            var isUnderWay = false;
            foreach (var call in handle)
            {
                if (call.Code == DeviceControl.Write && IsDump(call))
                {
                    Assert.False(isUnderWay);
                    isUnderWay = true;
                    dumps++;
                }
                else if (call.Code == DeviceControl.Read)
                {
                    Assert.True(isUnderWay);
                    isUnderWay = !IsEnd(call.Answer);
                }
            }

            Assert.False(isUnderWay);
        }

        Assert.True(dumps > 3);
    }

    private static bool IsDump(DeviceCall call) =>
        NetlinkMessage.TryParse(call.Request, out var message, out _)
        && (message.Flags & NetlinkFlags.Dump) == NetlinkFlags.Dump;

    /// <summary>No bytes, or a message DONE at the end of the last ones.</summary>
    private static bool IsEnd(ReadOnlySpan<byte> answer)
    {
        var rest = answer;
        while (NetlinkMessage.TryParse(rest, out var message, out rest))
            if (message.Type == NetlinkType.Done) return true;
        return answer.IsEmpty;
    }

    private static OvsSubscribeMessage Subscription(DeviceCall call)
    {
        OvsMessage.TryParse(call.Request, out var message, out _, out _);
        Assert.True(OvsSubscribeMessage.TryParse(message, out var value, out _));
        return value;
    }

    private static OvsVportMessage Vport(DeviceCall call)
    {
        OvsMessage.TryParse(call.Request, out var message, out _, out _);
        Assert.True(OvsVportMessage.TryParse(message, out var value, out _));
        return value;
    }

    /// <summary>A provider from its beginning to its end, once for all tests.</summary>
    public sealed class Life
    {
        internal RecordingDevice Device { get; }

        public Life()
        {
            var emulator = new OvsextEmulator();
            Device = new RecordingDevice(emulator);
            using var provider = new OvsNetlinkDatapath(Device, new OvsNetlinkOptions
            {
                UpcallLoops = 2,
                BackoffMin = TimeSpan.FromMilliseconds(5),
                PollPeriod = TimeSpan.FromMilliseconds(50),
                PendPatience = TimeSpan.FromMilliseconds(200),
            });
            uint one = Add(provider, emulator, "p1"), two = Add(provider, emulator, "p2");
            Assert.True(provider.Ports.TryAdd(
                new DatapathPortSpec(
                    "gnv", DatapathPortKind.Tunnel,
                    Tunnel: new TunnelPortSpec(TunnelKind.Geneve, 6081)), out _, out _));
            provider.UpcallHandler = new FixedHandler(Actions($"ct(commit,zone=3),{two}"));
            provider.Conntrack.SetLimit(3, 9);
            provider.Meters.TrySet(
                1, new MeterSpec(true, true, [new MeterBand(MeterBandKind.Drop, 9, 9, 0)]), out _);
            for (var i = 0; i < 3; i++) Send(emulator, i);
            LookAtAll(provider, one);
            emulator.DisconnectNic("p1");
            Eventually(() => provider.Ports.Dump().Any(port => !port.IsLinkUp), "a link is down");
            emulator.ConnectNic("p1");
            emulator.HasSwitch = false;
            Eventually(() => !provider.IsConnected, "the loss is noticed");
            emulator.HasSwitch = true;
            Eventually(() => provider.IsConnected, "connected again");
            LookAtAll(provider, one);
            provider.Conntrack.Flush(new ConntrackFilter(3));
            provider.Flows.Flush();
            provider.Ports.Remove(two);
        }

        private static uint Add(
            OvsNetlinkDatapath provider, OvsextEmulator emulator, string name)
        {
            emulator.ConnectNic(name);
            Assert.True(provider.Ports.TryAdd(
                new DatapathPortSpec(name, DatapathPortKind.System), out var port, out var error),
                error);
            return port.Number;
        }

        private static void Send(OvsextEmulator emulator, int number)
        {
            emulator.FindNic("p1")!.Inject(Packet(Tcp.Replace("=1000", $"={1000 + number}")));
            Assert.True(emulator.WaitUntilIdle(Patience));
        }

        private static void LookAtAll(OvsNetlinkDatapath provider, uint port)
        {
            provider.Flows.Dump((in FlowKey _, in FlowKey _,
                System.Collections.Immutable.ImmutableArray<DatapathAction> _,
                in FlowStatistics _) => { });
            provider.Conntrack.Dump(null, _ => { });
            provider.Conntrack.Limits();
            provider.Meters.Statistics(1);
            provider.Ports.Statistics(port);
            provider.Statistics();
        }
    }
}
