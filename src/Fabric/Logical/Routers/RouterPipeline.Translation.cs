using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>NAT: on a gateway router everywhere, else at a distributed gateway port.</content>
internal sealed partial class RouterPipeline
{
    private const int GatewayOffset = 128;
    private const int MatchedOffset = 300;

    /// <summary>One NAT rule as it acts on this host.</summary>
    /// <param name="Port">The gateway port; null on a gateway router.</param>
    /// <param name="Inside">Packets that come in where the rule works.</param>
    /// <param name="Outside">Packets that leave where the rule works.</param>
    private sealed record ActiveNat(
        NatRule Rule, RouterPortView? Port, FlowMatch Inside, FlowMatch Outside,
        ImmutableArray<MatchProduct> Products)
    {
        /// <summary>A floating address, translated on the host of its port.</summary>
        public bool IsFloating => Port is not null && Rule.IsDistributed;
    }

    private void CompileTranslations()
    {
        foreach (var rule in _view.Nat)
        {
            var port = _view.NatPort(rule);
            var isHome = rule.LogicalPort is { } home && _pass.Host.IsResident(home);
            object?[] inputs =
            [
                rule, _view.Key, port, isHome, _view.IsGatewayRouter, SetOf(rule.AllowedExternal),
                SetOf(rule.ExemptedExternal), _view.DnatForceSnat, MeaningOf(rule.Text),
                _view.IsGatewayRouter ? _view.Ports : null,
            ];
            _pass.ExpressionBlock(
                "NAT", "nat", rule.Uuid, Uuid, inputs, block => AddNat(block, rule, port, isHome));
        }

        CompileFrame();
        CompileBalancers();
    }

    private AddressSet? SetOf(Guid? uuid) =>
        uuid is { } row ? _pass.Topology.Rows.AddressSets.GetValueOrDefault(row) : null;

    /// <summary>What a rule's own match means here; what does not parse is said later.</summary>
    private object? MeaningOf(string text)
    {
        if (text.Length == 0) return null;
        try
        {
            return _names.MeaningOf(ExpressionParser.Parse(text));
        }
        catch (ExpressionException)
        {
            return text;
        }
    }

    private void AddNat(FlowBlockBuilder block, NatRule rule, RouterPortView? port, bool isHome)
    {
        if (!_view.IsGatewayRouter && port is null) return;
        ImmutableArray<MatchProduct> products = rule.Text.Length == 0
            ? [MatchProduct.Everything]
            : ExpressionNormalizer.Normalize(ExpressionParser.Parse(rule.Text), _names);
        var nat = new ActiveNat(
            rule, port, port is null ? _here : _here.Inport(port.Key),
            port is null ? _here : _here.Outport(port.Key), products);
        var hopMac = nat.IsFloating ? rule.ExternalMac!.Value : port?.Row.Mac ?? default;
        if (port is not null && rule.External.IsHost)
            AddTranslatedHop(block, port, rule.External, hopMac);
        AnswerAnywhere(block, port, rule.External);
        if (port is not null && !(nat.IsFloating ? isHome : port.IsResident)) return;

        if (nat.IsFloating) AddFloating(block, rule, port!);
        if (port is not null && rule.External.IsHost)
            AddEgressLoopback(block, port, rule.External);
        foreach (var asker in port is null ? _view.Ports : [port])
            AddNatNeighbor(block, nat, asker);
        if (rule.Type is "snat" or "dnat_and_snat") AddSource(block, nat);
        if (rule.Type is "dnat" or "dnat_and_snat") AddDestination(block, nat);
    }

    // Ingress 3: ARP and ND for the external address. The gateway port's own one, too: below
    // 92 nobody answers for an address that is translated.
    private void AddNatNeighbor(FlowBlockBuilder block, ActiveNat nat, RouterPortView port)
    {
        var external = nat.Rule.External;
        var isAsked = nat.Port is not null
            || port.Row.Networks.Any(network => network.Contains(external.Host));
        if (!external.IsHost || !isAsked) return;
        var mac = nat.IsFloating ? nat.Rule.ExternalMac!.Value : port.Row.Mac;
        AnswerFor(block, port, external, mac);
    }

    // Ingress 3: at other ports a request for a translated address is answered, too.
    private void AnswerAnywhere(FlowBlockBuilder block, RouterPortView? gateway, IpPrefix address)
    {
        const byte input = RouterIngress.IpInput;
        if (address.IsIpv6 || !address.IsHost) return;
        var request = _here.Arp(1).Is(MatchField.ArpTpa, address.Address);
        block.Add(input, 89, request, SwitchPipeline.AnswerArp(InportMac, (uint)address.Address));
        if (gateway is not null)
            block.Add(input, 91, request.Inport(gateway.Key), FlowActions.Drop);
    }

    private void AnswerFor(
        FlowBlockBuilder block, RouterPortView port, IpPrefix own, Fabric.Wire.MacBytes mac)
    {
        const byte input = RouterIngress.IpInput;
        var from = _here.Inport(port.Key);
        if (own.IsIpv6)
        {
            block.Add(
                input, 92, from.Neighbor(135).Is(MatchField.NdTarget, own.Address),
                new FlowActions().Punt(ControllerAction.NdAdvert(mac.ToUInt64(), isRouter: true)));
            return;
        }

        block.Add(
            input, 92, from.Arp(1).Is(MatchField.ArpTpa, own.Address),
            SwitchPipeline.AnswerArp(mac, (uint)own.Address));
    }

