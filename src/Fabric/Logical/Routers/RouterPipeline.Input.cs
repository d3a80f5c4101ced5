using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class RouterPipeline
{
    private const byte IcmpUnreachable = 3;
    private const byte IcmpTimeExceeded = 11;
    private const byte Icmp6Unreachable = 1;
    private const byte Icmp6TimeExceeded = 3;

    // Ingress 1 and 2 learn neighbours; ingress 3 handles what no router forwards.
    private void AddInputRules(FlowBlockBuilder block)
    {
        const byte learn = RouterIngress.LearnNeighbor;
        var put = new FlowActions().Punt(ControllerAction.PutNeighbor());
        block.Add(RouterIngress.LookupNeighbor, 100, _here.Arp(2), Next(
            RouterIngress.LookupNeighbor, Lookup()));
        block.Add(RouterIngress.LookupNeighbor, 100, _here.Arp(1), Next(
            RouterIngress.LookupNeighbor, Lookup()));
        block.Add(RouterIngress.LookupNeighbor, 100, _here.Neighbor(136), Next(
            RouterIngress.LookupNeighbor, Lookup()));
        block.Add(RouterIngress.LookupNeighbor, 0, _here, Next(
            RouterIngress.LookupNeighbor, new FlowActions().Set(NeighborKnown, 1)));
        block.Add(learn, 100, _here.Has(NeighborKnown), Next(learn));
        foreach (var seen in (FlowMatch[])[_here.Arp(1), _here.Arp(2), _here.Neighbor(136)])
            block.Add(learn, 90, seen.Lacks(NeighborKnown), Next(learn, put));

        const byte input = RouterIngress.IpInput;
        var martians = new[]
        {
            _here.Source(IpPrefix.V4(0xe000_0000, 4)), _here.Source(IpPrefix.V4(uint.MaxValue)),
            _here.Source(IpPrefix.V4(0x7f00_0000, 8)),
            _here.Destination(IpPrefix.V4(0x7f00_0000, 8)),
            _here.Source(IpPrefix.V4(0, 8)), _here.Destination(IpPrefix.V4(0, 8)),
        };
        foreach (var martian in martians) block.Add(input, 100, martian, FlowActions.Drop);

        foreach (var opcode in (ushort[])[1, 2])
            block.Add(input, 85, _here.Arp(opcode), FlowActions.Drop);
        foreach (var type in (byte[])[135, 136])
            block.Add(input, 85, _here.Neighbor(type), FlowActions.Drop);
        foreach (var type in (byte[])[133, 134])
            block.Add(input, 84, _here.Neighbor(type), Next(input));
        block.Add(
            input, 82, _here.Destination(IpPrefix.V4(0xe000_0000, 4)), FlowActions.Drop);
        block.Add(
            input, 82, _here.Destination(new IpPrefix(true, (UInt128)0xff << 120, 8)),
            FlowActions.Drop);
        block.Add(
            input, 50, _here.Is(MatchField.EthernetDestination, MacBytes.Broadcast),
            FlowActions.Drop);
        foreach (var ttl in (byte[])[0, 1])
        {
            block.Add(input, 30, _here.Ip4().Is(MatchField.IpTtl, ttl), FlowActions.Drop);
            block.Add(input, 30, _here.Ip6().Is(MatchField.IpTtl, ttl), FlowActions.Drop);
        }
    }

    /// <summary>Side table 91 clears or sets the bit: the binding seen is the one known.</summary>
    private static FlowActions Lookup() => new FlowActions()
        .Set(LookupMac, 0)
        .Next(PhysicalTables.MacLookup)
        .Move(LookupMac, NeighborKnown);

    // Ingress 3: packets for an address of the router itself.
    private void AddOwnAddress(FlowBlockBuilder block, RouterPortView port, IpPrefix own)
    {
        const byte input = RouterIngress.IpInput;
        var from = _here.Inport(port.Key);
        block.Add(input, 100, _here.Source(own.Host).Lacks(EgressLoopback), FlowActions.Drop);
        if (!own.IsIpv6 && own.Length < 31)
        {
            var broadcast = IpPrefix.V4((uint)own.Last);
            block.Add(input, 100, _here.Source(broadcast).Lacks(EgressLoopback), FlowActions.Drop);
        }

        AddOwnNeighbor(block, port, own);
        AddEcho(block, own);
        AddExpired(block, from, own);

        // An address that is translated, too: what no connection claims is dropped once routed.
        if (_view.TranslatedAddresses.Contains(own.Host))
        {
            block.Add(RouterIngress.ArpResolve, 2, _here.Destination(own.Host), FlowActions.Drop);
            block.Add(
                input, 120, from.Source(own.Host),
                Next(input));
            return;
        }

        // Anything else for the router: say that nobody listens.
        if (!_view.IsGatewayRouter && _view.GatewayPorts.IsEmpty) AddRefusals(block, own);
        block.Add(input, 60, _here.Destination(own.Host), FlowActions.Drop);
    }

    private void AddRefusals(FlowBlockBuilder block, IpPrefix own)
    {
        const byte input = RouterIngress.IpInput;
        var to = _here.Destination(own.Host).Is(MatchField.IpFragment, 0);
        var refuse = ControllerAction.Reject(RejectPlace.Router);
        block.Add(input, 80, to.Protocol(6), new FlowActions().Punt(refuse));
        var (closed, unknown) = own.IsIpv6
            ? (ControllerAction.IcmpError(Icmp6Unreachable, 4, own.Host),
                ControllerAction.IcmpError(Icmp6Unreachable, 3, own.Host))
            : (ControllerAction.IcmpError(IcmpUnreachable, 3, own.Host),
                ControllerAction.IcmpError(IcmpUnreachable, 2, own.Host));
        block.Add(input, 80, to.Protocol(17), new FlowActions().Punt(closed));
        block.Add(input, 70, to, new FlowActions().Punt(unknown));
    }

    private void AddOwnNeighbor(FlowBlockBuilder block, RouterPortView port, IpPrefix own)
    {
        const byte input = RouterIngress.IpInput;
        if (!port.IsResident) return;
        var from = _here.Inport(port.Key);
        if (own.IsIpv6)
        {
            var advert = ControllerAction.NdAdvert(port.Row.Mac.ToUInt64(), isRouter: true);
            block.Add(
                input, 90, from.Neighbor(135).Is(MatchField.NdTarget, own.Address),
                new FlowActions().Punt(advert));
            return;
        }

        var request = from.Arp(1)
            .Masked(MatchField.ArpSpa, own.Address & own.Mask, own.Mask)
            .Is(MatchField.ArpTpa, own.Address);
        block.Add(input, 90, request, SwitchPipeline.AnswerArp(port.Row.Mac, (uint)own.Address));
    }

    private void AddEcho(FlowBlockBuilder block, IpPrefix own)
    {
        var match = own.IsIpv6
            ? _here.Icmp6(128).Destination(own.Host)
            : _here.Icmp4(8).Destination(own.Host);
        var answer = own.IsIpv6
            ? new FlowActions().Swap(MatchField.Ipv6Source, MatchField.Ipv6Destination)
                .Set(MatchField.IpTtl, 255).Set(MatchField.Icmpv6Type, 129)
            : new FlowActions().Swap(MatchField.Ipv4Source, MatchField.Ipv4Destination)
                .Set(MatchField.IpTtl, 255).Set(MatchField.Icmpv4Type, 0);
        block.Add(
            RouterIngress.IpInput, 90, match,
            Next(RouterIngress.IpInput, answer.Set(AllowLoopback, 1)));
    }

    // TTL of 0 or 1: time exceeded, from the address of the port that the packet came in on.
    private static void AddExpired(FlowBlockBuilder block, FlowMatch from, IpPrefix own)
    {
        foreach (var ttl in (byte[])[0, 1])
        {
            var late = from.Family(own).Source(own).Is(MatchField.IpTtl, ttl)
                .Is(MatchField.IpFragment, 0);
            var elsewhere = from.Family(own).Is(MatchField.IpTtl, ttl)
                .Is(MatchField.IpFragment, 0);
            var error = own.IsIpv6
                ? ControllerAction.IcmpError(Icmp6TimeExceeded, 0, own.Host)
                : ControllerAction.IcmpError(IcmpTimeExceeded, 0, own.Host);
            if (own.IsLinkLocal) continue;
            block.Add(RouterIngress.IpInput, 32, late, new FlowActions().Punt(error));
            block.Add(RouterIngress.IpInput, 31, elsewhere, new FlowActions().Punt(error));
        }
    }
}
