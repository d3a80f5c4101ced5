using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <summary>Session affinity of load balancers: a client keeps its backend for a while.</summary>
/// <remarks>
/// Three stages of a switch or router. Check asks side table 102, whose flows are learnt, which
/// backend the client had; balancing then prefers that one; learn remembers the one chosen. A
/// backend is known by 16 bits of a hash of its address, so that a changed list does no harm.
/// </remarks>
/// <param name="Check">Table of the stage before balancing.</param>
/// <param name="Balance">Table where backends are chosen.</param>
/// <param name="Learn">Table of the stage after balancing.</param>
internal sealed record BalancerAffinity(
    FlowMatch Here, uint Datapath, Subfield Zone, byte Check, byte Balance, byte Learn,
    byte AfterCheck, byte AfterBalance, byte AfterLearn)
{
    private static readonly Subfield Backend = new(MatchField.Find("reg8")!, 0, 16);
    private static readonly Subfield Known = new(MatchField.Find("reg9")!, 6, 1);

    /// <param name="match">Packets to the virtual address.</param>
    /// <param name="marks">What balancing writes into the connection's mark.</param>
    public void Add(
        FlowBlockBuilder block, LoadBalancer balancer, VirtualService service, FlowMatch match,
        FlowActions before, OfAction[] marks)
    {
        if (balancer.AffinitySeconds == 0) return;
        var vip = service.Vip;
        var remember = new FlowActions()
            .Set(vip.Address.IsIpv6 ? OriginalVip6 : OriginalVip4, vip.Address.Address)
            .Set(OriginalVipPort, vip.Port)
            .Set(LookupAffinity, 0).Next(PhysicalTables.AffinityCheck)
            .Move(LookupAffinity, Known);
        var isNew = match.Has(CtTracked, CtNew);
        block.Add(Check, 100, isNew, remember.Next(AfterCheck));
        foreach (var backend in service.Backends.Distinct())
        {
            var id = IdOf(backend);
            block.Add(
                Balance, 150, isNew.Has(Known).Is(Backend, id),
                new FlowActions().Append(before).CommitNat(
                    Zone, AfterBalance, OfNatType.Destination, backend.Address.ToAddress(),
                    backend.Port, 0, marks));
            var chosen = Here.Has(CtTracked, CtNew).Lacks(Known).Destination(backend.Address)
                .Is(vip.Address.IsIpv6 ? OriginalVip6 : OriginalVip4, vip.Address.Address);
            if (vip.Port != 0)
            {
                chosen = chosen.PortDestination(balancer.Protocol, backend.Port)
                    .Is(OriginalVipPort, vip.Port);
            }

            block.Add(
                Learn, 100, chosen,
                new FlowActions().Add(LearnOf(balancer, vip, id)).Next(AfterLearn));
        }
    }

    /// <summary>FNV-1a, folded.</summary>
    private static ushort IdOf(ServiceEndpoint backend)
    {
        var hash = 2166136261u;
        foreach (var letter in $"{backend.Address} {backend.Port}")
            hash = (hash ^ letter) * 16777619u;
        return (ushort)(hash ^ (hash >> 16));
    }

    private OfLearn LearnOf(LoadBalancer balancer, ServiceEndpoint vip, ushort backend)
    {
        var isIpv6 = vip.Address.IsIpv6;
        var source = isIpv6 ? MatchField.Ipv6Source : MatchField.Ipv4Source;
        OfLearnSpec Match(MatchField field, UInt128 value) =>
            new(OfLearnDestination.Match, field.BitWidth, null, value, field);
        var specs = new List<OfLearnSpec>
        {
            new(OfLearnDestination.Match, 64, null, Datapath, MatchField.Metadata),
            Match(MatchField.EthernetType, isIpv6 ? 0x86ddu : 0x0800u),
            new(OfLearnDestination.Match, source.BitWidth, (Subfield)source, 0, source),
            Match(
                isIpv6 ? MatchField.Ipv6Destination : MatchField.Ipv4Destination,
                vip.Address.Address),
        };
        if (vip.Port != 0)
        {
            specs.Add(Match(MatchField.IpProtocol, balancer.Protocol));
            specs.Add(Match(
                balancer.Protocol switch
                {
                    17 => MatchField.UdpDestination,
                    132 => MatchField.SctpDestination,
                    _ => MatchField.TcpDestination,
                },
                vip.Port));
        }

        specs.Add(new OfLearnSpec(OfLearnDestination.Load, 16, null, backend, Backend));
        specs.Add(new OfLearnSpec(OfLearnDestination.Load, 1, null, 1, LookupAffinity));
        return new OfLearn(
            balancer.AffinitySeconds, 0, 100, FlowBlockBuilder.CookieOf(balancer.Uuid),
            OfLearnFlags.None, PhysicalTables.AffinityCheck, 0, 0, [.. specs]);
    }
}
