using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>A provider over an emulated driver, with NICs in memory.</summary>
internal sealed class EmulatedHost : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Dictionary<uint, string> _names = [];

    public EmulatedHost(
        EmulatorProfile? profile = null, Func<OvsNetlinkOptions, OvsNetlinkOptions>? change = null,
        bool withFaults = false)
    {
        Emulator = new OvsextEmulator(profile);
        Faults = new FaultDevice(Emulator, TimeSpan.FromMilliseconds(30));
        var options = new OvsNetlinkOptions
        {
            UpcallLoops = 2,
            BackoffMin = TimeSpan.FromMilliseconds(5),
            BackoffMax = TimeSpan.FromMilliseconds(40),
            PollPeriod = TimeSpan.FromMilliseconds(50),
            PendPatience = TimeSpan.FromMilliseconds(200),
            Log = text =>
            {
                lock (Log) Log.Add(text);
            },
        };
        Provider = new OvsNetlinkDatapath(
            withFaults ? Faults : Emulator, change?.Invoke(options) ?? options);
    }

    public OvsextEmulator Emulator { get; }
    public FaultDevice Faults { get; }
    public OvsNetlinkDatapath Provider { get; }
    public List<string> Log { get; } = [];

    public uint AddPort(string name)
    {
        Emulator.ConnectNic(name);
        var isAdded = Provider.Ports.TryAdd(
            new DatapathPortSpec(name, DatapathPortKind.System), out var port, out var error);
        Assert.True(isAdded, error);
        _names[port.Number] = name;
        return port.Number;
    }

    /// <summary>Lets a packet in, and waits until all that comes of it has happened.</summary>
    public void Send(uint port, byte[] packet)
    {
        Emulator.FindNic(_names[port])!.Inject(packet);
        Settle();
    }

    public void Settle() => Assert.True(Emulator.WaitUntilIdle(Patience), "the loops never rest");

    public ImmutableArray<byte[]> Received(uint port) =>
        Emulator.FindNic(_names[port]) is { } nic ? nic.TakeAll() : [];

    public void Put(string flow, string actions)
    {
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
        mask.RecirculationIdWire = uint.MaxValue;
        Provider.Flows.Put(key, mask, Actions(actions));
    }

    public static ImmutableArray<DatapathAction> Actions(string text)
    {
        Assert.True(OdpActionText.TryParse(text, null, out var actions, out var error), error);
        return actions;
    }

    public static byte[] Packet(string text)
    {
        Assert.True(OdpFlowText.TryParse(text, null, out var key, out _, out var error), error);
        return PacketBuilder.Compose(key);
    }

    public static string Describe(byte[] packet)
    {
        FlowKey key = default, mask = default;
        Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out var reason), $"{reason}");
        mask.Bytes[FlowKey.LinkOffset..FlowKey.TunnelOffset].Fill(0xFF);
        mask.PacketTypeWire = uint.MaxValue;
        var text = OdpFlowText.Format(key, mask);
        return text[(text.IndexOf("id=0),", StringComparison.Ordinal) + 6)..];
    }

    public const string Tcp =
        "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),"
        + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
        + "tcp(src=1000,dst=80),tcp_flags(syn)";

    public const string Udp6 =
        "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x86dd),"
        + "ipv6(src=fd00::1,dst=fd00::2,label=0,proto=17,tclass=0,hlimit=64,frag=no),"
        + "udp(src=1000,dst=53)";

    /// <summary>Waits for a condition that another thread brings about.</summary>
    public static void Eventually(Func<bool> holds, string what)
    {
        var end = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!holds())
        {
            Assert.True(Environment.TickCount64 < end, $"never: {what}");
            Thread.Yield();
        }
    }

    public void Dispose() => Provider.Dispose();
}

/// <summary>Decides every miss alike, and remembers what it was asked.</summary>
internal sealed class FixedHandler(
    ImmutableArray<DatapathAction> actions, Action<FlowKey[]>? wildcards = null) : IUpcallHandler
{
    private int _misses;

    public int Misses => Volatile.Read(ref _misses);
    public List<(byte[] Packet, FlowKey Key, UpcallUserdata Userdata)> Actions { get; } = [];
    public ImmutableArray<DatapathAction> Answer { get; set; } = actions;

    public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
    {
        Interlocked.Increment(ref _misses);
        mask = default;
        mask.InPortWire = uint.MaxValue;
        mask.RecirculationIdWire = uint.MaxValue;
        mask.EthernetTypeWire = ushort.MaxValue;
        if (wildcards is not null)
        {
            FlowKey[] box = [mask];
            wildcards(box);
            mask = box[0];
        }

        return new UpcallVerdict(Answer, Install: true);
    }

    public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
    {
        lock (Actions) Actions.Add((packet.Bytes.ToArray(), key, userdata));
    }
}
