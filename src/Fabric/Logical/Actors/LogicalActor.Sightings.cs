using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <content>What is seen of workloads: virtual ports, groups, services, next hops.</content>
public sealed partial class LogicalActor
{
    private Sightings _sightings = Sightings.None;
    private IActorRef? _monitor;
    private IActorRef? _querier;
    private IActorRef? _routeSessions;
    private object?[] _workloadInputs = [];
    private ImmutableSortedDictionary<Guid, string> _sessionStatus =
        ImmutableSortedDictionary<Guid, string>.Empty;

    private void ReceiveSightings()
    {
        Receive<VirtualPortHeard>(OnVirtualPort);
        Receive<GroupsHeard>(OnGroups);
        Receive<StationHeard>(OnStation);
        Receive<StationSilent>(OnSilent);
        Receive<ServiceHeard>(heard => _monitor?.Forward(heard));
        Receive<ServiceJudged>(judged => _around.Cluster.Tell(new LearnAddresses(
            [Sightings.OfService(judged.Service, judged.IsOnline)], [])));
        Receive<PrefixServerHeard>(heard => _delegation?.Forward(heard));
        Receive<PrefixesDelegated>(OnDelegated);
        Receive<RouteBfdHeard>(heard => _routeSessions?.Forward(heard));
        Receive<RouteSessionsJudged>(judged =>
        {
            _sessionStatus = judged.Status;
            WriteSessions();
        });
    }

    /// <summary>Gossip says something else now; what is the same stays the same object.</summary>
    private void FollowSightings()
    {
        var now = Sightings.Read(_learned, IsVirtual).After(_sightings);
        if (ReferenceEquals(now, _sightings)) return;
        _sightings = now;
        CompileSoon();
    }

    private bool IsVirtual(string name) =>
        _compiler.Topology?.SwitchPort(name) is { IsVirtual: true };

    /// <summary>Virtual ports that somebody here answers for.</summary>
    private IEnumerable<string> VirtualPortsHere(IReadOnlyCollection<string> local)
    {
        foreach (var (name, owner) in _sightings.Virtual)
        {
            if (owner.HostId == _host!.HostId
                && _compiler.Topology?.SwitchPort(name) is { IsVirtual: true } port
                && VirtualPorts.ParentsOf(port).Any(local.Contains))
            {
                yield return name;
            }
        }
    }

    private void OnVirtualPort(VirtualPortHeard heard)
    {
        if (_compiler.SwitchPortAt(heard.Datapath, heard.Port) is not { IsVirtual: true } port)
            return;
        _around.Cluster.Tell(new LearnAddresses(
            [Sightings.OfVirtual(port.Name, heard.Address, heard.Mac)], []));
    }

    private void OnGroups(GroupsHeard heard)
    {
        if (_compiler.SwitchPortAt(heard.Datapath, heard.Port) is not { } port) return;
        var now = Context.System.Scheduler.MonotonicClock;
        var joined = ImmutableArray.CreateBuilder<MacBinding>();
        var left = ImmutableArray.CreateBuilder<MacBindingKey>();
        foreach (var (group, isMember) in heard.Groups)
        {
            var member = Sightings.OfGroup(port.Name, group);
            if (!isMember)
            {
                left.Add(member.Key);
                continue;
            }

            _heardAt[member.Key] = now;
            joined.Add(member);
        }

        if (joined.Count > 0)
            _around.Cluster.Tell(new LearnAddresses(joined.ToImmutable(), []));
        if (left.Count > 0) _around.Cluster.Tell(new ForgetAddresses(left.ToImmutable(), []));
        AgeNeighbors();
    }

    /// <summary>How long what is no router's neighbour is remembered; null: for ever.</summary>
    private TimeSpan? AgeOf(MacBinding binding)
    {
        if (!IpPrefix.TryParse($"{binding.Address}", out var address) || !address.IsMulticast)
            return null;
        return _compiler.Topology?.SwitchPort(binding.LogicalPort) is { } port
            && _compiler.Topology.SwitchOf(port) is { } owner
            && MulticastSnooping.Of(owner) is { } snooping
                ? snooping.IdleTimeout
                : TimeSpan.Zero;
    }

    /// <summary>Probes, queries and sessions of this host, when they may have changed.</summary>
    private void TellWorkloads()
    {
        if (_compiler.Topology is not { } topology || _bridge is null || _host is null) return;
        object?[] inputs = [_northbound!.Database, _host.Interfaces, _gateways, _bridge];
        if (inputs.SequenceEqual(_workloadInputs)) return;
        _workloadInputs = inputs;
        var view = View(_zones ?? _host.Zones);
        TellChecks(ServiceChecks.Of(topology, view));
        var frames = PeriodicFramesOf(topology);
        if (!frames.IsEmpty || _querier is not null)
        {
            _querier ??= Context.ActorOf(QuerierActor.Props(), "querier");
            _querier.Tell(new QueriesWanted(_bridge, frames));
        }

        TellPrefixes(topology, view);
        var sessions = RouteSessions.Of(topology, view);
        if (sessions.IsEmpty && _routeSessions is null) return;
        _routeSessions ??= Context.ActorOf(RouteSessionsActor.Props(), "route-sessions");
        _routeSessions.Tell(new RouteSessionsWanted(_bridge, sessions));
        WriteSessions();
    }

    /// <summary>Queries of switches, and advertisements of routers at them.</summary>
    private ImmutableSortedDictionary<string, PeriodicFrames> PeriodicFramesOf(
        LogicalTopology topology)
    {
        var frames = ImmutableSortedDictionary.CreateBuilder<string, PeriodicFrames>(
            StringComparer.Ordinal);
        foreach (var owner in _compiler.LocalSwitches)
        {
            if (topology.DatapathKey(owner.Uuid) is not { } key) continue;
            if (MulticastSnooping.Of(owner)?.Querier is { } querier)
                frames[$"query {owner.Uuid}"] = MulticastQuery.Periodic(key, querier);
            foreach (var plug in topology.PortsOf(owner))
            {
                if (topology.PeerOf(plug) is { } port
                    && RouterAdvertisement.Periodic(key, port) is { } advert)
                {
                    frames[$"advert {port.Uuid}"] = advert;
                }
            }
        }

        return frames.ToImmutable();
    }

    private void TellChecks(ImmutableSortedDictionary<ServiceKey, ServiceCheck> checks)
    {
        if (checks.IsEmpty && _monitor is null) return;
        _monitor ??= Context.ActorOf(ServiceMonitorActor.Props(), "service-monitor");
        _monitor.Tell(new ServiceChecksWanted(_bridge!, checks));

        // The cluster lets only those go that this host has judged.
        var gone = _sightings.Services.Keys.Where(service => !checks.ContainsKey(service))
            .Select(Sightings.KeyOf).ToImmutableArray();
        if (!gone.IsEmpty) _around.Cluster.Tell(new ForgetAddresses(gone, []));
    }

    /// <summary>BFD.status of sessions that run here.</summary>
    private void WriteSessions()
    {
        if (_compiler.Topology is not { } topology) return;
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var (uuid, status) in _sessionStatus)
        {
            if (topology.Rows.RouteSessions.TryGetValue(uuid, out var row) && row.Status != status)
            {
                operations.Add(Operation.UpdateRow(
                    "BFD", uuid, new ColumnValue("status", status)));
            }
        }

        if (operations.Count > 0)
            _around.Northbound.Tell(new Transact(++_lastRequest, operations.ToImmutable()));
    }
}
