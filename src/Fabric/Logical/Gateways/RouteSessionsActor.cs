using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Switching;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>A BFD session of a router port that acts on this host.</summary>
/// <param name="Source">The port's own address in the peer's network.</param>
internal sealed record RouteSessionHere(
    RouteSession Row, uint Datapath, uint Port, MacBytes Mac, IpPrefix Source);

/// <summary>To the sessions of routes: all that run here.</summary>
internal sealed record RouteSessionsWanted(
    IActorRef Bridge, ImmutableSortedDictionary<Guid, RouteSessionHere> Sessions);

/// <summary>From the sessions of routes: what BFD.status should be.</summary>
internal sealed record RouteSessionsJudged(ImmutableSortedDictionary<Guid, string> Status);

/// <summary>Runs BFD from router ports to next hops (RFC 5880, RFC 5881).</summary>
/// <remarks>
/// Hears:  <see cref="RouteSessionsWanted"/> and <see cref="RouteBfdHeard"/> from the logical
///         actor; its timer; the bridge's confirmations.
/// Says:   <see cref="AskSwitch"/> with control packets; <see cref="RouteSessionsJudged"/>.
/// Holds:  the state of each session; started anew they come up again.
/// Fails:  never by what it hears.
/// </remarks>
internal sealed class RouteSessionsActor : SpeakerActor
{
    private readonly SortedDictionary<Guid, (RouteSessionHere Here, BfdSession Session)> _sessions =
        [];
    private ImmutableSortedDictionary<Guid, string> _told =
        ImmutableSortedDictionary<Guid, string>.Empty;
    private uint _lastDiscriminator;

    public RouteSessionsActor()
    {
        Receive<RouteSessionsWanted>(wanted =>
        {
            SpeakThrough(wanted.Bridge);
            Adopt(wanted.Sessions);
            Speak();
        });
        Receive<RouteBfdHeard>(OnPacket);
        ReceiveTime();
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new RouteSessionsActor());

    private void Adopt(ImmutableSortedDictionary<Guid, RouteSessionHere> wanted)
    {
        foreach (var gone in _sessions.Keys.Where(row => !wanted.ContainsKey(row)).ToList())
        {
            _sessions.Remove(gone);
            _told = _told.Remove(gone);
        }

        foreach (var (row, here) in wanted)
        {
            var settings = BfdSettings.Default with
            {
                MinTx = here.Row.MinTx,
                MinRx = here.Row.MinRx,
                Multiplier = here.Row.Multiplier,
            };
            if (_sessions.TryGetValue(row, out var known))
            {
                known.Session.Configure(settings, NowMilliseconds);
                _sessions[row] = (here, known.Session);
                continue;
            }

            var discriminator = ++_lastDiscriminator;
            var seed = discriminator * 2654435761u;
            _sessions[row] =
                (here, new BfdSession(discriminator, settings, seed, NowMilliseconds));
        }
    }

    private void OnPacket(RouteBfdHeard heard)
    {
        foreach (var (here, session) in _sessions.Values)
        {
            if (here.Datapath == heard.Datapath && here.Port == heard.Port
                && here.Row.Peer.Host == heard.Peer.Host)
            {
                session.Hear(heard.Packet, NowMilliseconds);
            }
        }

        Speak();
    }

    protected override void Speak()
    {
        var now = NowMilliseconds;
        foreach (var (here, session) in _sessions.Values)
        {
            if (session.Advance(now, out var packet)) Send(here, session, packet);
        }

        var status = _sessions.ToImmutableSortedDictionary(
            pair => pair.Key, pair => TextOf(pair.Value.Session.State));
        if (!status.SequenceEqual(_told))
        {
            _told = status;
            Context.Parent.Tell(new RouteSessionsJudged(status));
        }

        if (_sessions.Count == 0) return;
        SpeakAgainAt(_sessions.Values.Min(each => each.Session.Deadline));
    }

    private static string TextOf(BfdState state) => state switch
    {
        BfdState.Up => "up",
        BfdState.Init => "init",
        BfdState.AdminDown => "admin_down",
        _ => "down",
    };

    /// <summary>Behind routing, which would take a hop from the TTL of 255.</summary>
    private void Send(RouteSessionHere here, BfdSession session, BfdControlPacket packet)
    {
        var (own, peer) = (here.Source, here.Row.Peer);
        var data = new byte[BfdControlPacket.Size];
        packet.Write(data);
        var key = new FlowKey
        {
            EthernetSource = here.Mac,
            EthernetType = own.IsIpv6 ? EtherType.Ipv6 : EtherType.Ipv4,
            NetworkProtocol = IpProtocol.Udp,
            NetworkTtl = byte.MaxValue,
            NetworkTos = 0xc0,
            PortSource = BfdFrame.SourcePortOf(session.Discriminator),
            PortDestination = BfdControlPacket.UdpPort,
        };
        if (own.IsIpv6)
        {
            key.Ipv6Source = Ipv6Bytes.From(own.ToAddress());
            key.Ipv6Destination = Ipv6Bytes.From(peer.ToAddress());
        }
        else
        {
            (key.Ipv4Source, key.Ipv4Destination) = ((uint)own.Address, (uint)peer.Address);
        }

        var way = own.IsIpv6
            ? (Hop: LogicalFields.NextHop6, Source: LogicalFields.SourceIp6)
            : (Hop: LogicalFields.NextHop4, Source: LogicalFields.SourceIp4);
        OfAction Load(Subfield part, IpPrefix address) => part.Width > 64
            ? new OfSetField(part.Field, address.Address)
            : new OfLoad(part, (ulong)address.Address);
        Send(ControllerActions.Out(
            new MatchBuilder().Set(MatchField.Metadata, here.Datapath).Build(),
            PacketAnswers.Udp(in key, data), Load(way.Hop, peer), Load(way.Source, own),
            new OfLoad(LogicalFields.Outport, here.Port),
            new OfLoad(LogicalFields.AllowLoopback, 1),
            new OfResubmit(RouterIngress.ArpResolve)));
    }
}
