using System.Collections.Immutable;

namespace Fabric.Datapath.Tests;

/// <summary>The far end of a port's device: sends into the port, keeps what comes out.</summary>
internal sealed class DevicePeer : IDisposable
{
    private readonly SystemPort _port;
    private readonly PacketBatch _batch = new(new PacketPool());
    private readonly DropCounters _drops = new();

    public DevicePeer(string device)
    {
        var spec = new DatapathPortSpec(device, DatapathPortKind.System);
        Assert.True(SystemPort.TryOpen(spec, 1, out var port, out var error), error);
        _port = port!;
    }

    /// <summary>Makes a veth pair: 'name' for the datapath, this for its far end.</summary>
    public static DevicePeer Make(string name)
    {
        NetworkNamespace.Shell(
            $"ip link add {name} type veth peer name {name}x; "
            + $"ip link set {name} up; ip link set {name}x up");
        WaitUntilRunning(name);
        WaitUntilRunning(name + "x");
        return new DevicePeer(name + "x");
    }

    /// <summary>Until then the kernel drops what is sent there.</summary>
    private static void WaitUntilRunning(string device)
    {
        var deadline = Environment.TickCount64 + 5000;
        while (NetworkDevice.Read(device) is not { IsLinkUp: true })
        {
            Assert.True(Environment.TickCount64 < deadline, $"{device} has no carrier");
            Thread.Yield();
        }
    }

    public void Send(byte[] bytes)
    {
        var packet = new PacketBuffer(bytes.Length);
        packet.Load(bytes);
        Send(packet);
    }

    public void Send(PacketBuffer packet)
    {
        TransmitEntry[] entries = [new(packet, default)];
        Assert.Equal(1, _port.Transmit(entries, _drops));
    }

    /// <summary>What has come so far.</summary>
    public ImmutableArray<byte[]> Take()
    {
        var taken = ImmutableArray.CreateBuilder<byte[]>();
        while (true)
        {
            var count = _port.Receive(_batch);
            for (var i = 0; i < count; i++)
            {
                taken.Add(_batch.Packets[i].Bytes.ToArray());
                _batch.Pool.Release(_batch.Packets[i]);
            }

            if (count == 0) return taken.ToImmutable();
        }
    }

    public void Dispose() => _port.Dispose();
}
