using System.Collections.Immutable;
using Fabric.Logical;

namespace Fabric.Tests.Logical;

/// <summary>Ports a, b, c with keys 1, 2, 3; two address sets; a group of a and b.</summary>
internal sealed class ExpressionLab : IExpressionContext
{
    private static readonly AddressSetMembers SetA =
        AddressSetMembers.Parse(["10.0.0.1", "10.0.0.2", "10.0.1.0/24", "fd00::1"]);

    private static readonly AddressSetMembers SetB =
        AddressSetMembers.Parse(["10.0.0.2", "192.168.0.0/16"]);

    public uint? PortKey(string port) => port switch { "a" => 1, "b" => 2, "c" => 3, _ => null };

    public AddressSetMembers? AddressSet(string name) => name switch
    {
        "set_a" => SetA,
        "set_b" => SetB,
        "empty" => AddressSetMembers.Empty,
        _ => null,
    };

    public ImmutableArray<uint>? PortGroup(string name) =>
        name == "group" ? [1, 2] : null;

    public bool IsResident(string port) => port == "a";
}

/// <summary>Random expressions and packets that are likely to meet.</summary>
internal sealed class ExpressionSource(int seed)
{
    private static readonly string[] Atoms =
    [
        "ip4", "ip6", "ip", "tcp", "udp", "icmp4", "arp", "ct.new", "!ct.new", "ct.est", "!ct.est",
        "ct.trk", "vlan.present", "!vlan.present", "eth.mcast", "!eth.mcast", "ip4.mcast",
        "!ip4.mcast", "ip.is_frag", "!ip.is_frag", "is_chassis_resident(\"a\")",
        "!is_chassis_resident(\"b\")", "inport == \"a\"", "inport == {\"a\", \"c\"}",
        "outport == @group", "outport == \"nowhere\"", "ip4.src == $set_a", "ip4.src != $set_a",
        "ip4.dst == $set_b", "ip4.dst == {$set_a, 10.0.0.7}", "ip4.src == $empty",
        "ip4.src != $empty", "ip6.src == $set_a", "ip4.src == 10.0.0.0/23",
        "ip4.src != 10.0.0.0/31", "ip4.dst[0..3] == 2", "tcp.dst == {80, 443, 8080}",
        "tcp.dst != 80", "!(tcp.dst == 80)", "!(tcp.dst == {80, 443})", "80 <= tcp.dst < 1000",
        "udp.dst > 53", "udp.src <= 53", "tcp.flags[1]", "icmp4.type == {0, 8}",
        "ip.ttl == 64", "ct_mark.blocked == 1", "ct_label.label != 3", "reg0[3..5] == 5",
        "ip.dscp == 10", "eth.src == 00:00:00:00:00:01", "eth.dst != ff:ff:ff:ff:ff:ff", "1", "0",
        "arp.op == 1", "arp.spa == 10.0.0.1", "nd", "icmp6.type == {135, 136}", "ip.proto == 6",
    ];

    private static readonly uint[] Addresses =
        [0x0a000001, 0x0a000002, 0x0a000007, 0x0a000105, 0xc0a80101, 0xe0000001, 0];

    private readonly Random _random = new(seed);

    public string Expression(int depth = 3)
    {
        if (depth == 0 || _random.Next(4) == 0) return Atoms[_random.Next(Atoms.Length)];
        var join = _random.Next(2) == 0 ? " && " : " || ";
        var terms = Enumerable.Range(0, _random.Next(2, 4)).Select(_ => Expression(depth - 1));
        return $"({string.Join(join, terms)})";
    }

    public Dictionary<string, UInt128> Packet()
    {
        ushort[] types = [0x0800, 0x0800, 0x86dd, 0x0806, 0x9000];
        byte[] protocols = [6, 17, 1, 58, 2];
        ushort[] ports = [80, 443, 8080, 53, 54, 999, 1000, 0, 65535];
        UInt128 Port() => ports[_random.Next(ports.Length)];
        var type = types[_random.Next(types.Length)];
        var packet = new Dictionary<string, UInt128>
        {
            ["eth_type"] = type,
            ["eth_src"] = (UInt128)_random.Next(3),
            ["eth_dst"] = _random.Next(3) == 0 ? 0xffff_ffff_ffff : (UInt128)_random.Next(4) << 39,
            ["vlan_tci"] = _random.Next(2) == 0 ? 0 : (UInt128)0x1005,
            ["reg14"] = (UInt128)_random.Next(4),
            ["reg15"] = (UInt128)_random.Next(4),
            ["reg0"] = (UInt128)_random.Next(64),
            ["ct_state"] = (UInt128)_random.Next(256),
            ["ct_mark"] = (UInt128)_random.Next(2),
            ["ct_label"] = (UInt128)_random.Next(5) << 96,
        };
        if (type == 0x0806)
        {
            packet["arp_op"] = (UInt128)_random.Next(1, 3);
            packet["arp_spa"] = Addresses[_random.Next(Addresses.Length)];
            return packet;
        }

        if (type is not (0x0800 or 0x86dd)) return packet;
        var protocol = protocols[_random.Next(protocols.Length)];
        packet["nw_proto"] = protocol;
        packet["nw_ttl"] = _random.Next(2) == 0 ? 64 : (UInt128)255;
        packet["ip_dscp"] = _random.Next(2) == 0 ? 10 : (UInt128)0;
        packet["ip_frag"] = new UInt128[] { 0, 1, 3 }[_random.Next(3)];
        if (type == 0x0800)
        {
            packet["ip_src"] = Addresses[_random.Next(Addresses.Length)];
            packet["ip_dst"] = Addresses[_random.Next(Addresses.Length)];
        }
        else
        {
            packet["ipv6_src"] = ((UInt128)0xfd00 << 112) | (UInt128)_random.Next(3);
        }

        switch (protocol)
        {
            case 6:
                (packet["tcp_src"], packet["tcp_dst"]) = (Port(), Port());
                packet["tcp_flags"] = (UInt128)_random.Next(32);
                break;
            case 17:
                (packet["udp_src"], packet["udp_dst"]) = (Port(), Port());
                break;
            case 1 when type == 0x0800:
                packet["icmp_type"] = (UInt128)_random.Next(10);
                break;
            case 58 when type == 0x86dd:
                packet["icmpv6_type"] = (UInt128)_random.Next(133, 138);
                break;
        }

        return packet;
    }
}