    /// <summary>
    /// Sets of external addresses: of the allowed ones only, and not of the exempted ones.
    /// </summary>
    private void AddRestricted(
        FlowBlockBuilder block, byte table, int priority, FlowMatch match, ActiveNat nat,
        bool isExternalSource, FlowActions actions)
    {
        var rule = nat.Rule;
        var isIpv6 = rule.External.IsIpv6;
        var field = isExternalSource
            ? isIpv6 ? MatchField.Ipv6Source : MatchField.Ipv4Source
            : isIpv6 ? MatchField.Ipv6Destination : MatchField.Ipv4Destination;
        ImmutableArray<MaskedValue> Members(AddressSet set) =>
            set.Members.OfWidth(isIpv6 ? 128 : 32);
        if (SetOf(rule.ExemptedExternal) is { } exempted)
        {
            foreach (var value in Members(exempted))
            {
                if (match.TryAnd(field, value, out var spared))
                    block.Add(table, priority + 2, spared, Next(table));
            }
        }

        if (SetOf(rule.AllowedExternal) is not { } allowed)
        {
            block.Add(table, priority, match, nat.Products, actions);
            return;
        }

        foreach (var value in Members(allowed))
        {
            if (match.TryAnd(field, value, out var narrower))
                block.Add(table, priority, narrower, nat.Products, actions);
        }
    }

    // Ingress 5 undoes it for replies, egress 3 does it.
    private void AddSource(FlowBlockBuilder block, ActiveNat nat)
    {
        const byte undo = RouterIngress.UnSnat;
        const byte table = RouterEgress.Snat;
        var rule = nat.Rule;
        if (!rule.IsStateless)
        {
            block.Add(
                undo, nat.Port is null ? 90 : 100, nat.Inside.Destination(rule.External.Host),
                new FlowActions().Track(SnatZone, NextStage(undo), translates: true));
        }

        var priority = rule.Logical.Length + 1 + (nat.Port is null ? 0 : GatewayOffset);
        if (rule.Text.Length > 0) priority = MatchedOffset + rule.Priority;
        var actions = new FlowActions();
        if (nat.IsFloating) actions.Set(MatchField.EthernetSource, rule.ExternalMac!.Value);
        var match = nat.Outside.Source(rule.Logical.Network);
        if (rule.IsStateless)
        {
            var field = rule.External.IsIpv6 ? MatchField.Ipv6Source : MatchField.Ipv4Source;
            AddRestricted(block, table, priority, match, nat, isExternalSource: false,
                Next(table, actions.Set(field, rule.External.Address)));
            return;
        }

        var (low, high) = rule.Type == "snat" ? rule.Ports : default;
        actions.CommitNat(
            SnatZone, NextStage(table), OfNatType.Source, rule.External.ToAddress(), low, high);
        foreach (var each in nat.Port is null ? NotReply(match) : [match])
            AddRestricted(block, table, priority, each, nat, isExternalSource: false, actions);
    }

    /// <summary>!ct.trk || !ct.rpl.</summary>
    private static FlowMatch[] NotReply(FlowMatch match) =>
        [match.Lacks(CtTracked), match.Has(CtTracked).Lacks(CtReply)];

    // Ingress 10 does it, egress 1 undoes it for replies.
    private void AddDestination(FlowBlockBuilder block, ActiveNat nat)
    {
        const byte table = RouterIngress.Dnat;
        const byte undo = RouterEgress.UnDnat;
        var rule = nat.Rule;
        var match = nat.Inside.Destination(rule.External.Host);
        var priority = rule.Text.Length > 0 ? MatchedOffset + rule.Priority : 100;
        var actions = new FlowActions();
        if (nat.Port is null) actions.Set(AllowLoopback, 1);
        if (rule.IsStateless)
        {
            var field = rule.External.IsIpv6
                ? MatchField.Ipv6Destination
                : MatchField.Ipv4Destination;
            AddRestricted(block, table, priority, match, nat, isExternalSource: true,
                Next(table, actions.Set(field, rule.Logical.Address)));
            return;
        }

        if (nat.Port is null && !_view.DnatForceSnat.IsEmpty) actions.Set(ForceSnatForDnat, 1);
        var (low, high) = rule.Ports;
        actions.CommitNat(
            DnatZone, NextStage(table), OfNatType.Destination, rule.Logical.ToAddress(), low, high);
        AddRestricted(block, table, priority, match, nat, isExternalSource: true, actions);
        if (nat.Port is null) return; // Gateway routers undo it for every packet.
        var before = new FlowActions();
        if (nat.IsFloating) before.Set(MatchField.EthernetSource, rule.ExternalMac!.Value);
        block.Add(
            undo, 100, nat.Outside.Source(rule.Logical.Host),
            before.Track(DnatZone, NextStage(undo), translates: true));
    }

    private static byte NextStage(byte stage)
    {
        var used = stage >= PhysicalTables.LogicalEgress ? RouterEgress.Used : RouterIngress.Used;
        return used[Array.IndexOf(used, stage) + 1];
    }
}
