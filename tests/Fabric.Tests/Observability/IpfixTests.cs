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

public sealed class IpfixTests : SwitchWorld
{
    private const ushort Ipv4Ports = 256 + 2 + 8; // Shapes Ipv4 and Ports.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly UdpClient _collector = new(new IPEndPoint(IPAddress.Loopback, 0));

    protected override void AfterAll()
    {
        _collector.Dispose();
        base.AfterAll();
    }

    [Theory]
    [InlineData("2", "sample(sample=1.6%,actions(userspace(pid=0,ipfix(output_port=4294967295)))),"
        + "sample(sample=1.6%,actions(userspace(pid=0,ipfix(output_port=2)))),2")]
    [InlineData("sample(probability=65535,collector_set_id=7,obs_domain_id=4,obs_point_id=5)",
        "sample(sample=1.6%,actions(userspace(pid=0,ipfix(output_port=4294967295)))),"
        + "userspace(pid=0,flow_sample(probability=65535,collector_set_id=7,obs_domain_id=4,"
        + "obs_point_id=5,output_port=4294967295))")]
    public async Task Samples_stand_before_what_happens(string actions, string expected)
    {
        Want(Bridge("br0", Port("p1"), Port("p2")) with { Ipfix = Row(64, timeout: 0) });
        Apply("br0", FlowMod.Delete(FlowMod.AllTables, Match.Any), Flow(actions));
        var commands = new UnixctlCommands();
        BridgeCommands.Register(commands, Store);
        var trace = await commands.RunAsync(new UnixctlRequest(
            "ofproto/trace", ["br0", "in_port=1,udp"], false));
        Assert.Contains($"Datapath actions: {expected}\n", trace);
    }

    [Fact]
    public void A_flow_is_told_with_its_template_when_its_time_has_come()
    {
        Want(Bridge("br0", Port("p1"), Port("p2")) with
        {
            Ipfix = Row(1, timeout: 1, output: false),
        });
        var records = Collect(FlowMod.Add(0, 1, Match.Any, [new OfOutput(2)]), packets: 3);
        var (template, domain, record) = Assert.Single(records);
        Assert.Equal((Ipv4Ports, 9u), (template, domain));
        Assert.Equal([0, 0, 0, 8], record[..4]); // The observation point.
        Assert.Equal(0, record[4]); // Ingress.
        Assert.Equal(1u, U32(record, 5));
        Assert.Equal([10, 0, 0, 1, 10, 0, 0, 2], record[32..40]);
        Assert.Equal(3ul, BinaryPrimitives.ReadUInt64BigEndian(record.AsSpan(52)));
        Assert.Equal(
            3ul * (ulong)Frame(1, 2).Length,
            BinaryPrimitives.ReadUInt64BigEndian(record.AsSpan(60)));
    }

    [Fact]
    public void A_flow_of_the_pipeline_chooses_its_collectors()
    {
        Want(Bridge("br0", Port("p1"), Port("p2")) with
        {
            CollectorSets = ImmutableSortedDictionary<uint, IpfixSpec>.Empty
                .Add(7, Row(1, timeout: 0)),
        });
        var records = Collect(Flow(
            "sample(probability=65535,collector_set_id=7,obs_domain_id=4,obs_point_id=5)"),
            packets: 1);
        var (_, domain, record) = Assert.Single(records);
        Assert.Equal((4u, 5u), (domain, U32(record, 0)));
    }

    private IpfixSpec Row(long sampling, int timeout, bool output = true) => new(
        EquatableArray.Create<string>(
            [$"127.0.0.1:{((IPEndPoint)_collector.Client.LocalEndPoint!).Port}"]),
        sampling, 9, 8, timeout, 0, true, output);

    private static FlowMod Flow(string actions)
    {
        Assert.True(OfActionText.TryParse(actions, out var list, out var error), error);
        return FlowMod.Add(0, 1, Match.Any, [.. list]);
    }

    /// <summary>Sends equal packets and waits for the records of them.</summary>
    private List<(ushort Template, uint Domain, byte[] Record)> Collect(FlowMod flow, int packets)
    {
        Apply("br0", FlowMod.Delete(FlowMod.AllTables, Match.Any), flow);
        var actor = Sys.ActorOf(SamplingActor.Props(Store));
        Until(() => Store.Datapaths[0].PacketExported is not null, "the exporter");
        for (var i = 0; i < packets; i++) Memory("p1").Inject(Frame(1, 2));
        _collector.Client.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        var sizes = new Dictionary<ushort, int>();
        var records = new List<(ushort, uint, byte[])>();
        while (records.Count == 0)
        {
            var sender = new IPEndPoint(IPAddress.Any, 0);
            Read(_collector.Receive(ref sender), sizes, records);
        }

        Sys.Stop(actor);
        return records;
    }

    /// <summary>A collector that knows RFC 7011's message, sets and templates.</summary>
    private static void Read(
        byte[] message, Dictionary<ushort, int> sizes, List<(ushort, uint, byte[])> records)
    {
        Assert.Equal((10, message.Length), (U16(message, 0), U16(message, 2)));
        for (var at = 16; at < message.Length;)
        {
            var (set, end) = (U16(message, at), at + U16(message, at + 2));
            at += 4;
            while (at < end)
            {
                if (set == 2)
                {
                    var (template, count) = (U16(message, at), U16(message, at + 2));
                    at += 4;
                    sizes[template] = 0;
                    for (var i = 0; i < count; i++, at += 4)
                    {
                        sizes[template] += U16(message, at + 2);
                    }
                }
                else
                {
                    records.Add((set, U32(message, 12), message[at..(at + sizes[set])]));
                    at += sizes[set];
                }
            }
        }
    }

    private static ushort U16(byte[] bytes, int at) =>
        BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at));

    private static uint U32(byte[] bytes, int at) =>
        BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
}
