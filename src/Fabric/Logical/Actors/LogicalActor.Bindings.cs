using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Controllers;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <content>Ports bound here, their conntrack zones, and what is written to databases.</content>
public sealed partial class LogicalActor
{
    private readonly HashSet<string> _owned = new(StringComparer.Ordinal);
    private readonly Dictionary<long, ImmutableArray<string>> _upRequests = [];
    private readonly Dictionary<string, bool> _toldUp = new(StringComparer.Ordinal);
    private ImmutableSortedDictionary<string, ushort>? _zones;
    private ImmutableSortedSet<string>? _claimed;
    private long _bridgeRequest;
    private long _zonesRequest;
    private long _linksRequest;
    private long _addressRequest;
    private (long, long, long) _managed;

    /// <remarks>
    /// A port that this host owned and that now is another's has moved: its interface here is no
    /// longer it. A port that was never ours here is claimed, and the cluster decides.
    /// </remarks>
    private ImmutableSortedDictionary<string, uint> LocalInterfaces()
    {
        var local = _host!.Interfaces;
        foreach (var name in local.Keys)
        {
            var hasMoved = _owned.Contains(name)
                && _locations.TryGetValue(name, out var location)
                && location.HostId != _host.HostId;
            if (hasMoved || IsForbidden(name)) local = local.Remove(name);
        }

        return local;
    }

    /// <summary>
    /// Remembers which interfaces here were the port's owner since they are there.
    /// </summary>
    private void NoteOwned()
    {
        if (_host is null) return;
        _owned.RemoveWhere(name => !_host.Interfaces.ContainsKey(name));
        foreach (var name in _host.Interfaces.Keys)
        {
            if (_locations.TryGetValue(name, out var location) && location.HostId == _host.HostId)
                _owned.Add(name);
        }
    }

    /// <summary>options:requested-chassis names other hosts.</summary>
    private bool IsForbidden(string name)
    {
        if (_compiler.Topology?.SwitchPort(name) is not { } port
            || !port.Options.TryGetValue("requested-chassis", out var requested)
            || requested.Length == 0)
        {
            return false;
        }

        return !requested.Split(',').Any(host => host == _host!.HostId || host == _host.HostName);
    }

    private void Claim()
    {
        if (_compiler.Topology is not { } topology) return;
        var local = LocalInterfaces().Keys.ToList();
        var names = local
            .Where(name => topology.SwitchPort(name) is { IsVif: true, IsLocalport: false })
            .Concat(local.SelectMany(topology.ChildrenOf).Select(child => child.Name))
            .Concat(VirtualPortsHere(local))
            .ToImmutableSortedSet(StringComparer.Ordinal);
        if (_claimed is not null && _claimed.SetEquals(names)) return;
        _claimed = names;
        _around.Cluster.Tell(new ClaimPorts(names));
    }

    /// <summary>Logical_Switch_Port.up of what is bound here and of what no longer is.</summary>
    private void TellUp()
    {
        if (_compiler.Topology is not { } topology || _claimed is null) return;
        var operations = ImmutableArray.CreateBuilder<Operation>();
        var names = ImmutableArray.CreateBuilder<string>();
        foreach (var name in _claimed.Concat(_toldUp.Keys.ToList()).Distinct())
        {
            var isUp = _claimed.Contains(name);
            if (topology.SwitchPort(name) is not { } port)
            {
                _toldUp.Remove(name);
                continue;
            }

            if (_toldUp.TryGetValue(name, out var told) && told == isUp && port.IsUp == isUp)
                continue;
            if (!isUp && _locations.TryGetValue(name, out var other)
                && other.HostId != _host!.HostId)
            {
                _toldUp.Remove(name); // Another host has it, and says so.
                continue;
            }

            if (port.IsUp != isUp)
            {
                operations.Add(Operation.UpdateRow(
                    "Logical_Switch_Port", port.Uuid, new ColumnValue("up", isUp)));
                names.Add(name);
            }

            _toldUp[name] = isUp;
        }

        if (operations.Count == 0) return;
        _upRequests[++_lastRequest] = names.ToImmutable();
        _around.Northbound.Tell(new Transact(_lastRequest, operations.ToImmutable()));
    }

