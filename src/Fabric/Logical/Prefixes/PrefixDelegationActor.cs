using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>To the prefix delegation: all that this host asks for.</summary>
internal sealed record PrefixesWanted(
    IActorRef Bridge, ImmutableSortedDictionary<Guid, PrefixWanted> Wanted);

/// <summary>A server's message came in on a router's port.</summary>
internal sealed record PrefixServerHeard(uint Datapath, uint Uplink, byte[] Message);

/// <summary>To the logical actor: what is delegated now, by row of the port it is for.</summary>
internal sealed record PrefixesDelegated(ImmutableSortedDictionary<Guid, IpPrefix> Prefixes);

/// <summary>Asks the network outside for IPv6 prefixes of router ports (RFC 8415).</summary>
/// <remarks>
/// Hears:  <see cref="PrefixesWanted"/> and <see cref="PrefixServerHeard"/> from the logical
///         actor; its timer; the bridge's confirmations.
/// Says:   <see cref="AskSwitch"/> with DHCPv6 messages; <see cref="PrefixesDelegated"/>.
/// Holds:  the state of each question. Started anew it asks again; servers know it by its DUID.
/// Fails:  never by what it hears.
/// </remarks>
internal sealed class PrefixDelegationActor : SpeakerActor
{
    private readonly SortedDictionary<Guid, (PrefixWanted Wanted, PrefixSession Session)>
        _sessions = [];
    private ImmutableSortedDictionary<Guid, IpPrefix> _told =
        ImmutableSortedDictionary<Guid, IpPrefix>.Empty;

    public PrefixDelegationActor()
    {
        Receive<PrefixesWanted>(wanted =>
        {
            SpeakThrough(wanted.Bridge);
            Adopt(wanted.Wanted);
            Speak();
        });
        Receive<PrefixServerHeard>(heard =>
        {
            foreach (var (wanted, session) in _sessions.Values)
            {
                if (wanted.Datapath == heard.Datapath && wanted.Uplink == heard.Uplink)
                    session.Hear(heard.Message, NowMilliseconds);
            }

            Speak();
        });
        ReceiveTime();
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new PrefixDelegationActor());

    private void Adopt(ImmutableSortedDictionary<Guid, PrefixWanted> wanted)
    {
        foreach (var row in _sessions.Keys.ToList())
        {
            if (wanted.GetValueOrDefault(row) != _sessions[row].Wanted) _sessions.Remove(row);
        }

        var now = NowMilliseconds;
        foreach (var (row, each) in wanted)
        {
            if (_sessions.ContainsKey(row)) continue;
            var seed = unchecked((uint)row.GetHashCode() ^ (uint)now);
            _sessions[row] = (each, new PrefixSession(each.Mac, each.Association, seed, now));
        }
    }

    protected override void Speak()
    {
        var now = NowMilliseconds;
        foreach (var (wanted, session) in _sessions.Values)
        {
            if (session.Advance(now) is { } message) Send(wanted, message);
        }

        var prefixes = _sessions.Where(pair => pair.Value.Session.Prefix is not null)
            .ToImmutableSortedDictionary(
                pair => pair.Key, pair => pair.Value.Session.Prefix!.Value);
        if (!prefixes.SequenceEqual(_told))
        {
            _told = prefixes;
            Context.Parent.Tell(new PrefixesDelegated(prefixes));
        }

        if (_sessions.Count == 0) return;
        SpeakAgainAt(_sessions.Values.Min(each => each.Session.Deadline));
    }

    /// <summary>To all servers and relays of the link.</summary>
    private void Send(PrefixWanted wanted, byte[] message)
    {
        var servers = new IpPrefix(true, ((UInt128)0xff02 << 112) | 0x1_0002, 128);
        var key = new FlowKey
        {
            EthernetSource = wanted.Mac,
            EthernetDestination = Sightings.MacOf(servers),
            EthernetType = EtherType.Ipv6,
            Ipv6Source = Ipv6Bytes.From(IpPrefix.LinkLocalOf(wanted.Mac).ToAddress()),
            Ipv6Destination = Ipv6Bytes.From(servers.ToAddress()),
            NetworkProtocol = IpProtocol.Udp,
            NetworkTtl = 255,
            PortSource = PrefixMessage.ClientPort,
            PortDestination = PrefixMessage.ServerPort,
        };
        Send(ControllerActions.Out(
            new MatchBuilder().Set(MatchField.Metadata, wanted.Datapath).Build(),
            PacketAnswers.Udp(in key, message),
            new OfLoad(LogicalFields.Outport, wanted.Uplink),
            new OfLoad(LogicalFields.AllowLoopback, 1),
            new OfResubmit(PhysicalTables.RemoteOutput)));
    }
}
