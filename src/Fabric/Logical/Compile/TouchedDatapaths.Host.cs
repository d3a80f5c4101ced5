using System.Collections.Immutable;

namespace Fabric.Logical;

/// <content>What a change of the host touches: interfaces, places of ports, zones.</content>
internal sealed partial class TouchedDatapaths
{
    public bool NoteHost(HostView before, HostView now)
    {
        if (ReferenceEquals(before, now)) return true;
        var others = before with
        {
            Interfaces = now.Interfaces,
            Locations = now.Locations,
            Zones = now.Zones,
            Tunnels = now.Tunnels,
            PhysicalNetworks = now.PhysicalNetworks,
            Gateways = now.Gateways,
            Sightings = now.Sightings,
        };
        if (others != now || !before.Tunnels.SequenceEqual(now.Tunnels)
            || !before.PhysicalNetworks.SequenceEqual(now.PhysicalNetworks))
        {
            return false;
        }

        foreach (var name in Differences(before.Gateways, now.Gateways))
        {
            if (!TouchRouterOf(name)) return false; // A group: several ports act by it.
        }

        foreach (var name in Differences(before.Interfaces, now.Interfaces)) NoteInterface(name);
        foreach (var name in Differences(before.Locations, now.Locations))
        {
            HasResidentsMoved = true;
            TouchNamed(name);
            if (before.IsResident(name) != now.IsResident(name)) TouchTranslating(name);
        }

        foreach (var name in Differences(before.Zones, now.Zones)) NoteZone(name);
        NoteSightings(before.Sightings, now.Sightings);
        return true;
    }

    /// <summary>Balancers whose backends came or went, switches whose members did.</summary>
    private void NoteSightings(Sightings before, Sightings now)
    {
        if (ReferenceEquals(before, now)) return;
        var moved = before.Offline.SymmetricExcept(now.Offline);
        if (moved.Count > 0)
        {
            foreach (var balancer in Rows.LoadBalancers.Values
                .Where(row => !row.HealthChecks.IsEmpty))
                TouchBalancer(balancer.Uuid);
        }

        foreach (var name in Differences(before.Groups, now.Groups))
        {
            if (topology.SwitchPort(name) is { } port
                && topology.SwitchIdOf(port.Uuid) is { } owner)
                TouchSwitchPort(owner, port.Uuid); // Routers that relay, too.
        }
    }

    private void NoteInterface(string name)
    {
        HasReachChanged = HasResidentsMoved = true;
        TouchNamed(name);
        if (topology.SwitchPort(name) is { } port)
        {
            foreach (var group in topology.GroupsOfPort(port.Uuid)) _names.Add(group);
        }

        foreach (var child in topology.ChildrenOf(name))
        {
            TouchNamed(child.Name);
            foreach (var group in topology.GroupsOfPort(child.Uuid)) _names.Add(group);
        }

        TouchTranslating(name);
    }

    /// <summary>Routers with a floating address of the port.</summary>
    private void TouchTranslating(string name)
    {
        foreach (var (uuid, router) in routers)
        {
            if (router.Nat.Any(rule => rule.LogicalPort == name)) TouchWithServices(uuid);
        }
    }

    private bool TouchRouterOf(string gatewayPort)
    {
        if (topology.RouterPort(gatewayPort) is not { } port
            || topology.RouterOf(port) is not { } router)
        {
            return false;
        }

        HasResidentsMoved = true;
        TouchWithLinks(router.Uuid);
        return true;
    }

    private void TouchNamed(string name)
    {
        if (topology.SwitchPort(name) is { } port && topology.SwitchIdOf(port.Uuid) is { } owner)
            TouchPort(owner, port.Uuid);
    }

    /// <summary>Of a port, or of a datapath: then links to it carry the zone, too.</summary>
    private void NoteZone(string name)
    {
        TouchNamed(name);
        var end = name.LastIndexOf('_');
        if (end < 0 || !Guid.TryParse(name.AsSpan(0, end), out var datapath)) return;
        if (Rows.Routers.ContainsKey(datapath))
        {
            TouchWithLinks(datapath);
            foreach (var port in topology.PortsOf(Rows.Routers[datapath]))
            {
                if (port.Peer is { } peer && topology.RouterPort(peer) is { } other
                    && topology.RouterOf(other) is { } router)
                {
                    Touch(router.Uuid);
                }
            }
        }
        else
        {
            TouchWhole(datapath);
            foreach (var link in topology.LinksOf(datapath))
            {
                if (topology.PeerOf(link) is { } peer && topology.RouterOf(peer) is { } router)
                    Touch(router.Uuid);
            }
        }
    }

    /// <summary>Keys that one has and the other lacks, or has with another value.</summary>
    private static List<string> Differences<T>(
        ImmutableSortedDictionary<string, T> before, ImmutableSortedDictionary<string, T> now)
    {
        var found = new List<string>();
        if (ReferenceEquals(before, now)) return found;
        var same = EqualityComparer<T>.Default;
        using var old = before.GetEnumerator();
        using var current = now.GetEnumerator();
        var (hasOld, hasCurrent) = (old.MoveNext(), current.MoveNext());
        while (hasOld || hasCurrent)
        {
            var order = !hasOld ? 1 : !hasCurrent ? -1
                : string.CompareOrdinal(old.Current.Key, current.Current.Key);
            if (order < 0) found.Add(old.Current.Key);
            else if (order > 0) found.Add(current.Current.Key);
            else if (!same.Equals(old.Current.Value, current.Current.Value))
                found.Add(old.Current.Key);
            if (order <= 0) hasOld = old.MoveNext();
            if (order >= 0) hasCurrent = current.MoveNext();
        }

        return found;
    }
}
