using System.Collections.Immutable;
using System.Diagnostics;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Benchmarks;

/// <summary>Figures of the netlink provider: codec, and from upcall to installed flow.</summary>
public sealed class NetlinkBenchmark : IBenchmark
{
    private const int RunCount = 7;

    public string Name => "netlink";

    public string Summary =>
        "OVS netlink: flow messages per second, upcall to installed microflow (emulator)";

    public void Run(BenchmarkReport report)
    {
        report.Add(new Figure(
            "flow message written (key, two actions)", "msg/s", Median(Written),
            Kind: GoalKind.AtLeast, Goal: 1_000_000));
        report.Add(new Figure(
            "flow message read (key, statistics)", "msg/s", Median(Read),
            Kind: GoalKind.AtLeast, Goal: 1_000_000));
        var delays = Delays();
        report.Add(new Figure(
            "upcall to installed flow, median", "us", delays[delays.Length / 2]));
        report.Add(new Figure(
            "upcall to installed flow, p99", "us", delays[delays.Length * 99 / 100],
            Kind: GoalKind.AtMost, Goal: 200));
        report.Add(new Figure("microflows expanded, one loop", "flows/s", Expanded()));
    }

    private static double Median(Func<double> run)
    {
        run();
        var all = Enumerable.Range(0, RunCount).Select(_ => run()).Order().ToArray();
        return all[RunCount / 2];
    }

    private static FlowKey Key(uint number)
    {
        FlowKey key = default;
        key.InPort = 3;
        key.EthernetSource = MacBytes.FromUInt64(0x02_00_00_00_00_01);
        key.EthernetDestination = MacBytes.FromUInt64(0x02_00_00_00_00_02);
        key.EthernetType = EtherType.Ipv4;
        key.NetworkProtocol = IpProtocol.Tcp;
        key.NetworkTtl = 64;
        key.Ipv4Source = number;
        key.Ipv4Destination = 0x0A00_0001;
        key.PortSource = (ushort)number;
        key.PortDestination = 80;
        return key;
    }

    private static double Written()
    {
        const int Count = 300_000;
        var key = Key(1);
        EquatableArray<OvsActionAttribute> actions =
            [new OvsPushVlan(0x8100, 0x1005), new OvsOutput(2)];
        var buffer = new byte[4096];
        FlowKey mask = default;
        OvsFlowMessage flow = default;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Count; i++)
        {
            key.Ipv4SourceWire = (uint)i;
            var writer = new NetlinkWriter(buffer);
            var header = OvsHeader.Request(
                OvsFamilyIds.Ovsext, OvsFamily.Flow, OvsCommand.New, (uint)i, 7);
            flow.Write(
                ref writer, in header, in key, in mask, false, actions, OvsKeyForm.Compact);
        }

        return Count / clock.Elapsed.TotalSeconds;
    }

    private static double Read()
    {
        const int Count = 300_000;
        var key = Key(1);
        FlowKey mask = default;
        var buffer = new byte[4096];
        var writer = new NetlinkWriter(buffer);
        var header = OvsHeader.Request(
            OvsFamilyIds.Ovsext, OvsFamily.Flow, OvsCommand.New, 1, 7);
        new OvsFlowMessage { HasStatistics = true, Packets = 5, Bytes = 6 }.Write(
            ref writer, in header, in key, in mask, false, [new OvsOutput(2)],
            OvsKeyForm.Compact);
        var bytes = writer.Written;
        ulong sum = 0;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Count; i++)
        {
            if (!OvsMessage.TryParse(bytes, out var message, out _, out _)
                || !OvsFlowMessage.TryParse(message, out var flow, out _)
                || !OvsFlowKeyReader.TryRead(flow.Key, out var read, out _, out _))
            {
                throw new InvalidOperationException("the message cannot be read");
            }

            sum += flow.Packets + read.Ipv4SourceWire;
        }

        GC.KeepAlive(sum);
        return Count / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Microseconds from a packet's arrival to its flow being in the device.</summary>
    private static double[] Delays()
    {
        using var lab = new Emulated();
        lab.Measure(2_000);
        return [.. lab.Measure(10_000).Order()];
    }

    private static double Expanded()
    {
        using var lab = new Emulated();
        lab.Send(2_000);
        const int Count = 20_000;
        var clock = Stopwatch.StartNew();
        lab.Send(Count);
        return Count / clock.Elapsed.TotalSeconds;
    }

    /// <summary>A provider on the emulator, with a megaflow that all packets belong to.</summary>
    private sealed class Emulated : IDisposable
    {
        private readonly OvsextEmulator _emulator = new();
        private readonly OvsNetlinkDatapath _provider;
        private readonly MemoryPort _nic;
        private uint _next;
        private long _installed;

        public Emulated()
        {
            _emulator.ConnectNic("p1");
            _emulator.ConnectNic("p2");
            _provider = new OvsNetlinkDatapath(
                _emulator, new OvsNetlinkOptions { UpcallLoops = 1 });
            _provider.Ports.TryAdd(
                new DatapathPortSpec("p1", DatapathPortKind.System), out var one, out _);
            _provider.Ports.TryAdd(
                new DatapathPortSpec("p2", DatapathPortKind.System), out var two, out _);
            _nic = _emulator.FindNic("p1")!;
            FlowKey key = default, mask = default;
            key.InPort = one.Number;
            mask.InPortWire = mask.RecirculationIdWire = uint.MaxValue;
            _provider.Flows.Put(key, mask, [new OutputAction(two.Number)]);
        }

        public void Send(int count)
        {
            for (var i = 0; i < count; i++) _nic.Inject(Packet());
            _emulator.WaitUntilIdle(TimeSpan.FromMinutes(1));
        }

        public List<double> Measure(int count)
        {
            var delays = new List<double>(count);
            _emulator.Traced = (code, request, _) =>
            {
                if (code == DeviceControl.Transact && request.Length > 5
                    && request.Span[4] == OvsFamilyIds.Ovsext.Flow)
                {
                    Volatile.Write(ref _installed, Stopwatch.GetTimestamp());
                }
            };
            for (var i = 0; i < count; i++)
            {
                var packet = Packet();
                Volatile.Write(ref _installed, 0);
                var start = Stopwatch.GetTimestamp();
                _nic.Inject(packet);
                _emulator.WaitUntilIdle(TimeSpan.FromMinutes(1));
                var end = Volatile.Read(ref _installed);
                delays.Add(Stopwatch.GetElapsedTime(start, end).TotalMicroseconds);
            }

            _emulator.Traced = null;
            return delays;
        }

        private byte[] Packet() => PacketBuilder.Compose(Key(++_next));

        public void Dispose() => _provider.Dispose();
    }
}
