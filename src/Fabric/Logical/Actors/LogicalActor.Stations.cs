using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;

namespace Fabric.Logical;

/// <content>Unknown addresses: what one host learns, all know, and forget together.</content>
public sealed partial class LogicalActor
{
    private IActorRef? _stations;

    private void OnStation(StationHeard heard)
    {
        if (_compiler.SwitchPortAt(heard.Datapath, heard.Port) is not { IsLocalnet: false } port
            || _compiler.Topology?.SwitchOf(port) is not { } owner || _stations is null)
        {
            return; // The physical network is heard by each host itself.
        }

        _stations.Tell(new StationHere(
            new StationKey(heard.Datapath, heard.Mac.ToUInt64()),
            new StationPlace(heard.Port, IsOurs: true, StationAge.Of(owner))));
        _around.Cluster.Tell(new LearnAddresses(
            [], [new FdbEntry(owner.Uuid, heard.Mac, port.Name, _host?.HostId ?? "")]));
    }

    private void OnSilent(StationSilent silent)
    {
        if (_compiler.SwitchPortAt(silent.Station.Datapath, silent.Port) is not { } port
            || _compiler.Topology?.SwitchOf(port) is not { } owner)
        {
            return;
        }

        var mac = Wire.MacBytes.FromUInt64(silent.Station.Mac);
        _around.Cluster.Tell(new ForgetAddresses([], [new FdbKey(owner.Uuid, mac)]));
    }

    /// <summary>By keys, as flows want them; stations of rows that are gone are left out.</summary>
    private void TellStations()
    {
        if (_bridge is null || _compiler.Topology is not { } topology) return;
        if (_learned.Fdb.IsEmpty && _stations is null && !_compiler.LearnsStations) return;
        if (_stations is null)
        {
            _stations = Context.ActorOf(StationsActor.Props(), "stations");
            _stations.Tell(new BridgeFound(_bridge));
        }

        var known = ImmutableSortedDictionary.CreateBuilder<StationKey, StationPlace>();
        foreach (var entry in _learned.Fdb.Values)
        {
            if (topology.DatapathKey(entry.Datapath) is not { } datapath
                || topology.SwitchPort(entry.LogicalPort) is not { HasUnknown: true } port
                || topology.PortKey(port.Uuid) is not { } key
                || topology.SwitchOf(port) is not { } owner || owner.Uuid != entry.Datapath)
            {
                continue;
            }

            known[new StationKey(datapath, entry.Mac.ToUInt64())] = new StationPlace(
                key, entry.HostId == _host?.HostId, StationAge.Of(owner));
        }

        _stations.Tell(new StationsKnown(known.ToImmutable()));
    }
}
