using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using Akka.TestKit.Xunit2;
using Fabric.Controllers;
using Fabric.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Controllers;

/// <summary>A peer with a flow monitor does not read for a while; the test is the switch.</summary>
public sealed class SlowMonitorTests : TestKit
{
    private const int FlowCount = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("fx-openflow-").FullName;
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_folder, recursive: true);
    }

    /// <remarks>
    /// Goal: a slow peer costs the switch no more memory than the flows themselves, and in the end
    /// knows what there is. Method: 20,000 flows come and the even ones go again while the peer
    /// reads nothing; then it reads up to the event that says that it has heard all.
    /// </remarks>
    [Fact]
    public void A_slow_peer_is_told_of_a_pause_and_then_of_what_came_of_it()
    {
        var switchSide = Serve();
        using var peer = Connect();
        for (var i = 0; i < FlowCount; i++) Tell(FlowUpdateEvent.Added, i);
        for (var i = 0; i < FlowCount; i += 2) Tell(FlowUpdateEvent.Removed, i);
        AwaitAllHandled(peer);

        var known = new HashSet<int>();
        var events = new List<FlowUpdateEvent>();
        while (events.Count == 0 || events[^1] != FlowUpdateEvent.Resumed)
        {
            foreach (var (what, priority) in Read(peer))
            {
                events.Add(what);
                if (what == FlowUpdateEvent.Added) Assert.True(known.Add(priority));
                if (what == FlowUpdateEvent.Removed) Assert.True(known.Remove(priority));
            }
        }

        Assert.Equal(Enumerable.Range(0, FlowCount / 2).Select(i => (2 * i) + 1), known.Order());
        Assert.Single(events, FlowUpdateEvent.Paused);
        Assert.Single(events, FlowUpdateEvent.Resumed);
        Assert.True(events.Count < FlowCount, $"{events.Count} events: nothing was put together");

        void Tell(FlowUpdateEvent what, int flow) => switchSide.Subscriber.Tell(
            new FlowUpdatesRaised(
                [new OfFlowUpdate(
                    what, 1, FlowRemovedReason.Delete, 0, 0, (ushort)flow, 7, Match.Any,
                    [new OfOutput(2)], 0)],
                0, null),
            TestActor);
    }

    private SubscribeSwitch Serve()
    {
        var empty = ImmutableSortedDictionary<string, string>.Empty;
        var spec = new BridgeSpec("br0", "netdev", null,
            ["OpenFlow14"],
            ImmutableSortedDictionary<string, ControllerSpec>.Empty,
            ImmutableSortedDictionary<string, PortSpec>.Empty,
            ImmutableSortedDictionary<string, MirrorSpec>.Empty, empty, empty);
        Sys.ActorOf(OpenFlowListenersActor.Props(_folder, TimeProvider.System), "openflow")
            .Tell(new ServeOpenFlow("br0", TestActor, spec), TestActor);
        var subscribe = FishForMessage<SubscribeSwitch>(_ => true, Patience);
        subscribe.Subscriber.Tell(new TlvTableChanged(TlvTable.Empty), TestActor);
        return subscribe;
    }

    /// <summary>A connection whose monitor of all flows has been taken.</summary>
    private Socket Connect()
    {
        var path = Path.Combine(_folder, "br0.mgmt");
        var clock = Stopwatch.StartNew();
        while (!ListeningSocket.IsAt(path) && clock.Elapsed < Patience) Thread.Yield();
        var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)Patience.TotalMilliseconds,
        };
        peer.Connect(new UnixDomainSocketEndPoint(path));
        var context = new OfCodecContext(OfVersion.OpenFlow14);
        peer.Send(OfEncoder.ToArray(
            new OfHello(1u << (int)OfVersion.OpenFlow14), 1, context));
        var flags = FlowMonitorFlags.Add | FlowMonitorFlags.Removed | FlowMonitorFlags.Modify;
        var monitor = new OfFlowMonitorSpec(
            3, FlowMonitorCommand.Add, flags, OfPort.Any, OfGroupNumber.Any, FlowMod.AllTables,
            Match.Any);
        peer.Send(OfEncoder.ToArray(
            new OfFlowMonitorRequest([monitor], IsNicira: false), 2, context));
        var asked = FishForMessage<AskSwitch>(_ => true, Patience);
        asked.Origin!.Tell(
            new SwitchAnswered(
                asked.RequestId, new OfFlowMonitorReply([], false), OfErrorCode.None),
            TestActor);
        Assert.Empty(Read(peer));
        return peer;
    }

    /// <summary>
    /// A role is decided behind the updates, and a request behind a role request waits for that.
    /// </summary>
    private void AwaitAllHandled(Socket peer)
    {
        var context = new OfCodecContext(OfVersion.OpenFlow14);
        peer.Send([
            .. OfEncoder.ToArray(new OfRoleRequest(OfRole.Equal, null), 3, context),
            .. OfEncoder.ToArray(new OfFeaturesRequest(), 4, context)]);
        FishForMessage<AskSwitch>(_ => true, Patience);
    }

    /// <summary>
    /// The updates of the next message that has some (OpenFlow 1.4 section 7.3.5.19): each is
    /// length, event; a flow's has its priority at the tenth byte.
    /// </summary>
    private List<(FlowUpdateEvent Event, int Priority)> Read(Socket peer)
    {
        const byte reply = 19, monitor = 16;
        const int headerSize = 16, priorityAt = 10;
        while (true)
        {
            Fill(peer, _buffer.AsSpan(0, OfHeader.Size));
            var length = BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(2));
            Fill(peer, _buffer.AsSpan(OfHeader.Size, length - OfHeader.Size));
            if (_buffer[1] != reply || _buffer[OfHeader.Size + 1] != monitor) continue;
            var updates = new List<(FlowUpdateEvent, int)>();
            for (var at = headerSize; at < length;)
            {
                var what = (FlowUpdateEvent)_buffer[at + 3];
                var isFlow = what is FlowUpdateEvent.Added or FlowUpdateEvent.Removed;
                updates.Add((what, isFlow
                    ? BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(at + priorityAt)) : 0));
                at += BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(at));
            }

            return updates;
        }
    }

    private static void Fill(Socket peer, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = peer.Receive(bytes);
            Assert.True(count > 0, "the switch closed the connection");
            bytes = bytes[count..];
        }
    }
}
