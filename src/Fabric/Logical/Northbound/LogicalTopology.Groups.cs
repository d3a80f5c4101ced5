namespace Fabric.Logical;

/// <content>Address sets and port groups.</content>
public sealed partial class LogicalTopology
{
    private readonly Dictionary<string, AddressSet> _setByName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PortGroup> _groupByName = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, SortedDictionary<string, PortGroup>> _groupsOfSwitch = [];
    private readonly Dictionary<Guid, HashSet<Guid>> _switchesOfGroup = [];
    private readonly Dictionary<Guid, List<string>> _groupsOfPort = [];

    public AddressSet? AddressSetNamed(string name) => _setByName.GetValueOrDefault(name);

    public PortGroup? PortGroupNamed(string name) => _groupByName.GetValueOrDefault(name);

    /// <summary>Groups with a member on the switch, by name.</summary>
    public IReadOnlyCollection<PortGroup> GroupsOn(LogicalSwitch owner) =>
        _groupsOfSwitch.TryGetValue(owner.Uuid, out var groups) ? groups.Values : [];

    /// <summary>Switches with a member of the group.</summary>
    internal IReadOnlyCollection<Guid> SwitchesOf(Guid group) =>
        _switchesOfGroup.TryGetValue(group, out var switches) ? switches : [];

    /// <summary>Names of the groups that the port is a member of.</summary>
    internal IReadOnlyList<string> GroupsOfPort(Guid port) =>
        _groupsOfPort.TryGetValue(port, out var groups) ? groups : [];

    private void FollowSets()
    {
        foreach (var change in Rows.AddressSetRows.Changes)
        {
            if (change.Before is { } before
                && _setByName.TryGetValue(before.Name, out var known)
                && known.Uuid == change.Uuid)
            {
                _setByName.Remove(before.Name);
            }

            if (change.After is { } after) _setByName[after.Name] = after;
        }
    }

    private void IndexGroups()
    {
        _groupByName.Clear();
        _groupsOfSwitch.Clear();
        _switchesOfGroup.Clear();
        _groupsOfPort.Clear();
        foreach (var group in Rows.PortGroups.Values)
            FollowGroup(new TypedChange<PortGroup>(group.Uuid, null, group));
    }

    private void FollowGroup(TypedChange<PortGroup> change)
    {
        var (uuid, before, after) = change;
        if (before is not null)
        {
            if (_groupByName.TryGetValue(before.Name, out var known) && known.Uuid == uuid)
                _groupByName.Remove(before.Name);
            foreach (var owner in SwitchesOf(uuid)) _groupsOfSwitch[owner].Remove(before.Name);
            _switchesOfGroup.Remove(uuid);
        }

        FollowMembers(before, after);
        if (after is null) return;
        _groupByName[after.Name] = after;
        var switches = new HashSet<Guid>();
        foreach (var port in after.Ports)
        {
            if (_switchOfPort.TryGetValue(port, out var owner)) switches.Add(owner);
        }

        _switchesOfGroup[uuid] = switches;
        foreach (var owner in switches)
        {
            if (!_groupsOfSwitch.TryGetValue(owner, out var groups))
                _groupsOfSwitch[owner] = groups = new(StringComparer.Ordinal);
            groups[after.Name] = after;
        }
    }

    private void FollowMembers(PortGroup? before, PortGroup? after)
    {
        var isRenamed = before?.Name != after?.Name;
        foreach (var port in before?.Ports ?? [])
        {
            if (!isRenamed && after!.Members.Contains(port)) continue;
            if (_groupsOfPort.TryGetValue(port, out var groups)) groups.Remove(before!.Name);
        }

        foreach (var port in after?.Ports ?? [])
        {
            if (!isRenamed && before!.Members.Contains(port)) continue;
            if (!_groupsOfPort.TryGetValue(port, out var groups)) _groupsOfPort[port] = groups = [];
            groups.Add(after!.Name);
        }
    }
}
