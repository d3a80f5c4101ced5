using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>To the gateways actor: what the northbound says now.</summary>
/// <param name="BfdColumn">How sessions between gateway hosts shall be.</param>
public sealed record GatewaysWanted(
    string HostId, ImmutableArray<Gateway> Gateways,
    ImmutableSortedDictionary<string, string> BfdColumn, ImmutableArray<TunnelSession> Tunnels,
    string Bridge);

/// <summary>From the gateways actor: the host that acts, by gateway.</summary>
public sealed record GatewaysDecided(ImmutableSortedDictionary<string, string> Owners);

/// <summary>Decides which gateways act on this host, and which on others.</summary>
/// <remarks>
/// Hears:  <see cref="GatewaysWanted"/> from the logical actor, whenever rows have changed;
///         <see cref="GatewaysElected"/> from the cluster; <see cref="NextHopAnswered"/> from the
///         sessions' room.
/// Says:   <see cref="GatewaysDecided"/> to its parent; <see cref="VoteForGateways"/> to the
///         cluster; <see cref="Transact"/> with the bfd column of tunnels; <see cref="AskNextHop"/>
///         while that decides.
/// Holds:  since when sessions are there, which next hops answered. Both come again.
/// Fails:  never by what it hears. Started anew it gives sessions time to come up before it takes
///         anything over.
/// </remarks>
public sealed class GatewaysActor : ReceiveActor, IWithTimers
{
    /// <summary>A session that does not come up within this is as good as lost.</summary>
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>A next hop that is silent for so long answers no more.</summary>
    private static readonly TimeSpan AnswerAge = TimeSpan.FromSeconds(1);

    private const string SessionsRoom = "../../sessions";

    private readonly IActorRef _configuration;
    private readonly IActorRef _cluster;
    private readonly IScheduler _clock = Context.System.Scheduler;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SortedDictionary<string, TimeSpan> _begun = new(StringComparer.Ordinal);
    private readonly HashSet<string> _wereUp = [];
    private readonly Dictionary<NextHop, TimeSpan> _answered = [];
    private GatewaysWanted? _wanted;
    private ImmutableSortedDictionary<string, string> _elected =
        ImmutableSortedDictionary<string, string>.Empty;
    private ImmutableSortedDictionary<string, string>? _decided;
    private ImmutableSortedDictionary<string, string>? _voted;
    private bool _isWriting;
    private TimeSpan? _askedAt;

    private sealed record LookAgain
    {
        public static readonly LookAgain Instance = new();
    }

