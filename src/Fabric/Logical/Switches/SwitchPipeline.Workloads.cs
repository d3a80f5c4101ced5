using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>What the control plane follows of workloads: virtual ports, probes, groups.</content>
internal sealed partial class SwitchPipeline
{
    private void CompileWorkloads()
    {
        CompileVirtualPorts();
        CompileExternalPorts();
        CompileProbes();
        if (MulticastSnooping.Of(_view.Row) is { } snooping) CompileGroups(snooping);
    }

    // Ingress 34 and 35: a parent says that it has the address of a virtual port.
    private void CompileVirtualPorts()
    {
        foreach (var port in _view.VirtualPorts)
        {
            if (VirtualPorts.AddressOf(port.Row) is not { } address) continue;
            var parents = VirtualPorts.ParentsOf(port.Row)
                .Select(_names.PortKey).OfType<uint>().ToList();
            object?[] inputs = [port.Row, port.Key, _traits.Key, parents];
            _pass.Block("virtual", port.Row.Uuid, Uuid, inputs, block =>
            {
                foreach (var parent in parents)
                    AddVirtualPort(block, _here.Inport(parent), port.Key, address);
            });
        }
    }

    private static void AddVirtualPort(
        FlowBlockBuilder block, FlowMatch from, uint port, IpPrefix address)
    {
        var table = address.IsIpv6 ? SwitchIngress.NdResponse : SwitchIngress.ArpResponse;
        var claim = NextIngress(
            table, new FlowActions().Punt(ControllerAction.BindVirtual(port)));
        FlowMatch[] signs = address.IsIpv6
            ? [from.Neighbor(136).Is(MatchField.NdTarget, address.Address)]
            :
            [
                from.Arp(2).Is(MatchField.ArpSpa, address.Address),
                from.Arp(1).Is(MatchField.ArpSpa, address.Address)
                    .Is(MatchField.ArpTpa, address.Address),
            ];
        foreach (var sign in signs) block.Add(table, 110, sign, claim);
    }

    // Ingress 34, 35 and 41: addresses that probes come from, and what backends answer them.
    private void CompileProbes()
    {
        if (_traits.ProbeMac is not { } mac) return;
        var sources = ServiceChecks.SourcesOn(_pass.Topology, Uuid);
        if (sources.IsEmpty) return;
        object?[] inputs = [_traits.Key, mac, sources];
        _pass.Block("probes", Uuid, Uuid, inputs, block =>
        {
            foreach (var source in sources)
            {
                if (source.IsIpv6)
                {
                    block.Add(
                        SwitchIngress.NdResponse, 110,
                        _here.Neighbor(135).Is(MatchField.NdTarget, source.Address),
                        new FlowActions().Punt(
                            ControllerAction.NdAdvert(mac.ToUInt64(), isRouter: false)));
                    continue;
                }

                block.Add(
                    SwitchIngress.ArpResponse, 110,
                    _here.Arp(1).Is(MatchField.ArpTpa, source.Address),
                    AnswerArp(mac, (uint)source.Address));
            }

            var answers = new FlowActions().Punt(ControllerAction.ServiceAnswer());
            foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
            {
                block.Add(
                    SwitchIngress.L2Lookup, 110,
                    ip.Is(MatchField.EthernetDestination, mac), answers);
            }
        });
    }

    // Ingress 41: multicast goes to members, to ports that want all of it, and to nobody else.
    private void CompileGroups(MulticastSnooping snooping)
    {
        var members = new SortedDictionary<UInt128, (IpPrefix Group, List<uint> Ports)>();
        foreach (var (name, groups) in _pass.Host.Sightings.Groups)
        {
            if (_names.PortKey(name) is not { } key) continue;
            foreach (var group in groups)
            {
                if (!members.TryGetValue(group.Address, out var known))
                    members[group.Address] = known = (group, []);
                known.Ports.Add(key);
            }
        }

        ImmutableArray<uint> Ports(string option) =>
        [
            .. _view.Ports.Where(port => port.Row.Options.GetValueOrDefault(option) == "true")
                .Select(port => port.Key),
        ];
        ImmutableArray<uint> relays =
        [
            .. _view.Ports.Where(port => port.Peer is { } peer && _pass.Topology.RouterOf(peer)
                    is { } router && router.Options.GetValueOrDefault("mcast_relay") == "true")
                .Select(port => port.Key),
        ];
        var (all, reports) =
            (Ports("mcast_flood").AddRange(relays), Ports("mcast_flood_reports"));
        var rows = members.Values.Take(snooping.TableSize).ToList();
        var text = string.Join(
            ';', rows.Select(row => $"{row.Group} {string.Join(' ', row.Ports.Order())}"));
        object?[] inputs = [_traits.Key, snooping, all, reports, text];
        _pass.Block("groups", Uuid, Uuid, inputs, block =>
        {
            AddMembership(block, [.. reports.Union(all).Order()]);
            foreach (var (group, ports) in rows)
            {
                block.Add(
                    SwitchIngress.L2Lookup, 90, _here.Destination(group),
                    ToAll([.. ports.Union(all).Order()]));
            }

            AddUnregistered(block, snooping, all);
        });
    }

    // Reports and queries: learnt from, then sent on by the control plane.
    private void AddMembership(FlowBlockBuilder block, ImmutableArray<uint> listeners)
    {
        const byte lookup = SwitchIngress.L2Lookup;
        foreach (var message in (FlowMatch[])
            [_here.Ip4().Protocol(2), .. ListenerTypes.Select(type => _here.Icmp6(type))])
        {
            block.Add(
                lookup, 100, message.Lacks(FromController),
                new FlowActions().Punt(ControllerAction.Membership()));
            block.Add(lookup, 100, message.Has(FromController), ToAll(listeners));
        }
    }

    private void AddUnregistered(
        FlowBlockBuilder block, MulticastSnooping snooping, ImmutableArray<uint> all)
    {
        const byte lookup = SwitchIngress.L2Lookup;
        var flood = new FlowActions().SetOutport(FloodL2Group).Output();
        block.Add(lookup, 85, _here.Destination(IpPrefix.V4(0xe000_0000, 24)), flood);
        if (snooping.FloodsUnregistered) return;
        block.Add(lookup, 80, _here.Destination(IpPrefix.V4(0xe000_0000, 4)), ToAll(all));

        // Of IPv6 every scope but the link's, where neighbor discovery is (RFC 4291 2.7).
        const uint linkScope = 2;
        for (uint scope = 0; scope < 16; scope++)
        {
            if (scope == linkScope) continue;
            block.Add(
                lookup, 80,
                _here.Ip6().Masked(
                    MatchField.Ipv6Destination, (UInt128)(0xff00 | scope) << 112,
                    (UInt128)0xff0f << 112),
                ToAll(all));
        }
    }

    private static FlowActions ToAll(ImmutableArray<uint> ports)
    {
        var actions = new FlowActions();
        foreach (var port in ports) actions.SetOutport(port).Output();
        return actions;
    }
}
