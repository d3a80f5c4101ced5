using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Fabric.Host;
using Fabric.Observability;
using Fabric.Switching;
using Fabric.Tests.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Observability;

public sealed class SflowTests : SwitchWorld
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(1, "userspace(pid=0,sFlow(vid=0,pcp=0,output=1002),actions),2")]
    [InlineData(64, "sample(sample=1.6%,actions("
        + "userspace(pid=0,sFlow(vid=0,pcp=0,output=1002),actions))),2")]
    public async Task A_sample_says_where_the_packet_goes(int sampling, string expected)
    {
        Setup(sampling, "127.0.0.1:1");
        var commands = new UnixctlCommands();
        BridgeCommands.Register(commands, Store);
        var trace = await commands.RunAsync(new UnixctlRequest(
            "ofproto/trace", ["br0", "in_port=1,udp"], false));
        Assert.Contains($"Datapath actions: {expected}\n", trace);
    }

    [Fact]
    public void Collectors_are_sent_packets_and_counters()
    {
        using var collector = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        collector.Client.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        Setup(1, $"127.0.0.1:{((IPEndPoint)collector.Client.LocalEndPoint!).Port}");
        var actor = Sys.ActorOf(SamplingActor.Props(Store));
        Until(() => Store.Datapaths[0].PacketSampled is not null, "the exporter");
        var frame = Frame(1, 2);
        Memory("p1").Inject(frame);

        var (packets, counters) = (0, 0);
        while (packets == 0 || counters < 2)
        {
            var sender = new IPEndPoint(IPAddress.Any, 0);
            var datagram = collector.Receive(ref sender);
            Assert.Equal(5u, U32(datagram, 0));
            Assert.Equal([1, 127, 0, 0, 1], datagram[7..12]);
            foreach (var (type, body) in Samples(datagram))
            {
                if (type == 2)
                {
                    counters++;
                    continue;
                }

                packets++;
                Assert.Equal((2u << 24) | 1000, U32(body, 4));
                Assert.Equal([1u, 1u, 0u, 1001u, 1002u], (uint[])
                    [U32(body, 8), U32(body, 12), U32(body, 16), U32(body, 20), U32(body, 24)]);
                Assert.Equal((uint)frame.Length + 4, U32(body, 68));
                Assert.Equal(frame, body[80..(80 + frame.Length)]);
            }
        }

        Sys.Stop(actor);
    }

    [Fact]
    public void Without_the_row_nothing_is_sampled()
    {
        Setup(1, "127.0.0.1:1");
        Apply("br0", FlowMod.Add(0, 2, Match.Any, [new OfOutput(2)]));
        Want(Bridge("br0", Ports()));
        Assert.Equal(0u, Store.Datapaths[0].Current.Bridges["br0"].SflowProbability);
    }

    private void Setup(int sampling, string target)
    {
        Want(Bridge("br0", Ports()) with
        {
            Sflow = new SflowSpec(
                EquatableArray.Create<string>([target]), 128, sampling, 1, "127.0.0.1"),
        });
        Apply("br0", FlowMod.Delete(FlowMod.AllTables, Match.Any),
            FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]));
    }

    private static PortSpec[] Ports() => [Indexed("p1", 1001), Indexed("p2", 1002)];

    private static PortSpec Indexed(string name, int index) => Port(
        name, options: ImmutableSortedDictionary<string, string>.Empty.Add(
            "ifindex", index.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    private static IEnumerable<(uint Type, byte[] Body)> Samples(byte[] datagram)
    {
        var at = 28;
        for (var left = U32(datagram, 24); left > 0; left--)
        {
            var size = (int)U32(datagram, at + 4);
            yield return (U32(datagram, at), datagram[(at + 8)..(at + 8 + size)]);
            at += 8 + size;
        }

        Assert.Equal(datagram.Length, at);
    }

    private static uint U32(byte[] bytes, int at) =>
        BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
}