    /// <summary>
    /// Dynamic addresses and tags: given by the host of the lowest id, whose guesses the writer
    /// of the northbound checks.
    /// </summary>
    private void ManageAddresses()
    {
        if (_compiler.Topology is not { } topology || _addressRequest != 0) return;
        var rows = topology.Rows;
        var inputs = rows.AddressingVersion;
        var isSteward = _host!.Tunnels.Keys.All(
            other => string.CompareOrdinal(_host.HostId, other) < 0);
        if (!isSteward || inputs == _managed) return;
        _managed = inputs;
        var operations = AddressManagement.Plan(topology);
        if (operations.IsEmpty) return;
        _addressRequest = ++_lastRequest;
        _around.Northbound.Tell(new Transact(_addressRequest, operations));
    }

    private void EnsureBridge()
    {
        if (_host!.Bridge is not null)
        {
            if (_bridge is null) LookForBridge();
            return;
        }

        if (_bridgeRequest != 0) return;
        var operations = HostConfiguration.CreateBridge(_database!, _host.BridgeName);
        if (operations.IsEmpty) return;
        _bridgeRequest = ++_lastRequest;
        _around.Configuration.Tell(new Transact(_bridgeRequest, operations));
    }

    /// <summary>Patch ports to the bridges of physical networks.</summary>
    private void LinkPhysical()
    {
        if (_host?.Bridge is not { } bridge || _linksRequest != 0 || _result is null) return;
        var wanted = _result.Localnets
            .Where(port => _host.BridgeMappings.ContainsKey(port.Value))
            .ToImmutableSortedDictionary(
                port => port.Key, port => _host.BridgeMappings[port.Value], StringComparer.Ordinal);
        var operations = PhysicalLinks.Reconcile(_database!, bridge, wanted);
        if (operations.IsEmpty) return;
        _linksRequest = ++_lastRequest;
        _around.Configuration.Tell(new Transact(_linksRequest, operations));
    }

    private void StoreZones()
    {
        if (_host?.Bridge is not { } bridge || _zones is null || _zonesRequest != 0) return;
        var operations = HostConfiguration.StoreZones(bridge, _zones);
        if (operations.IsEmpty) return;
        _zonesRequest = ++_lastRequest;
        _around.Configuration.Tell(new Transact(_zonesRequest, operations));
    }

    /// <summary>Connections of a zone's former owner must not be taken for the new one's.</summary>
    private void FlushNewZones(
        ImmutableSortedDictionary<string, ushort> before,
        ImmutableSortedDictionary<string, ushort> now)
    {
        if (_bridge is null) return;
        foreach (var (name, zone) in now)
        {
            if (before.GetValueOrDefault(name) == zone) continue;
            _bridge.Tell(new AskSwitch(++_lastRequest, new OfConntrackFlushZone(zone)));
        }
    }

    private void OnTransactCompleted(TransactCompleted completed)
    {
        if (completed.RequestId == _bridgeRequest) _bridgeRequest = 0;
        if (completed.RequestId == _zonesRequest) _zonesRequest = 0;
        if (completed.RequestId == _linksRequest) _linksRequest = 0;
        if (completed.RequestId == _addressRequest)
        {
            _addressRequest = 0;
            if (completed.Error is not null)
            {
                _managed = default;
                Timers.StartSingleTimer(nameof(ManageAddresses), CompileNow.Instance, RetryPause);
            }
            else
            {
                CompileSoon(); // Rows may have changed while it was under way.
            }
        }

        if (_upRequests.Remove(completed.RequestId, out var names) && completed.Error is not null)
        {
            foreach (var name in names) _toldUp.Remove(name);
            Timers.StartSingleTimer(nameof(TellUp), CompileNow.Instance, RetryPause);
        }

        if (completed.Error is { } error) _log.Warning("a transaction failed: {0}", error);
    }
}
