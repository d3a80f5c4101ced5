using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <summary>The tables of one of the three places where ACLs are evaluated.</summary>
internal sealed record AclStages(
    bool IsEgress, bool IsLate, byte? Hint, byte Evaluation, byte Action, byte[] Used)
{
    public static AclStages Ingress { get; } = new(
        false, false, SwitchIngress.AclHint, SwitchIngress.AclEvaluation, SwitchIngress.AclAction,
        SwitchIngress.Used);

    public static AclStages AfterLoadBalancing { get; } = new(
        false, true, null, SwitchIngress.AclAfterLbEvaluation, SwitchIngress.AclAfterLbAction,
        SwitchIngress.Used);

    public static AclStages Egress { get; } = new(
        true, false, SwitchEgress.AclHint, SwitchEgress.AclEvaluation, SwitchEgress.AclAction,
        SwitchEgress.Used);

    public static AclStages Of(Acl acl) =>
        acl.IsEgress ? Egress : acl.IsAfterLoadBalancing ? AfterLoadBalancing : Ingress;

    public FlowActions Next(byte stage, FlowActions? before = null) =>
        (before ?? new FlowActions()).Next(SwitchPipeline.Next(Used, stage));
}

internal sealed partial class SwitchPipeline
{
    private const int AclOffset = 1000;
    private const int AclAlways = 65532;

    private static readonly byte[] NeighborTypes = [135, 136, 133, 134];
    private static readonly byte[] ListenerTypes = [130, 131, 132, 143];

    // Pre-ACL, pre-LB, pre-stateful and stateful: what goes through connection tracking.
    private void AddTracking(FlowBlockBuilder block, bool isEgress)
    {
        if (!_traits.IsStateful) return;

        var preAcl = isEgress ? SwitchEgress.PreAcl : SwitchIngress.PreAcl;
        var preLb = isEgress ? SwitchEgress.PreLoadBalancing : SwitchIngress.PreLoadBalancing;
        var preStateful = isEgress ? SwitchEgress.PreStateful : SwitchIngress.PreStateful;
        var stateful = isEgress ? SwitchEgress.Stateful : SwitchIngress.Stateful;
        var hint = isEgress ? SwitchEgress.AclHint : SwitchIngress.AclHint;
        FlowActions Then(byte stage, FlowActions? before = null) =>
            isEgress ? NextEgress(stage, before) : NextIngress(stage, before);

        foreach (var table in (byte[])[preAcl, preLb])
        {
            block.Add(table, 110, _here.Has(DestinationMulticast), Then(table));
            foreach (var untracked in NeverTracked()) block.Add(table, 110, untracked, Then(table));
        }

        block.Add(preLb, 111, _here.Has(IsStateless), Then(preLb));
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
        {
            block.Add(preAcl, 100, ip, Then(preAcl, new FlowActions().Set(ConntrackDefrag, 1)));
            if (_traits.HasBalancers)
                block.Add(preLb, 100, ip, Then(preLb, new FlowActions().Set(ConntrackNat, 1)));
        }

        block.Add(
            preStateful, 110, _here.Has(ConntrackNat),
            new FlowActions().Track(PortZone, hint, translates: true));
        block.Add(
            preStateful, 100, _here.Has(ConntrackDefrag),
            new FlowActions().Track(PortZone, hint));

        // The commit bit without and with a label, and with persist-established.
        OfAction[] plain = [new OfLoad(Blocked, 0)];
        block.Add(
            stateful, 100, _here.Has(ConntrackCommit).Lacks(HasLabel, PersistEstablished),
            Then(stateful, new FlowActions().Commit(PortZone, plain)));
        block.Add(
            stateful, 100, _here.Has(ConntrackCommit, HasLabel).Lacks(PersistEstablished),
            Then(stateful, new FlowActions().Commit(
                PortZone, [.. plain, new OfMove(AclLabel, ConnectionLabel)])));
        block.Add(
            stateful, 100, _here.Has(ConntrackCommit, PersistEstablished).Lacks(HasLabel),
            Then(stateful, new FlowActions().Commit(
                PortZone, [.. plain, new OfLoad(AllowEstablished, 1)])));
        block.Add(
            stateful, 100, _here.Has(ConntrackCommit, PersistEstablished, HasLabel),
            Then(stateful, new FlowActions().Commit(
                PortZone,
                [
                    .. plain, new OfLoad(AllowEstablished, 1),
                    new OfMove(AclLabel, ConnectionLabel),
                ])));
    }

