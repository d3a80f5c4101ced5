using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <content>Gateways: who acts is decided beside this actor, and announced when it is us.</content>
public sealed partial class LogicalActor
{
    private ImmutableSortedDictionary<string, string> _gateways =
        ImmutableSortedDictionary<string, string>.Empty;
    private IActorRef? _gatewaysActor;
    private IActorRef? _announcer;
    private object?[] _gatewayInputs = [];
    private ImmutableSortedSet<Announcement> _announced = [];

    private void OnGateways(GatewaysDecided decided)
    {
        if (!Sender.Equals(_gatewaysActor) || _gateways.SequenceEqual(decided.Owners)) return;
        _gateways = decided.Owners;
        CompileSoon();
    }

    /// <summary>Gateways of the northbound and tunnels to their hosts, when they changed.</summary>
    private void TellGateways()
    {
        if (_compiler.Topology is not { } topology || _host is null || _database is null) return;
        object?[] inputs = [_northbound!.Database, _database];
        if (inputs.SequenceEqual(_gatewayInputs)) return;
        _gatewayInputs = inputs;
        var hasAny = topology.Rows.GatewayChassis.Count > 0 || topology.Rows.HaChassis.Count > 0;
        if (!hasAny && _gatewaysActor is null) return;
        _gatewaysActor ??= Context.ActorOf(
            GatewaysActor.Props(_around.Configuration, _around.Cluster), "gateways");
        _gatewaysActor.Tell(new GatewaysWanted(
            _host.HostId, GatewayRows.Read(topology, _database, _host.Bridge),
            GatewayRows.BfdColumn(_northbound.Database),
            GatewayRows.Tunnels(_database, _host.Bridge), _host.BridgeName));
    }

    /// <summary>Tells physical networks which addresses are here.</summary>
    private void Announce()
    {
        if (_compiler.Topology is not { } topology || _host is null || _bridge is null) return;
        var wanted = Announcements.Of(topology, View(_zones ?? _host.Zones));
        if (wanted.IsEmpty && _announcer is null) return;
        if (_announcer is not null && wanted.SetEquals(_announced)) return;
        _announced = wanted;
        _announcer ??= Context.ActorOf(AnnouncerActor.Props(), "announcer");
        _announcer.Tell(new AnnouncementsWanted(_bridge, wanted));
    }
}
