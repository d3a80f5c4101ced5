using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

/// <summary>One packet, for both sides.</summary>
internal sealed record OracleProbe(
    RandomPort From, FlowKey Packet, string Microflow, ImmutableDictionary<string, string> Values,
    ConntrackState State, string StateText)
{
    public static OracleProbe Random(RandomNetwork network, Random random)
    {
        var from = network.Ports[random.Next(network.Ports.Count)];
        var (target, service) = network.Targets[random.Next(network.Targets.Count)];

        // To itself: learning, which ovn-trace does not model, decides where that goes.
        while (target == from.Ipv4 || target == from.Ipv6)
            (target, service) = network.Targets[random.Next(network.Targets.Count)];
        var local = network.Ports.FirstOrDefault(
            port => port.Subnet == from.Subnet && (port.Ipv4 == target || port.Ipv6 == target));
        var mac = local?.Mac
            ?? (network.RouterMacs.TryGetValue(from.Subnet, out var router)
                ? router
                : MacBytes.FromUInt64(0x02_0000_00ff_ff));
        if (random.Next(20) == 0) mac = MacBytes.FromUInt64(0x02_0000_00ff_fe);
        var (state, stateText) = random.Next(5) switch
        {
            0 => (ConntrackState.Established, "est"),
            1 => (ConntrackState.Established | ConntrackState.Reply, "est,rpl"),
            2 => (ConntrackState.Invalid, "inv"),
            _ => (ConntrackState.New, "new"),
        };
        var key = new FlowKey
        {
            EthernetSource = from.Mac,
            EthernetDestination = mac,
            EthernetType = target.IsIpv6 ? EtherType.Ipv6 : EtherType.Ipv4,
            NetworkTtl = (byte)(random.Next(15) == 0 ? 1 : 64),
            NetworkProtocol = (byte)(random.Next(4) switch
            {
                0 => target.IsIpv6 ? 58 : 1,
                1 => 17,
                _ => 6,
            }),
        };
        switch (random.Next(20))
        {
            case < 2: return Neighbor(from, target, key, (state, stateText));
            case 2: return Everybody(from, key, random, (state, stateText));
            case 3: return Dhcp(from, key);
        }

        SetAddresses(ref key, from, target);
        var (source, destination) = key.NetworkProtocol switch
        {
            1 => ((ushort)8, (ushort)0),
            58 => ((ushort)128, (ushort)0),
            _ => ((ushort)4000, service != 0
                ? service
                : (ushort)(random.Next(3) switch { 0 => 80, 1 => 8080, _ => 53 })),
        };
        (key.PortSource, key.PortDestination) = (source, destination);
        if (key.NetworkProtocol == 6) key.TcpFlags = 2;
        return Of(from, target, key, network.Vips.Contains(target), (state, stateText));
    }

    private static void SetAddresses(ref FlowKey key, RandomPort from, IpPrefix target)
    {
        if (target.IsIpv6)
        {
            key.Ipv6Source = Ipv6Bytes.From(from.Ipv6.ToAddress());
            key.Ipv6Destination = Ipv6Bytes.From(target.ToAddress());
            return;
        }

        (key.Ipv4Source, key.Ipv4Destination) = ((uint)from.Ipv4.Address, (uint)target.Address);
    }

    /// <summary>Who has the address? By ARP or neighbor discovery.</summary>
    private static OracleProbe Neighbor(
        RandomPort from, IpPrefix target, FlowKey key, (ConntrackState, string Text) state)
    {
        if (target.IsIpv6) return Solicit(from, target, key, state);
        key.EthernetType = EtherType.Arp;
        key.EthernetDestination = MacBytes.Broadcast;
        key.NetworkProtocol = 1;
        key.NetworkTtl = 0;
        (key.Ipv4Source, key.Ipv4Destination) = ((uint)from.Ipv4.Address, (uint)target.Address);
        key.ArpSource = from.Mac;
        var microflow = $"inport == \"{from.Name}\" && eth.src == {from.Mac} && "
            + $"eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.spa == {from.Ipv4} && "
            + $"arp.tpa == {target} && arp.sha == {from.Mac}";
        return new OracleProbe(
            from, key, microflow, ValuesOf(in key), state.Item1, state.Text);
    }

    private static OracleProbe Solicit(
        RandomPort from, IpPrefix target, FlowKey key, (ConntrackState, string Text) state)
    {
        var group = new IpPrefix(true, target.SolicitedNode, 128);
        key.EthernetDestination = MacBytes.FromUInt64(
            0x3333_0000_0000 | (ulong)(group.Address & 0xffff_ffff));
        (key.NetworkProtocol, key.NetworkTtl, key.PortSource) = (IpProtocol.Icmpv6, 255, 135);
        SetAddresses(ref key, from, group);
        key.NdTarget = Ipv6Bytes.From(target.ToAddress());
        key.ArpSource = from.Mac;
        var microflow = $"inport == \"{from.Name}\" && eth.src == {from.Mac} && "
            + $"eth.dst == {key.EthernetDestination} && ip.ttl == 255 && "
            + $"ip6.src == {from.Ipv6} && ip6.dst == {group} && nd_ns && "
            + $"nd.target == {target} && nd.sll == {from.Mac}";
        return new OracleProbe(from, key, microflow, ValuesOf(in key), state.Item1, state.Text);
    }

    /// <summary>Multicast and broadcast of IPv4 and IPv6.</summary>
    private static OracleProbe Everybody(
        RandomPort from, FlowKey key, Random random, (ConntrackState, string Text) state)
    {
        var (text, mac) = random.Next(4) switch
        {
            0 => ("224.0.0.5", 0x0100_5e00_0005ul),
            1 => ("239.1.2.3", 0x0100_5e01_0203ul),
            2 => ("255.255.255.255", 0xffff_ffff_fffful),
            _ => ("ff05::1:3", 0x3333_0001_0003ul),
        };
        IpPrefix.TryParse(text, out var group);
        key.EthernetDestination = MacBytes.FromUInt64(mac);
        key.EthernetType = group.IsIpv6 ? EtherType.Ipv6 : EtherType.Ipv4;
        (key.NetworkProtocol, key.NetworkTtl) = (IpProtocol.Udp, 64);
        (key.PortSource, key.PortDestination) = (4000, 5353);
        SetAddresses(ref key, from, group);
        return Of(from, group, key, isVip: false, state);
    }

    private static OracleProbe Dhcp(RandomPort client, FlowKey key)
    {
        var (unknown, everybody) = (IpPrefix.V4(0), IpPrefix.V4(uint.MaxValue));
        client = client with { Ipv4 = unknown };
        key.EthernetDestination = MacBytes.Broadcast;
        key.EthernetType = EtherType.Ipv4;
        (key.NetworkProtocol, key.NetworkTtl) = (IpProtocol.Udp, 64);
        (key.PortSource, key.PortDestination) = (68, 67);
        SetAddresses(ref key, client, everybody);
        return Of(client, everybody, key, isVip: false, (ConntrackState.New, "new"));
    }

    private static OracleProbe Of(
        RandomPort from, IpPrefix target, FlowKey key, bool isVip,
        (ConntrackState State, string Text) state)
    {
        var family = target.IsIpv6 ? "ip6" : "ip4";
        var source = target.IsIpv6 ? from.Ipv6 : from.Ipv4;
        var transport = key.NetworkProtocol switch
        {
            1 => "icmp4.type == 8 && icmp4.code == 0",
            58 => "icmp6.type == 128 && icmp6.code == 0",
            6 => $"tcp.src == {key.PortSource} && tcp.dst == {key.PortDestination} && "
                + "tcp.flags == 2",
            _ => $"udp.src == {key.PortSource} && udp.dst == {key.PortDestination}",
        };
        var microflow = $"inport == \"{from.Name}\" && eth.src == {key.EthernetSource} && "
            + $"eth.dst == {key.EthernetDestination} && ip.ttl == {key.NetworkTtl} && "
            + $"{family}.src == {source} && {family}.dst == {target} && {transport}";
        var values = ValuesOf(in key);
        if (isVip) values = values.SetItem("vip", from.Name);
        return new OracleProbe(from, key, microflow, values, state.State, state.Text);
    }

    public static ImmutableDictionary<string, string> ValuesOf(in FlowKey key)
    {
        var values = ImmutableDictionary<string, string>.Empty
            .Add("eth.src", $"{key.EthernetSource}").Add("eth.dst", $"{key.EthernetDestination}");
        if (key.IsIpv4)
        {
            values = values.Add("ip4.src", $"{IpPrefix.V4(key.Ipv4Source)}")
                .Add("ip4.dst", $"{IpPrefix.V4(key.Ipv4Destination)}");
        }
        else if (key.IsIpv6)
        {
            values = values.Add("ip6.src", $"{key.Ipv6Source}")
                .Add("ip6.dst", $"{key.Ipv6Destination}");
        }

        return key.IsIpv4 || key.IsIpv6
            ? values.Add("ip.ttl", $"{key.NetworkTtl}").Add("ip.dscp", $"{key.NetworkTos >> 2}")
            : values;
    }

    /// <param name="backend">"IP:port" that a balancer here chose, for ovn-trace to choose it
    /// too.</param>
    public OracleVerdict Send(LogicalLab lab, out string? backend)
    {
        var deliveries = lab.Send(From.Name, Packet);
        backend = null;
        var texts = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var delivery in deliveries)
        {
            var packet = delivery.Packet;
            if (Values.ContainsKey("vip") && packet.IsIpv4)
            {
                backend = RandomNetwork.Endpoint(
                    IpPrefix.V4(packet.Ipv4Destination), packet.PortDestination);
            }
            else if (Values.ContainsKey("vip") && packet.IsIpv6
                && IpPrefix.TryParse($"{packet.Ipv6Destination}", out var to))
            {
                backend = RandomNetwork.Endpoint(to, packet.PortDestination);
            }

            var values = ValuesOf(in packet);
            if (Values.ContainsKey("vip")) values = values.SetItem("vip", From.Name);
            texts.Add($"{delivery.Port} {OvnTraceReader.FieldsOf(delivery.Port, values)}");
        }

        var answers = lab.Hosts.Values.SelectMany(host => host.Asked).Select(opcode => opcode switch
        {
            ControllerOpcode.Reject => "reject",
            ControllerOpcode.IcmpError => "reject",
            ControllerOpcode.Arp => "arp",
            ControllerOpcode.NdAdvert => "nd_na",
            ControllerOpcode.PutDhcpOptions => "dhcp",
            _ => "",
        }).Where(word => word.Length > 0);
        return new OracleVerdict(
            texts.ToImmutable(), answers.ToImmutableSortedSet(StringComparer.Ordinal));
    }
}