    /// <summary>
    /// Neighbor discovery, router discovery, multicast listener messages, and probes of services.
    /// </summary>
    private IEnumerable<FlowMatch> NeverTracked() =>
    [
        .. NeighborTypes.Select(type => _here.Neighbor(type)),
        .. ListenerTypes.Select(type => _here.Icmp6(type)),
        .. _traits.ProbeMac is { } mac
            ? (FlowMatch[])
            [
                _here.Is(MatchField.EthernetSource, mac),
                _here.Is(MatchField.EthernetDestination, mac),
            ]
            : [],
    ];

    // Pre-ACL and pre-LB of ports towards routers and physical networks: not tracked here.
    private void AddTransit(FlowBlockBuilder block, SwitchPortView port)
    {
        if (!_traits.IsStateful || !port.IsTransit) return;
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
        {
            foreach (var table in (byte[])[SwitchIngress.PreAcl, SwitchIngress.PreLoadBalancing])
                block.Add(table, 110, ip.Inport(port.Key), NextIngress(table));
            foreach (var table in (byte[])[SwitchEgress.PreAcl, SwitchEgress.PreLoadBalancing])
            {
                // With stateful ACLs the connection keeps what the sender's zone knows of it.
                var before = new FlowActions();
                if (!_traits.HasStatefulAcls) before.ClearConntrack();
                block.Add(table, 110, ip.Outport(port.Key), NextEgress(table, before));
            }
        }
    }

    /// <summary>With default drop, any ACL makes both directions drop what none allows.</summary>
    private bool Has(AclStages stages) => stages.IsLate
        ? _traits.HasLateAcls
        : _traits.HasAcls && (_traits.DropsByDefault
            || (stages.IsEgress ? _traits.HasEgressAcls : _traits.HasIngressAcls));

    /// <summary>Hints, the rules that hold whatever the ACLs say, and the verdicts.</summary>
    private void AddAclFrame(FlowBlockBuilder block, AclStages stages)
    {
        if (_traits.IsStateful && !stages.IsLate) AddHints(block, stages);
        if (_traits.IsStateful) AddConnectionRules(block, stages);
        if (_traits.IsStateful || _traits.HasAcls) AddAlwaysAllowed(block, stages);
        if (_traits.IsStateful || Has(stages)) AddVerdicts(block, stages);
    }

    // ACL hint: which kinds of ACL a packet may match, from the state of its connection.
    private void AddHints(FlowBlockBuilder block, AclStages stages)
    {
        var table = stages.Hint!.Value;
        void Hint(int priority, FlowMatch match, params Subfield[] bits)
        {
            var actions = new FlowActions();
            foreach (var bit in bits) actions.Set(bit, 1);
            block.Add(table, priority, match, stages.Next(table, actions));
        }

        Hint(7, _here.Has(CtTracked, CtNew).Lacks(CtEstablished), HintAllowNew, HintDrop);
        var established = _here.Has(CtTracked, CtEstablished).Lacks(CtNew, CtReply);
        Hint(6, established.Lacks(CtRelated).Has(Blocked), HintAllowNew, HintDrop);
        Hint(5, _here.Lacks(CtTracked), HintAllow, HintDrop);
        Hint(4, established.Lacks(CtRelated, Blocked), HintAllow, HintBlock);
        Hint(3, _here.Has(CtTracked).Lacks(CtEstablished), HintDrop);
        Hint(2, _here.Has(CtTracked, CtEstablished, Blocked), HintDrop);
        Hint(1, _here.Has(CtTracked, CtEstablished).Lacks(Blocked), HintBlock);
    }

