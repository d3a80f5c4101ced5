using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>options:mcast_relay: groups with members behind other ports are forwarded.</content>
internal sealed partial class RouterPipeline
{
    // Ingress 3 and 16: one copy for each port with members, but for the one it came in on.
    private void CompileMulticast()
    {
        if (!_view.RelaysMulticast) return;
        foreach (var (group, ports) in MembersByGroup())
        {
            object?[] inputs = [_view.Key, _view.Ports, ports];
            _pass.Block($"relay {group}", Uuid, Uuid, inputs, block =>
            {
                var to = _here.Destination(group);
                foreach (var ttl in (byte[])[0, 1])
                    block.Add(RouterIngress.IpInput, 84, to.Is(MatchField.IpTtl, ttl),
                        FlowActions.Drop);
                block.Add(RouterIngress.IpInput, 83, to, Next(RouterIngress.IpInput));
                foreach (var from in _view.Ports)
                {
                    var copies = new FlowActions().DecrementTtl();
                    foreach (var port in ports)
                    {
                        if (port == from.Key) continue;
                        copies.Clone(new FlowActions().SetOutport(port).Output());
                    }

                    block.Add(
                        RouterIngress.Routing, 10500, to.Inport(from.Key), copies);
                }
            });
        }
    }

    /// <summary>Keys of ports by the groups that have members at their switches.</summary>
    private SortedDictionary<string, (IpPrefix Group, SortedSet<uint> Ports)> FoundMembers()
    {
        var found =
            new SortedDictionary<string, (IpPrefix, SortedSet<uint>)>(StringComparer.Ordinal);
        var topology = _pass.Topology;
        var portAt = new Dictionary<Guid, uint>();
        foreach (var port in _view.Ports)
        {
            if (topology.PeerOf(port.Row) is { } plug && topology.SwitchOf(plug) is { } owner)
                portAt[owner.Uuid] = port.Key;
        }

        foreach (var (name, groups) in _pass.Host.Sightings.Groups)
        {
            if (topology.SwitchPort(name) is not { } member
                || topology.SwitchIdOf(member.Uuid) is not { } at
                || !portAt.TryGetValue(at, out var key))
            {
                continue;
            }

            foreach (var group in groups.Where(group => !group.IsLinkScope))
            {
                if (!found.TryGetValue($"{group}", out var known))
                    found[$"{group}"] = known = (group, []);
                known.Item2.Add(key);
            }
        }

        return found;
    }

    private IEnumerable<(IpPrefix Group, uint[] Ports)> MembersByGroup() =>
        FoundMembers().Values.Select(each => (each.Group, each.Ports.ToArray()));
}
