using System.Collections.Immutable;
using System.Diagnostics;
using Fabric.Wire;
using static Fabric.Datapath.Tests.OvsNetlink.EmulatedHost;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>Devices that err, lie, say nothing, go and come back.</summary>
public sealed class BadDeviceTests : IDisposable
{
    private readonly EmulatedHost _host = new(withFaults: true);

    private OvsNetlinkDatapath Provider => _host.Provider;

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(DeviceFault.Silence)]
    [InlineData(DeviceFault.ShortRead)]
    [InlineData(DeviceFault.Garbage)]
    [InlineData(DeviceFault.Error)]
    [InlineData(DeviceFault.UnknownAttribute)]
    [InlineData(DeviceFault.Vanished)]
    [InlineData(DeviceFault.NotReady)]
    public void Whatever_the_device_does_no_call_hangs_and_all_is_well_afterwards(
        DeviceFault fault)
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"{two}");
        _host.Send(one, Packet(Tcp));
        _host.Received(two);

        _host.Faults.Fault = fault;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 20; i++) CallEverything(one);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed}");
        Assert.True(_host.Faults.FaultCount > 0);

        _host.Faults.Fault = DeviceFault.None;
        Eventually(() => Provider.IsConnected, "connected again");
        Eventually(
            () =>
            {
                _host.Send(one, Packet(Tcp));
                return _host.Received(two).Length > 0;
            },
            "packets move again");
    }

    [Fact]
    public void What_was_counted_says_what_happened()
    {
        _host.Faults.Fault = DeviceFault.Error;
        Provider.Ports.TryAdd(new DatapathPortSpec("x", DatapathPortKind.System), out _, out _);
        Assert.True(Provider.Counters.Refusals > 0);

        _host.Faults.Fault = DeviceFault.Silence;
        Provider.Ports.TryAdd(new DatapathPortSpec("x", DatapathPortKind.System), out _, out _);
        Eventually(() => Provider.Counters.Timeouts > 0, "a timeout is counted");
        Eventually(() => Provider.Counters.Losses > 0, "a loss is counted");

        _host.Faults.Fault = DeviceFault.None;
        Eventually(() => Provider.IsConnected, "connected again");
        _host.Faults.Fault = DeviceFault.Garbage;
        Provider.Conntrack.Totals();
        Eventually(() => Provider.Counters.Malformed > 0, "garbage is counted");
    }

    [Fact]
    public void A_switch_that_loses_its_extension_gets_its_ports_and_flows_back()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        var handler = new FixedHandler(Actions($"{two}"));
        Provider.UpcallHandler = handler;
        Provider.Conntrack.SetLimit(3, 9);
        Assert.True(Provider.Meters.TrySet(
            4, new MeterSpec(true, true, [new MeterBand(MeterBandKind.Drop, 9, 9, 0)]), out _));
        _host.Send(one, Packet(Tcp));

        _host.Emulator.HasSwitch = false;
        Eventually(() => !Provider.IsConnected, "the loss is noticed");
        Assert.False(Provider.Ports.TryAdd(
            new DatapathPortSpec("p3", DatapathPortKind.System), out _, out _));
        Eventually(
            () =>
            {
                lock (_host.Log) return _host.Log.Any(line => line.Contains("no virtual switch"));
            },
            "the operator is told why");
        _host.Emulator.HasSwitch = true;
        Eventually(() => Provider.IsConnected, "connected again");

        Assert.Equal(
            [(one, "p1"), (two, "p2")], _host.Emulator.Vports.Select(vport => vport));
        _host.Send(one, Packet(Tcp));
        Assert.NotEmpty(_host.Received(two));
        Assert.Equal(1, handler.Misses); // The megaflow was kept: nobody was asked again.
        Assert.Equal(9u, Assert.Single(Provider.Conntrack.Limits()).Limit);
        Assert.NotNull(_host.Emulator.Packets.Meters.Statistics(4));
    }

    [Fact]
    public void Flows_of_another_process_are_gone_and_its_ports_are_adopted()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"{two}");
        _host.Send(one, Packet(Tcp));
        Assert.Equal(1, _host.Emulator.Packets.Flows.Count);

        using var next = new OvsNetlinkDatapath(new Unowned(_host.Emulator));

        Assert.Equal(0, _host.Emulator.Packets.Flows.Count);
        Assert.Equal(["p1", "p2"], next.Ports.Dump().Select(port => port.Name));
        Assert.Equal([one, two], next.Ports.Dump().Select(port => port.Number));
    }

    [Fact]
    public void A_stray_flow_is_deleted_and_a_lost_one_forgotten()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        _host.Put($"recirc_id(0),in_port({one})", $"{two}");
        _host.Send(one, Packet(Tcp));
        var inner = _host.Emulator.Packets.Flows;
        FlowKey key = default, mask = default;
        ImmutableArray<DatapathAction> actions = [];
        inner.Dump((in FlowKey each, in FlowKey bits, ImmutableArray<DatapathAction> list,
            in FlowStatistics _) => (key, mask, actions) = (each, bits, list));
        inner.Delete(key, mask, out _);
        key.Ipv4Source = 0x0A000063;
        inner.Put(key, mask, actions);

        Provider.Flows.Dump((in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> _,
            in FlowStatistics _) => { });

        Assert.Equal(1, Provider.Counters.Strays);
        Assert.Equal(0, Provider.MicroflowCount);
    }

    [Fact]
    public void The_wait_between_attempts_grows_and_ends()
    {
        _host.Faults.Fault = DeviceFault.Vanished;
        Eventually(() => !Provider.IsConnected, "the loss is noticed");
        var before = _host.Faults.FaultCount;
        Assert.False(Provider.Ports.TryAdd(
            new DatapathPortSpec("x", DatapathPortKind.System), out _, out var error));
        Assert.Contains("away", error);
        _host.Faults.Fault = DeviceFault.None;
        Eventually(() => Provider.IsConnected, "connected again");
        Assert.True(_host.Faults.FaultCount >= before);
    }

    [Fact]
    public void Closing_the_provider_closes_every_handle()
    {
        _host.AddPort("p1");
        Assert.True(_host.Emulator.OpenHandles > 4);
        Provider.Dispose();
        Assert.Equal(0, _host.Emulator.OpenHandles);
    }

    [Fact]
    public void A_handler_that_fails_costs_one_packet_and_not_the_loop()
    {
        uint one = _host.AddPort("p1"), two = _host.AddPort("p2");
        var faults = 0;
        Provider.Faulted = _ => Interlocked.Increment(ref faults);
        Provider.UpcallHandler = new FailingHandler();
        _host.Send(one, Packet(Tcp));
        Provider.UpcallHandler = new FixedHandler(Actions($"{two}"));
        _host.Send(one, Packet(Tcp));

        Assert.Equal(1, faults);
        Assert.Single(_host.Received(two));
    }

    private void CallEverything(uint port)
    {
        Provider.Ports.Dump();
        Provider.Ports.Statistics(port);
        Provider.Ports.TryAdd(new DatapathPortSpec("x", DatapathPortKind.System), out _, out _);
        Provider.Flows.Dump((in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> _,
            in FlowStatistics _) => { });
        Provider.Statistics();
        Provider.Conntrack.Totals();
        Provider.Conntrack.Limits();
        Provider.Meters.Statistics(1);
        var packet = new PacketBuffer();
        packet.Load(Packet(Tcp));
        FlowKey key = default;
        key.InPort = port;
        Provider.Execute(packet, key, [new OutputAction(port)]);
    }

    private sealed class FailingHandler : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask) =>
            throw new InvalidOperationException("on purpose");

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata) =>
            throw new InvalidOperationException("on purpose");
    }

    /// <summary>A device that its user may not dispose: a second process on the same driver.
    /// </summary>
    private sealed class Unowned(INetlinkDevice device) : INetlinkDevice
    {
        public string Name => device.Name;
        public Fabric.Wire.Netlink.NetlinkDialect Dialect => device.Dialect;

        public DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle) =>
            device.TryOpen(protocol, out handle);

        public void Dispose()
        {
        }
    }
}
