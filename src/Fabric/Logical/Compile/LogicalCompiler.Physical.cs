using System.Collections.Immutable;

namespace Fabric.Logical;

/// <content>Where logical ports are: interfaces, tunnels, links between datapaths.</content>
public sealed partial class LogicalCompiler
{
    /// <summary>The ports between OpenFlow and logical ports, worked out anew.</summary>
    private static IReadOnlyCollection<PhysicalPort> Placed(
        CompilePass pass, SwitchView view, IReadOnlySet<Guid>? ports)
    {
        if (ports is null)
        {
            view.Physical.Clear();
            view.LocalnetKey = null;
            foreach (var port in view.Ports)
            {
                var placed = PhysicalOf(pass, port);
                view.Physical[port.Row.Uuid] = placed;
                if (placed is { IsLocalnet: true, Interface: not null })
                    view.LocalnetKey ??= placed.Key;
            }

            if (view.LocalnetKey is { } all)
            {
                foreach (var row in view.Physical.Keys.ToList())
                    view.Physical[row] = view.Physical[row] with { ViaLocalnet = all };
            }

            return view.Physical.Values;
        }

        var changed = new List<PhysicalPort>();
        foreach (var row in ports)
        {
            if (view.Port(row) is not { } port)
            {
                view.Physical.Remove(row);
                continue;
            }

            var placed = PhysicalOf(pass, port) with { ViaLocalnet = view.LocalnetKey };
            view.Physical[row] = placed;
            changed.Add(placed);
        }

        return changed;
    }

    private static PhysicalPort PhysicalOf(CompilePass pass, SwitchPortView port)
    {
        var row = port.Row;
        uint? face = row.IsVif && pass.Host.Interfaces.TryGetValue(row.Name, out var found)
            ? found
            : null;
        if ((row.IsLocalnet || row.L2GatewayChassis == pass.Host.HostId)
            && pass.Host.PhysicalNetworks.TryGetValue(row.Name, out var physical))
            face = physical;

        if (row.Parent is { Length: > 0 } parent)
            face = pass.Host.Interfaces.TryGetValue(parent, out var carrier) ? carrier : null;
        PatchPeer? patch = null;
        if (port.Peer is { } peer && pass.Topology.RouterOf(peer) is { } router
            && (!port.IsOfGatewayRouter || port.Gateway is null)
            && pass.Topology.DatapathKey(router.Uuid) is { } datapath
            && pass.Topology.PortKey(peer.Uuid) is { } key)
        {
            patch = PeerIn(pass, router.Uuid, datapath, key);
        }

        var tunnel = face is null && !row.IsLocalport ? pass.Host.TunnelTo(row.Name) : null;
        if (row.L2GatewayChassis is { } chassis && pass.Host.Tunnels.TryGetValue(
                chassis, out var toGateway))
        {
            tunnel = toGateway;
        }

        if (port is { Gateway: { } gateway, IsPeerServed: true }
            && pass.Host.Tunnels.TryGetValue(gateway, out var way))
        {
            tunnel = way; // The router's port acts on its gateway's host.
        }

        return new PhysicalPort(
            row.Name, row.Uuid, port.Key, face, tunnel, patch, pass.Host.Zone(row.Name),
            row.Tag, row.IsLocalport, row.IsLocalnet, row.IsRouter)
        {
            IsLinkHere = port is { IsOfGatewayRouter: true, Gateway: null },
        };
    }

    private static PhysicalPort PhysicalOf(CompilePass pass, RouterPortView port)
    {
        PatchPeer? patch = null;
        if (pass.Topology.PeerOf(port.Row) is { } plug
            && pass.Topology.SwitchOf(plug) is { } owner
            && pass.Topology.DatapathKey(owner.Uuid) is { } datapath
            && pass.Topology.PortKey(plug.Uuid) is { } key)
        {
            patch = PeerIn(pass, owner.Uuid, datapath, key);
        }
        else if (port.Row.Peer is { } name && pass.Topology.RouterPort(name) is { } other
            && pass.Topology.RouterOf(other) is { } router
            && pass.Topology.DatapathKey(router.Uuid) is { } routerKey
            && pass.Topology.PortKey(other.Uuid) is { } otherKey)
        {
            patch = PeerIn(pass, router.Uuid, routerKey, otherKey);
        }

        var redirect = port.RedirectKey is { } redirectKey
            ? new RedirectPort(
                redirectKey, port.IsResident,
                port.Gateway is { } gateway && pass.Host.Tunnels.TryGetValue(
                    gateway, out var tunnel)
                    ? tunnel
                    : null)
            : null;
        return new PhysicalPort(
            port.Row.Name, port.Row.Uuid, port.Key, null, null, patch, 0, null, false, false, true,
            redirect);
    }

    private static PatchPeer PeerIn(
        CompilePass pass, Guid datapath, uint datapathKey, uint portKey) =>
        new(
            datapathKey, portKey, pass.Host.Zone(ConntrackZones.DnatName(datapath)),
            pass.Host.Zone(ConntrackZones.SnatName(datapath)));
}
