using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>What tests with real devices need: wires, datapaths, a switch's decisions.</summary>
internal static class DeviceLab
{
    public static UserspaceDatapath NewDatapath() =>
        new(options: new UserspaceDatapathOptions { ThreadCount = 2 });

    public static UserspaceDatapath CrossConnected(DatapathPortSpec left, DatapathPortSpec right)
    {
        var datapath = NewDatapath();
        Assert.True(datapath.Ports.TryAdd(left, out var one, out var error), error);
        Assert.True(datapath.Ports.TryAdd(right, out var two, out error), error);
        datapath.UpcallHandler = new Switching(key =>
            [new OutputAction(key.InPort == one.Number ? two.Number : one.Number)]);
        return datapath;
    }

    /// <summary>A veth pair: 'device' in the datapath's namespace, eth0 in the host's.</summary>
    public static void Wire(
        NetworkNamespace datapath, string device, NetworkNamespace host, string address)
    {
        NetworkNamespace.Shell(
            $"ip -n {datapath.Name} link add {device} type veth peer name eth0 "
            + $"netns {host.Name}; ip -n {datapath.Name} link set {device} up; "
            + $"ip -n {host.Name} link set eth0 mtu 1400 up; "
            + $"ip -n {host.Name} addr add {address} dev eth0");
        AwaitUp(datapath, device);
        AwaitUp(host, "eth0");
    }

    /// <summary>Returns when the kernel takes packets for the device.</summary>
    /// <remarks>A new link's queue drops them until its carrier was noticed.</remarks>
    public static void AwaitUp(NetworkNamespace host, string device) =>
        Assert.True(
            Eventually(() => host.Exec($"ip -br link show {device}").Contains(" UP ")),
            $"{device} does not come up");

    public static bool Eventually(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!condition())
        {
            if (Environment.TickCount64 > deadline) return false;
            Thread.Yield();
        }

        return true;
    }

    /// <summary>Sends a file over TCP; returns what arrived.</summary>
    public static byte[] Transfer(
        NetworkNamespace from, NetworkNamespace to, string address, byte[] file)
    {
        byte[] received = [];
        using var listening = new ManualResetEventSlim();
        var server = new Thread(() => to.Run(() =>
        {
            var listener = new System.Net.Sockets.TcpListener(IPAddress.Any, 7000);
            listener.Start();
            listening.Set();
            using var client = listener.AcceptTcpClient();
            using var all = new MemoryStream();
            client.GetStream().CopyTo(all);
            listener.Stop();
            received = all.ToArray();
        }));
        server.Start();
        Assert.True(listening.Wait(TimeSpan.FromSeconds(10)));
        from.Run(() =>
        {
            using var client = new System.Net.Sockets.TcpClient(address, 7000);
            client.GetStream().Write(file);
        });
        Assert.True(server.Join(TimeSpan.FromSeconds(30)), "the transfer did not end");
        return received;
    }

    public sealed class Switching(Func<FlowKey, ImmutableArray<DatapathAction>> decide)
        : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            if (key.HasTunnel) mask.Bytes[FlowKey.TunnelOffset..].Fill(0xFF);
            return new UpcallVerdict(decide(key), Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}

/// <summary>Two hosts, each on a port of the namespace of a switch.</summary>
internal sealed class TwoHosts : IDisposable
{
    public TwoHosts()
    {
        DeviceLab.Wire(Switch, "a0", Left, "10.9.0.1/24");
        DeviceLab.Wire(Switch, "b0", Right, "10.9.0.2/24");
    }

    public NetworkNamespace Left { get; } = new();
    public NetworkNamespace Right { get; } = new();
    public NetworkNamespace Switch { get; } = new();

    /// <summary>Call it inside <see cref="Switch"/>.</summary>
    public static UserspaceDatapath CrossConnected() => DeviceLab.CrossConnected(
        new DatapathPortSpec("a0", DatapathPortKind.System),
        new DatapathPortSpec("b0", DatapathPortKind.System));

    public void Dispose()
    {
        Left.Dispose();
        Right.Dispose();
        Switch.Dispose();
    }
}

/// <summary>Needs root and /dev/net/tun; says so when it skips.</summary>
public sealed class DeviceFactAttribute : FactAttribute
{
    public DeviceFactAttribute() => Skip = NetworkNamespace.Missing;
}

/// <summary>Needs root and /dev/net/tun; says so when it skips.</summary>
public sealed class DeviceTheoryAttribute : TheoryAttribute
{
    public DeviceTheoryAttribute() => Skip = NetworkNamespace.Missing;
}
