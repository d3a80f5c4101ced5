using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Datapath.Tests.Conntrack;

/// <summary>Real connections beside a table full of others.</summary>
public sealed class HeldConnectionsTests
{
    private const int FileSize = 8 << 20;
    private const ushort RealZone = 1;
    private const ushort CrowdZone = 2;

    private static readonly int Crowd =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 1_000_000 : 50_000;

    [DeviceFact]
    public void Pings_and_tcp_pass_while_many_connections_are_held_dumped_and_flushed()
    {
        using var hosts = new TwoHosts();
        UserspaceDatapath? made = null;
        hosts.Switch.Run(() => made = TwoHosts.CrossConnected());
        using var datapath = made!;
        datapath.UpcallHandler = new DeviceLab.Switching(key =>
            key.EthernetTypeWire == BinaryPrimitives.ReverseEndianness(EtherType.Ipv4)
                ? [Commit(RealZone), new OutputAction(3 - key.InPort)]
                : [new OutputAction(3 - key.InPort)]);
        Fill(datapath);
        Assert.Equal((uint)Crowd, datapath.Conntrack.Totals().Count);

        using var stop = new CancellationTokenSource();
        var dumped = 0L;
        var dumping = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                datapath.Conntrack.Dump(CrowdZone, _ => dumped++);
            }
        });
        dumping.Start();
        Assert.Contains(
            " 0% packet loss", hosts.Left.Exec("ping -q -c 50 -i 0.002 -W 5 10.9.0.2"));
        var file = new byte[FileSize];
        new Random(5).NextBytes(file);
        Assert.Equal(file, DeviceLab.Transfer(hosts.Left, hosts.Right, "10.9.0.2", file));
        stop.Cancel();
        dumping.Join();
        Assert.True(dumped >= Crowd);
        Assert.Equal(Crowd, datapath.Conntrack.Flush(new ConntrackFilter(Zone: CrowdZone)));
        Assert.Equal(file, DeviceLab.Transfer(hosts.Right, hosts.Left, "10.9.0.1", file));
        var states = new List<string?>();
        datapath.Conntrack.Dump(RealZone, entry => states.Add(entry.State));
        Assert.Equal(2, states.Count(state => state is not null)); // Two of TCP, one of ICMP.
    }

    private static ConntrackAction Commit(ushort zone) =>
        new(true, false, zone, 0, 0, 0, 0, null, null, null);

    private static void Fill(UserspaceDatapath datapath)
    {
        var packet = new PacketBuffer();
        FlowKey key = default;
        key.InPort = 1;
        for (var i = 0; i < Crowd; i++)
        {
            packet.Load(TestPacket.Udp(
                $"12.{(byte)(i >> 16)}.{(byte)(i >> 8)}.{(byte)i}", 1000, "10.0.0.1", 53));
            datapath.Execute(packet, key, [Commit(CrowdZone), new DropAction(DropReason.None)]);
        }
    }
}
