using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class SwitchPipeline
{
    private void CompileBalancers()
    {
        foreach (var balancer in _view.Balancers)
        {
            _pass.Block("balancer", balancer.Uuid, Uuid, [balancer, _traits.Key], block =>
            {
                foreach (var service in balancer.Services) AddService(block, balancer, service);
            });
        }
    }

    // Ingress 7 and 15: remember the virtual address, then choose a backend for new connections.
    private void AddService(FlowBlockBuilder block, LoadBalancer balancer, VirtualService service)
    {
        var vip = service.Vip;
        var match = _here.Destination(vip.Address);
        if (vip.Port != 0) match = match.PortDestination(balancer.Protocol, vip.Port);

        var remember = new FlowActions().Set(
            vip.Address.IsIpv6 ? OriginalVip6 : OriginalVip4, vip.Address.Address);
        if (vip.Port != 0) remember.Set(OriginalVipPort, vip.Port);
        block.Add(
            SwitchIngress.PreStateful, 120, match.Has(ConntrackNat),
            remember.Track(PortZone, SwitchIngress.AclHint, translates: true));

        var isNew = match.Has(CtTracked, CtNew);
        var priority = vip.Port != 0 ? 120 : 110;
        if (service.Backends.IsEmpty)
        {
            var refuse = balancer.Rejects
                ? new FlowActions().Punt(ControllerAction.Reject(RejectPlace.SwitchIngress))
                : FlowActions.Drop;
            block.Add(SwitchIngress.LoadBalancing, 130, isNew, refuse);
            return;
        }

        const byte table = SwitchIngress.LoadBalancing;
        var choices = service.Backends.Select(backend => new FlowActions().CommitNat(
            PortZone, Next(SwitchIngress.Used, table), OfNatType.Destination,
            backend.Address.ToAddress(), backend.Port, 0, new OfLoad(Natted, 1))).ToList();
        var chosen = choices.Count == 1
            ? choices[0]
            : new FlowActions().Add(new OfGroup(
                block.AddGroup(choices, BalancerSelection.Of(balancer, service))));
        block.Add(table, priority, isNew, chosen);
        new BalancerAffinity(
            _here, _traits.Key, PortZone, SwitchIngress.AffinityCheck, table,
            SwitchIngress.AffinityLearn, table, SwitchIngress.AffinityLearn,
            SwitchIngress.PreHairpin)
            .Add(block, balancer, service, match, new FlowActions(), [new OfLoad(Natted, 1)]);
        foreach (var backend in service.Backends.Distinct())
            AddHairpin(block, balancer, service, backend);
    }

    // Ingress 17 to 19: a backend that is balanced to itself sees the virtual address as client.
    private void AddHairpinFrame(FlowBlockBuilder block)
    {
        if (!_traits.HasBalancers) return;
        const byte check = SwitchIngress.PreHairpin;
        const byte nat = SwitchIngress.NatHairpin;
        const byte turn = SwitchIngress.Hairpin;
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
        {
            block.Add(check, 100, ip.Has(CtTracked), NextIngress(check, new FlowActions()
                .Set(LookupHairpin, 0).Next(PhysicalTables.HairpinCheck)
                .Move(LookupHairpin, LogicalFields.Hairpin)
                .Set(LookupHairpin, 0).Next(PhysicalTables.HairpinReply)
                .Move(LookupHairpin, LogicalFields.HairpinReply)));
            block.Add(
                nat, 100, ip.Has(CtTracked, CtEstablished, LogicalFields.Hairpin),
                new FlowActions().Track(SnatZone, turn, translates: true));
            block.Add(
                nat, 100, ip.Has(CtTracked, CtNew, LogicalFields.Hairpin),
                FlowActions.To(PhysicalTables.HairpinSnat));
            block.Add(
                nat, 90, ip.Has(LogicalFields.HairpinReply),
                new FlowActions().Track(SnatZone, turn, translates: true));
        }

        foreach (var bit in (Subfield[])[LogicalFields.Hairpin, LogicalFields.HairpinReply])
        {
            block.Add(turn, 1, _here.Has(bit), new FlowActions()
                .Swap(MatchField.EthernetSource, MatchField.EthernetDestination)
                .BackToInport().Output());
        }
    }

    // Side tables 92 to 94.
    private void AddHairpin(
        FlowBlockBuilder block, LoadBalancer balancer, VirtualService service,
        ServiceEndpoint backend)
    {
        var vip = service.Vip;
        var client = balancer.HairpinSource(vip.Address);
        var match = _here.Has(Natted).Source(backend.Address).Destination(backend.Address)
            .Is(vip.Address.IsIpv6 ? OriginalVip6 : OriginalVip4, vip.Address.Address);
        if (vip.Port != 0)
        {
            match = match.PortDestination(balancer.Protocol, backend.Port)
                .Is(OriginalVipPort, vip.Port);
        }

        block.Add(
            PhysicalTables.HairpinCheck, 100, match, new FlowActions()
                .Set(LookupHairpin, 1)
                .Add(LearnReply(balancer, client, backend, vip.Port != 0)));
        block.Add(
            PhysicalTables.HairpinSnat, 100, match, new FlowActions().CommitNat(
                SnatZone, SwitchIngress.Hairpin, OfNatType.Source, client.ToAddress()));
    }

    private OfLearn LearnReply(
        LoadBalancer balancer, IpPrefix client, ServiceEndpoint backend, bool hasPort)
    {
        const ushort idleSeconds = 300;
        OfLearnSpec Match(MatchField field, UInt128 value) => new(
            OfLearnDestination.Match, (ushort)field.BitWidth, null, value, field);
        var isIpv6 = client.IsIpv6;
        var specs = new List<OfLearnSpec>
        {
            new(OfLearnDestination.Match, 64, null, _traits.Key, MatchField.Metadata),
            Match(MatchField.EthernetType, isIpv6 ? (uint)0x86dd : 0x0800),
            Match(
                isIpv6 ? MatchField.Ipv6Source : MatchField.Ipv4Source, backend.Address.Address),
            Match(
                isIpv6 ? MatchField.Ipv6Destination : MatchField.Ipv4Destination, client.Address),
        };
        if (hasPort)
        {
            specs.Add(Match(MatchField.IpProtocol, balancer.Protocol));
            specs.Add(Match(
                balancer.Protocol switch
                {
                    17 => MatchField.UdpSource,
                    132 => MatchField.SctpSource,
                    _ => MatchField.TcpSource,
                },
                backend.Port));
        }

        specs.Add(new OfLearnSpec(OfLearnDestination.Load, 1, null, 1, LookupHairpin));
        return new OfLearn(
            idleSeconds, 0, 100, FlowBlockBuilder.CookieOf(balancer.Uuid), OfLearnFlags.None,
            PhysicalTables.HairpinReply, 0, 0, [.. specs]);
    }
}