    // ACL evaluation: replies, related traffic and neighbor discovery pass; invalid does not.
    private void AddConnectionRules(FlowBlockBuilder block, AclStages stages)
    {
        var table = stages.Evaluation;
        var allow = stages.Next(table, new FlowActions().Set(AclAllow, 1));
        var drop = stages.Next(table, new FlowActions().Set(AclDrop, 1));
        var established = _here.Has(CtTracked, CtEstablished).Lacks(CtNew, CtInvalid);

        var related =
            _here.Has(CtTracked, CtRelated).Lacks(CtEstablished, CtNew, CtInvalid, Blocked);
        block.Add(table, AclAlways, related, allow);
        block.Add(
            table, AclAlways, established.Has(CtReply).Lacks(CtRelated, Blocked),
            stages.Next(table, new FlowActions()
                .Set(HintDrop, 0).Set(HintBlock, 0).Set(AclAllow, 1)));
        if (_traits.MatchesInvalid)
            block.Add(table, AclAlways, _here.Has(CtTracked, CtInvalid), drop);
        block.Add(
            table, AclAlways, _here.Has(CtTracked, CtEstablished, CtReply, Blocked)
                .Lacks(CtInvalid), drop);
        block.Add(
            table, AclAlways + 1, established.Has(AllowEstablished).Lacks(CtReply), allow);

        // New traffic that no ACL names is committed too: its replies must not look invalid.
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
        {
            var commit = stages.Next(table, new FlowActions().Set(ConntrackCommit, 1));
            block.Add(table, 1, ip.Has(CtTracked).Lacks(CtEstablished), commit);
            block.Add(table, 1, ip.Has(CtTracked, CtEstablished, Blocked), commit);
        }
    }

    // ACL evaluation: neighbor discovery and listener messages pass, whatever the ACLs say.
    private void AddAlwaysAllowed(FlowBlockBuilder block, AclStages stages)
    {
        var allow = stages.Next(stages.Evaluation, new FlowActions().Set(AclAllow, 1));
        foreach (var untracked in NeverTracked())
            block.Add(stages.Evaluation, AclAlways, untracked, allow);
    }

    // ACL action: act on the verdict, or go round again in the next tier.
    private void AddVerdicts(FlowBlockBuilder block, AclStages stages)
    {
        var table = stages.Action;
        FlowActions Cleared() => new FlowActions().Set(AclVerdict, 0).Set(AclTier, 0);
        block.Add(table, 1000, _here.Has(AclAllow), stages.Next(table, Cleared()));
        block.Add(table, 1000, _here.Has(AclDrop).Lacks(AclAllow), FlowActions.Drop);
        block.Add(
            table, 1000, _here.Has(AclReject).Lacks(AclAllow, AclDrop),
            new FlowActions().Punt(ControllerAction.Reject(
                stages.IsEgress ? RejectPlace.SwitchEgress : RejectPlace.SwitchIngress)));
        for (var tier = 0; tier < _traits.TierMax; tier++)
        {
            block.Add(
                table, 500, _here.Is(AclVerdict, 0).Is(AclTier, (uint)tier),
                new FlowActions().Set(AclTier, (uint)tier + 1).Next(stages.Evaluation));
        }

        block.Add(
            table, 0, _here,
            _traits.DropsByDefault && _traits.HasAcls && !stages.IsLate
                ? FlowActions.Drop
                : stages.Next(table, Cleared()));
    }

    private void CompileAcls()
    {
        foreach (var acl in _view.Acls)
        {
            _names.FieldHere = acl.IsEgress ? "reg15" : "reg14";
            object?[] inputs =
            [
                acl, _traits.Key, _traits.IsStateful, _traits.TierMax,
                _names.MeaningOf(acl.Match), _pass.Topology.MeterInputs(acl.Meter),
            ];
            _pass.ExpressionBlock(
                "ACL", "acl", acl.Uuid, Uuid, inputs, block => AddAcl(block, acl));
        }
    }

    private void AddAcl(FlowBlockBuilder block, Acl acl)
    {
        var stages = AclStages.Of(acl);
        _names.FieldHere = acl.IsEgress ? "reg15" : "reg14";
        var products = ExpressionNormalizer.Normalize(acl.Match, _names);
        var meter = acl.IsLogged ? _pass.MeterFor(acl.Meter, block) : null;
        var priority = acl.Priority + AclOffset;
        var here = _traits.TierMax > 0 ? _here.Is(AclTier, (uint)acl.Tier) : _here;
        var table = stages.Evaluation;
        if (acl.Action == "pass")
        {
            block.Add(table, priority, here, products, stages.Next(table, Logged(acl, meter)));
            return;
        }

        if (!_traits.IsStateful)
        {
            block.Add(table, priority, here, products, stages.Next(table, Verdict(acl, meter)));
            return;
        }

        if (acl.IsStateless)
        {
            var pre = acl.IsEgress ? SwitchEgress.PreAcl : SwitchIngress.PreAcl;
            block.Add(
                pre, priority, _here, products,
                stages.Next(pre, new FlowActions().Set(IsStateless, 1)));
            block.Add(table, priority, here, products, stages.Next(table, Verdict(acl, meter)));
            return;
        }

        if (acl.Allows) AddAllow(block, acl, meter, stages, here, products);
        else AddDeny(block, acl, meter, stages, here, products);
    }

