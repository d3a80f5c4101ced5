using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Controllers;
using Fabric.Datapath;
using Fabric.Switching;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Switching;

/// <summary>Bridges with actors on a dummy datapath: packets in, packets out.</summary>
public abstract class SwitchWorld : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private protected readonly UserspaceDatapath Provider = new(
        "dummy@ovs-dummy", new UserspaceDatapathOptions { IsDummy = true });
    private protected readonly SwitchStore Store;
    private protected readonly IActorRef Datapath;
    private protected readonly IActorRef Bridges;
    private long _revision;
    private BridgesReconciled? _reconciled;

    protected SwitchWorld(TimeProvider? time = null)
    {
        Store = new SwitchStore(time ?? TimeProvider.System, Open);
        Datapath = Sys.ActorOf(DatapathActor.Props(Store), "datapath");
        Bridges = Sys.ActorOf(
            BridgesActor.Props(Store, Datapath, "/user/host/management"), "bridges");
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Store.Dispose();
    }

    private bool Open(string type, out IDatapathProvider provider, out string error)
    {
        provider = Provider;
        error = type == "dummy" ? "" : $"no datapath of type {type}";
        return type == "dummy";
    }

    private protected BridgesReconciled Want(params BridgeSpec[] bridges)
    {
        var wanted = new BridgesWanted(++_revision, bridges.ToImmutableSortedDictionary(
            bridge => bridge.Name, bridge => bridge, StringComparer.Ordinal));
        Bridges.Tell(wanted, TestActor);
        do
        {
            _reconciled = (BridgesReconciled)FishForMessage(
                message => message is BridgesReconciled, Patience);
        }
        while (_reconciled.Revision != wanted.Revision);
        return _reconciled;
    }

    private protected static BridgeSpec Bridge(string name, params PortSpec[] ports) => new(
        name, "dummy", null, [], ImmutableSortedDictionary<string, ControllerSpec>.Empty,
        ports.Append(Port(name, "internal")).ToImmutableSortedDictionary(
            port => port.Name, port => port, StringComparer.Ordinal),
        ImmutableSortedDictionary<string, MirrorSpec>.Empty, None, None);

    private protected static PortSpec Port(
        string name, string type = "dummy", int? tag = null,
        ImmutableSortedDictionary<string, string>? options = null, int? request = null) => new(
        name, null, tag, [], [], null, null, 0, 0, None,
        ImmutableSortedDictionary<string, InterfaceSpec>.Empty.Add(name, new InterfaceSpec(
            Guid.NewGuid(), name, type, options ?? None, request, null, null, None, None)));

    private protected static ImmutableSortedDictionary<string, string> None =>
        ImmutableSortedDictionary<string, string>.Empty;

    private protected IActorRef BridgeRef(string name) => Resolve($"/user/bridges/{name}");

    private protected IActorRef Resolve(string path) =>
        Sys.ActorSelection(path).ResolveOne(Patience).GetAwaiter().GetResult();

    private protected void Apply(string bridge, params OfMessage[] changes)
    {
        var probe = CreateTestProbe();
        BridgeRef(bridge).Tell(new ApplyChanges(
            7, [.. changes.Select(change => new SwitchChange(change, 0))], true), probe.Ref);
        Assert.Empty(probe.ExpectMsg<ChangesApplied>(Patience).Failures);
    }

    private protected static void Until(Func<bool> condition, string what)
    {
        var deadline = Environment.TickCount64 + 10_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, $"not in time: {what}");
            Thread.Yield();
        }
    }

    /// <summary>An Ethernet frame with a UDP datagram.</summary>
    private protected static byte[] Frame(byte source, byte destination, byte id = 0)
    {
        byte[] frame =
        [
            0x50, 0x54, 0, 0, 0, destination, 0x50, 0x54, 0, 0, 0, source, 0x08, 0x00,
            0x45, 0, 0, 32, 0, id, 0, 0, 64, 17, 0, 0, 10, 0, 0, source, 10, 0, 0, destination,
            0x10, 0x00, 0x20, 0x00, 0, 12, 0, 0, 1, 2, 3, id,
        ];
        InternetChecksumOf(frame);
        return frame;
    }

    private static void InternetChecksumOf(byte[] frame)
    {
        uint sum = 0;
        for (var i = 14; i < 34; i += 2) sum += (uint)((frame[i] << 8) | frame[i + 1]);
        while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
        frame[24] = (byte)(~sum >> 8);
        frame[25] = (byte)~sum;
    }

    private protected MemoryPort Memory(string name) =>
        Provider.FindMemoryPort(name) ?? throw new InvalidOperationException($"no port {name}");

    /// <summary>Sends a frame in and says which of the ports it came out of.</summary>
    private protected string[] Send(string from, byte[] frame, params string[] ports)
    {
        foreach (var port in ports) Memory(port).TakeAll();
        Memory(from).Inject(frame);
        return [.. ports.Where(port => Memory(port).TryTake(out _))];
    }
}