/// <summary>How a load balancer spreads connections over its backends.</summary>
internal static class BalancerSelection
{
    /// <summary>
    /// By the datapath's hash of the 5-tuple, or by the fields that the row names.
    /// </summary>
    public static OfSelectionMethod Of(LoadBalancer balancer, VirtualService service)
    {
        if (balancer.SelectionFields.IsEmpty) return new OfSelectionMethod("dp_hash", 0, []);
        var isIpv6 = service.Vip.Address.IsIpv6;
        var fields = balancer.SelectionFields
            .Select(name => FieldOf(name, isIpv6, balancer.Protocol))
            .OfType<MatchField>()
            .Select(field => new MatchEntry(field, field.ExactMask, field.ExactMask));
        return new OfSelectionMethod("hash", 0, fields.ToEquatableArray());
    }

    private static MatchField? FieldOf(string name, bool isIpv6, byte protocol) => name switch
    {
        "eth_src" => MatchField.EthernetSource,
        "eth_dst" => MatchField.EthernetDestination,
        "ip_src" => isIpv6 ? null : MatchField.Ipv4Source,
        "ip_dst" => isIpv6 ? null : MatchField.Ipv4Destination,
        "ipv6_src" => isIpv6 ? MatchField.Ipv6Source : null,
        "ipv6_dst" => isIpv6 ? MatchField.Ipv6Destination : null,
        "tp_src" => protocol == 17 ? MatchField.UdpSource : MatchField.TcpSource,
        "tp_dst" => protocol == 17 ? MatchField.UdpDestination : MatchField.TcpDestination,
        _ => null,
    };
}
