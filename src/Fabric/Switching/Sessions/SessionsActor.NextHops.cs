using System.Buffers.Binary;
using Akka.Actor;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Switching;

/// <content>Next hops in physical networks: asked, and their answers heard.</content>
public sealed partial class SessionsActor
{
    /// <summary>Interfaces that questions go out of. Further ones are not asked.</summary>
    private const int AskedCountMax = 4096;

    private readonly SortedDictionary<string, (AskNextHop Last, IActorRef Asker)> _asked =
        new(StringComparer.Ordinal);

    private void Ask(AskNextHop ask)
    {
        if (_store.Wanted?.Bridges.GetValueOrDefault(ask.Bridge) is not { } bridge) return;
        var isNew = !_asked.TryGetValue(ask.Interface, out var before)
            || before.Last.Source != ask.Source;
        if (isNew && _asked.Count >= AskedCountMax) return;
        _asked[ask.Interface] = (ask, Sender);
        if (isNew) PublishPorts();
        var place = new SessionPlace(
            bridge.DatapathType, ask.Bridge, ask.Interface, ask.Interface, Guid.Empty);
        var key = new FlowKey
        {
            EthernetSource = ask.Source,
            EthernetDestination = MacBytes.Broadcast,
            EthernetType = EtherType.Arp,
            NetworkProtocol = 1,
            Ipv4Destination = ask.Address,
            ArpSource = ask.Source,
        };
        if (ask.Vlan != 0)
        {
            const ushort present = 0x1000;
            key.VlanTci0Wire = BinaryPrimitives.ReverseEndianness((ushort)(ask.Vlan | present));
            key.VlanTpid0Wire = BinaryPrimitives.ReverseEndianness(EtherType.Vlan);
        }

        SessionOutput.Send(_store, place, PacketBuilder.Compose(in key));
    }

    private void AddAskers(Dictionary<string, SessionPort> ports)
    {
        foreach (var (name, (ask, _)) in _asked)
        {
            if (!_ids.TryGetValue(name, out var id)) _ids[name] = id = ++_lastId;
            _names[id] = name;
            var port = ports.GetValueOrDefault(name)
                ?? new SessionPort(id, name, SessionKinds.None);
            ports[name] = port with
            {
                Kinds = port.Kinds | SessionKinds.NextHop,
                NextHopDestination = ask.Source,
            };
        }
    }

    private void HearNextHop(string name, ReadOnlySpan<byte> frame)
    {
        if (!_asked.TryGetValue(name, out var asked)) return;
        var key = default(FlowKey);
        if (!FlowKeyExtractor.TryExtract(frame, ref key, out _)) return;
        const byte reply = 2;
        if (!key.IsArp || key.NetworkProtocol != reply) return;
        var vlan = (ushort)(BinaryPrimitives.ReverseEndianness(key.VlanTci0Wire) & 0xFFF);
        asked.Asker.Tell(new NextHopAnswered(name, vlan, key.Ipv4Source));
    }
}