    private static void AddAllow(
        FlowBlockBuilder block, Acl acl, uint? meter, AclStages stages, FlowMatch here,
        ImmutableArray<MatchProduct> products)
    {
        var table = stages.Evaluation;
        var priority = acl.Priority + AclOffset;
        FlowActions Committing()
        {
            var actions = Verdict(acl, meter).Set(ConntrackCommit, 1);
            if (acl.Label != 0) actions.Set(HasLabel, 1).Set(AclLabel, acl.Label);
            if (acl.PersistsEstablished) actions.Set(PersistEstablished, 1);
            return actions;
        }

        block.Add(
            table, priority, here.Has(HintAllowNew), products, stages.Next(table, Committing()));
        block.Add(
            table, priority, here.Has(HintAllow).Lacks(HintAllowNew), products,
            stages.Next(table, acl.Label != 0 ? Committing() : Verdict(acl, meter)));
    }

    private static void AddDeny(
        FlowBlockBuilder block, Acl acl, uint? meter, AclStages stages, FlowMatch here,
        ImmutableArray<MatchProduct> products)
    {
        var table = stages.Evaluation;
        var priority = acl.Priority + AclOffset;
        block.Add(
            table, priority, here.Has(HintDrop), products,
            stages.Next(table, Verdict(acl, meter)));

        // The connection was allowed once: remember that it no longer is.
        var block1 = Verdict(acl, meter).Commit(PortZone, new OfLoad(Blocked, 1));
        block.Add(
            table, priority, here.Has(HintBlock).Lacks(HintDrop), products,
            stages.Next(table, block1));
    }

    private static FlowActions Verdict(Acl acl, uint? meter)
    {
        var bit = acl.Allows ? AclAllow : acl.Action == "reject" ? AclReject : AclDrop;
        return Logged(acl, meter).Set(bit, 1);
    }

    private static FlowActions Logged(Acl acl, uint? meter)
    {
        var actions = new FlowActions();
        if (!acl.IsLogged) return actions;
        var log = ControllerAction.Log(acl);
        return meter is { } id
            ? actions.Clone(new FlowActions().Meter(id).Punt(log))
            : actions.Punt(log);
    }

    private void CompileQos()
    {
        foreach (var uuid in _view.Row.QosRules)
        {
            if (!_pass.Topology.Rows.QosRules.TryGetValue(uuid, out var rule)) continue;
            _names.FieldHere = rule.IsEgress ? "reg15" : "reg14";
            object?[] inputs = [rule, _traits.Key, _names.MeaningOf(rule.Match)];
            _pass.ExpressionBlock("QoS", "qos", uuid, Uuid, inputs, block => AddQos(block, rule));
        }
    }

    // QoS: mark packets, and drop those above a rate.
    private void AddQos(FlowBlockBuilder block, QosRule rule)
    {
        var table = rule.IsEgress ? SwitchEgress.Qos : SwitchIngress.Qos;
        var used = rule.IsEgress ? SwitchEgress.Used : SwitchIngress.Used;
        var actions = new FlowActions();
        if (rule.Dscp is { } dscp) actions.Set(MatchField.IpDscp, (uint)dscp);
        if (rule.Mark is { } mark) actions.Set(MatchField.PacketMark, mark);
        if (rule.RateKilobits > 0)
            actions.Meter(block.AddMeter(false, rule.RateKilobits, rule.BurstKilobits));
        actions.Next(Next(used, table));

        // To set DSCP is to ask for IP, whether the match says so or not.
        FlowMatch[] families = rule.Dscp is null ? [_here] : [_here.Ip4(), _here.Ip6()];
        var products = ExpressionNormalizer.Normalize(rule.Match, _names);
        foreach (var family in families)
            block.Add(table, rule.Priority, family, products, actions);
    }
}