    public GatewaysActor(IActorRef configuration, IActorRef cluster)
    {
        _configuration = configuration;
        _cluster = cluster;
        Receive<GatewaysWanted>(wanted =>
        {
            var isFirst = _wanted is null;
            _wanted = wanted;
            NoteSessions();
            Reconcile();
            Decide();
            if (isFirst) AskAll();
        });
        Receive<GatewaysElected>(elected =>
        {
            _elected = elected.ByRouterPort;
            Decide();
        });
        Receive<NextHopAnswered>(answer =>
        {
            _answered[new NextHop(answer.Interface, answer.Vlan, answer.Address)] =
                _clock.MonotonicClock;
            Decide();
        });
        Receive<LookAgain>(_ => Decide());
        Receive<TransactCompleted>(_ =>
        {
            _isWriting = false;
            Reconcile();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IActorRef configuration, IActorRef cluster) =>
        Akka.Actor.Props.Create(() => new GatewaysActor(configuration, cluster));

    protected override void PreStart() => _cluster.Tell(new SubscribeGateways(Self));

    /// <summary>Remembers since when there is a session, and whether it ever was up.</summary>
    private void NoteSessions()
    {
        foreach (var tunnel in _wanted!.Tunnels)
        {
            if (tunnel.IsForwarding == true) _wereUp.Add(tunnel.HostId);
            _begun.TryAdd(tunnel.HostId, _clock.MonotonicClock);
        }

        foreach (var gone in _begun.Keys
            .Where(host => _wanted.Tunnels.All(tunnel => tunnel.HostId != host)).ToList())
        {
            _begun.Remove(gone);
            _wereUp.Remove(gone);
        }
    }

    private void Reconcile()
    {
        if (_isWriting || _wanted is null) return;
        var hosts = GatewayRows.SessionHosts(
            _wanted.HostId, _wanted.Gateways, _wanted.Tunnels.Select(tunnel => tunnel.HostId));
        var operations = GatewayRows.Reconcile(_wanted.Tunnels, hosts, _wanted.BfdColumn);
        if (operations.IsEmpty) return;
        _isWriting = true;
        _configuration.Tell(new Transact(1, operations));
    }

    private GatewaySituation Situation()
    {
        var peers = ImmutableSortedDictionary.CreateBuilder<string, PeerState>(
            StringComparer.Ordinal);
        foreach (var tunnel in _wanted!.Tunnels)
        {
            var state = tunnel.IsForwarding == true ? PeerState.Up
                : tunnel.Bfd.GetValueOrDefault("enable") != "true" ? PeerState.Unknown
                : _wereUp.Contains(tunnel.HostId) || HasSettled(tunnel.HostId) ? PeerState.Lost
                : PeerState.Unknown;
            // Of several tunnels to a host one that works is enough.
            if (peers.GetValueOrDefault(tunnel.HostId) != PeerState.Up)
                peers[tunnel.HostId] = state;
        }

        var answered = _wanted.Gateways
            .Where(gateway => gateway.NextHops.Any(Answers))
            .Select(gateway => gateway.Name).ToImmutableSortedSet(StringComparer.Ordinal);
        return new GatewaySituation(_wanted.HostId, peers.ToImmutable(), _elected, answered);
    }

    private bool HasSettled(string host) =>
        _clock.MonotonicClock - _begun[host] >= SettleTime;

    private bool Answers(NextHop hop) => _answered.TryGetValue(hop, out var at)
        && _clock.MonotonicClock - at < AnswerAge;

    private void Decide()
    {
        if (_wanted is null) return;
        var now = Situation();
        var owners = ImmutableSortedDictionary.CreateBuilder<string, string>(
            StringComparer.Ordinal);
        var votes = ImmutableSortedDictionary.CreateBuilder<string, string>(
            StringComparer.Ordinal);
        var unsure = new List<Gateway>();
        foreach (var gateway in _wanted.Gateways)
        {
            owners[gateway.Name] = GatewayElection.OwnerOf(gateway, now);
            if (gateway.Candidates.Length > 1
                && GatewayElection.VoteOf(gateway, now) is { } vote)
            {
                votes[gateway.Name] = vote;
            }

            if (GatewayElection.NeedsNextHop(gateway, now)) unsure.Add(gateway);
        }

        Vote(votes.ToImmutable());
        Tell(owners.ToImmutable());
        var isSettling = now.Peers.Values.Contains(PeerState.Unknown);
        AskWhenDue(unsure);
        if (unsure.Count > 0 || isSettling)
            Timers.StartSingleTimer(nameof(LookAgain), LookAgain.Instance, AskInterval);
    }

    private void Vote(ImmutableSortedDictionary<string, string> votes)
    {
        if (_voted is not null && _voted.SequenceEqual(votes)) return;
        _voted = votes;
        _cluster.Tell(new VoteForGateways(votes));
    }

    private void Tell(ImmutableSortedDictionary<string, string> owners)
    {
        if (_decided is not null && _decided.SequenceEqual(owners)) return;
        foreach (var (name, owner) in owners)
        {
            var before = _decided?.GetValueOrDefault(name);
            if (before == owner) continue;
            if (owner == _wanted!.HostId) _log.Info("{0}: this host is the gateway now", name);
            else if (before == _wanted.HostId) _log.Info("{0}: no longer the gateway", name);
        }

        _decided = owners;
        Context.Parent.Tell(new GatewaysDecided(owners));
    }

    /// <summary>Once at the start, so that the port listens before it matters.</summary>
    private void AskAll()
    {
        foreach (var gateway in _wanted!.Gateways)
        {
            var isOther = gateway.Candidates.Contains(_wanted.HostId)
                && gateway.Candidates[0] != _wanted.HostId;
            if (isOther) Ask(gateway);
        }
    }

    /// <summary>Every answer decides anew: that must not ask anew at once.</summary>
    private void AskWhenDue(List<Gateway> gateways)
    {
        var now = _clock.MonotonicClock;
        if (gateways.Count == 0 || now - _askedAt < AskInterval) return;
        _askedAt = now;
        foreach (var gateway in gateways) Ask(gateway);
    }

    private void Ask(Gateway gateway)
    {
        foreach (var hop in gateway.NextHops)
        {
            Context.ActorSelection(SessionsRoom).Tell(new AskNextHop(
                _wanted!.Bridge, hop.Interface, hop.Vlan, hop.Address,
                ProbeAddress.Of(_wanted.HostId)), Self);
        }
    }
}

/// <summary>The address that a host asks next hops from: nobody else's, and no router's.</summary>
public static class ProbeAddress
{
    public static MacBytes Of(string hostId)
    {
        var hash = 14695981039346656037UL;
        foreach (var each in hostId) hash = (hash ^ each) * 1099511628211UL;
        return MacBytes.FromUInt64((hash & 0xFCFF_FFFF_FFFF) | 0x0200_0000_0000);
    }
}
