using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>A name that expressions may use.</summary>
/// <param name="Bits">The field bits it stands for; null for a predicate.</param>
/// <param name="Prerequisite">Condition under which the field exists ("tcp" for tcp.dst).</param>
/// <param name="Predicate">What a predicate stands for.</param>
/// <param name="IsNominal">Only whether it is equal makes sense (no order, no mask).</param>
/// <param name="IsPort">Compared with names of logical ports.</param>
public sealed record ExpressionSymbol(
    string Name, FieldBits? Bits, Expression Prerequisite, Expression? Predicate, bool IsNominal,
    bool IsPort);

/// <summary>
/// The symbols of the OVN logical expression language, by name (ovn-sb(5), "Symbols").
/// </summary>
/// <remarks>
/// The table below is the specification. A field's nominal mark follows OpenFlow: what cannot be
/// masked there can only be compared for equality here.
/// </remarks>
public static class ExpressionSymbols
{
    // Name, Open vSwitch field, width, prerequisite, nominal.
    private static readonly (string Name, string Field, int Width, string? Needs, bool Nominal)[]
        Fields =
    [
        ("pkt.mark", "pkt_mark", 32, null, false),
        ("eth.src", "eth_src", 48, null, false),
        ("eth.dst", "eth_dst", 48, null, false),
        ("eth.type", "eth_type", 16, null, true),
        ("vlan.tci", "vlan_tci", 16, null, false),
        ("ct_mark", "ct_mark", 32, null, false),
        ("ct_label", "ct_label", 128, null, false),
        ("ct_state", "ct_state", 32, null, false),
        ("ip.proto", "nw_proto", 8, "ip", true),
        ("ip.dscp", "ip_dscp", 6, "ip", true),
        ("ip.ecn", "nw_ecn", 2, "ip", true),
        ("ip.ttl", "nw_ttl", 8, "ip", true),
        ("ip.frag", "ip_frag", 2, "ip", false),
        ("ip4.src", "ip_src", 32, "ip4", false),
        ("ip4.dst", "ip_dst", 32, "ip4", false),
        ("ip6.src", "ipv6_src", 128, "ip6", false),
        ("ip6.dst", "ipv6_dst", 128, "ip6", false),
        ("ip6.label", "ipv6_label", 20, "ip6", false),
        ("icmp4.type", "icmp_type", 8, "icmp4", true),
        ("icmp4.code", "icmp_code", 8, "icmp4", true),
        ("icmp6.type", "icmpv6_type", 8, "icmp6", true),
        ("icmp6.code", "icmpv6_code", 8, "icmp6", true),
        ("arp.op", "arp_op", 16, "arp", true),
        ("arp.spa", "arp_spa", 32, "arp", false),
        ("arp.tpa", "arp_tpa", 32, "arp", false),
        ("arp.sha", "arp_sha", 48, "arp", false),
        ("arp.tha", "arp_tha", 48, "arp", false),
        ("rarp.op", "arp_op", 16, "rarp", true),
        ("rarp.spa", "arp_spa", 32, "rarp", false),
        ("rarp.tpa", "arp_tpa", 32, "rarp", false),
        ("rarp.sha", "arp_sha", 48, "rarp", false),
        ("rarp.tha", "arp_tha", 48, "rarp", false),
        ("nd.target", "nd_target", 128, "nd", false),
        ("nd.sll", "nd_sll", 48, "nd_ns", false),
        ("nd.tll", "nd_tll", 48, "nd_na", false),
        ("tcp.src", "tcp_src", 16, "tcp", false),
        ("tcp.dst", "tcp_dst", 16, "tcp", false),
        ("tcp.flags", "tcp_flags", 12, "tcp", false),
        ("udp.src", "udp_src", 16, "udp", false),
        ("udp.dst", "udp_dst", 16, "udp", false),
        ("sctp.src", "sctp_src", 16, "sctp", false),
        ("sctp.dst", "sctp_dst", 16, "sctp", false),
        ("ct_proto", "ct_nw_proto", 8, "ct.trk", true),
        ("ct_ip4.src", "ct_nw_src", 32, "ct.trk && ip4", false),
        ("ct_ip4.dst", "ct_nw_dst", 32, "ct.trk && ip4", false),
        ("ct_ip6.src", "ct_ipv6_src", 128, "ct.trk && ip6", false),
        ("ct_ip6.dst", "ct_ipv6_dst", 128, "ct.trk && ip6", false),
        ("ct_tp.src", "ct_tp_src", 16, "ct.trk", false),
        ("ct_tp.dst", "ct_tp_dst", 16, "ct.trk", false),
    ];

    // Predicates, in an order in which each uses only what is above it or a field.
    private static readonly (string Name, string Text)[] Predicates =
    [
        ("eth.bcast", "eth.dst == ff:ff:ff:ff:ff:ff"),
        ("eth.mcast", "eth.dst[40]"),
        ("eth.mcastv6", "eth.dst[32..47] == 0x3333"),
        ("ip4", "eth.type == 0x800"),
        ("ip6", "eth.type == 0x86dd"),
        ("ip", "eth.type == {0x800, 0x86dd}"),
        ("arp", "eth.type == 0x806"),
        ("rarp", "eth.type == 0x8035"),
        ("tcp", "ip.proto == 6"),
        ("udp", "ip.proto == 17"),
        ("sctp", "ip.proto == 132"),
        ("icmp4", "ip4 && ip.proto == 1"),
        ("igmp", "ip4 && ip.proto == 2"),
        ("icmp6", "ip6 && ip.proto == 58"),
        ("icmp", "icmp4 || icmp6"),
        ("ip4.mcast", "ip4.dst[28..31] == 0xe"),
        ("ip4.src_mcast", "ip4.src[28..31] == 0xe"),
        ("ip6.mcast", "eth.mcastv6 && ip6.dst[120..127] == 0xff"),
        ("ip.is_frag", "ip.frag[0]"),
        ("ip.later_frag", "ip.frag[1]"),
        ("ip.first_frag", "ip.is_frag && !ip.later_frag"),
        ("nd", "icmp6.type == {135, 136} && icmp6.code == 0 && ip.ttl == 255"),
        ("nd_ns", "icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255"),
        ("nd_na", "icmp6.type == 136 && icmp6.code == 0 && ip.ttl == 255"),
        ("nd_ns_mcast", "ip6.mcast && icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255"),
        ("nd_rs", "icmp6.type == 133 && icmp6.code == 0 && ip.ttl == 255"),
        ("nd_ra", "icmp6.type == 134 && icmp6.code == 0 && ip.ttl == 255"),
        ("mldv1", "ip6.src == fe80::/10 && icmp6.type == {130, 131, 132}"),
        ("mldv2", "ip6.dst == ff02::16 && icmp6.type == 143"),
    ];

    // Single bits and subfields: name, Open vSwitch field, lowest bit, width.
    private static readonly (string Name, string Field, int Offset, int Width)[] Parts =
    [
        ("vlan.present", "vlan_tci", 12, 1),
        ("vlan.pcp", "vlan_tci", 13, 3),
        ("vlan.vid", "vlan_tci", 0, 12),
        ("ct.new", "ct_state", 0, 1),
        ("ct.est", "ct_state", 1, 1),
        ("ct.rel", "ct_state", 2, 1),
        ("ct.rpl", "ct_state", 3, 1),
        ("ct.inv", "ct_state", 4, 1),
        ("ct.trk", "ct_state", 5, 1),
        ("ct.snat", "ct_state", 6, 1),
        ("ct.dnat", "ct_state", 7, 1),
        ("ct_mark.blocked", "ct_mark", 0, 1),
        ("ct_mark.natted", "ct_mark", 1, 1),
        ("ct_mark.skip_snat", "ct_mark", 2, 1),
        ("ct_mark.force_snat", "ct_mark", 3, 1),
        ("ct_mark.obs_stage", "ct_mark", 4, 2),
        ("ct_mark.allow_established", "ct_mark", 6, 1),
        ("ct_mark.ecmp_reply_port", "ct_mark", 16, 16),
        ("ct_label.ecmp_reply_eth", "ct_label", 32, 48),
        ("ct_label.label", "ct_label", 96, 32),
        ("flags.loopback", "reg10", 0, 1),
        ("flags.localport", "reg10", 10, 1),
        ("flags.from_ctrl", "reg10", 19, 1),
    ];

    /// <summary>Every symbol by name. Stands below the tables because it is made of them.</summary>
    public static ImmutableDictionary<string, ExpressionSymbol> All { get; } = Build();

    private static ImmutableDictionary<string, ExpressionSymbol> Build()
    {
        var symbols = new Dictionary<string, ExpressionSymbol>(StringComparer.Ordinal);
        AddPort(symbols, "inport", "reg14");
        AddPort(symbols, "outport", "reg15");
        foreach (var (name, field, offset, width) in Parts)
            AddField(symbols, name, new FieldBits(name, field, offset, width), null, false);

        AddRegisters(symbols);
        var waiting = Fields.ToList();
        AddReadyFields(symbols, waiting);
        foreach (var (name, text) in Predicates)
        {
            var meaning = ExpressionParser.Parse(text, symbols);
            symbols[name] = new ExpressionSymbol(
                name, null, Expression.True, meaning, IsNominal(meaning, symbols), IsPort: false);
            AddReadyFields(symbols, waiting);
        }

        if (waiting.Count != 0)
            throw new InvalidOperationException(
                $"prerequisite of {waiting[0].Name} is not defined");
        return symbols.ToImmutableDictionary(StringComparer.Ordinal);
    }

    private static void AddReadyFields(
        Dictionary<string, ExpressionSymbol> symbols,
        List<(string Name, string Field, int Width, string? Needs, bool Nominal)> waiting)
    {
        for (var i = 0; i < waiting.Count; i++)
        {
            var (name, field, width, needs, nominal) = waiting[i];
            if (needs is not null && !needs.Split(" && ").All(symbols.ContainsKey)) continue;
            AddField(symbols, name, new FieldBits(name, field, 0, width), needs, nominal);
            waiting.RemoveAt(i--);
        }
    }

    private static void AddRegisters(Dictionary<string, ExpressionSymbol> symbols)
    {
        for (var i = 0; i < 10; i++)
        {
            AddField(symbols, $"reg{i}", new FieldBits($"reg{i}", $"reg{i}", 0, 32), null, false);
        }

        for (var i = 0; i < 5; i++)
        {
            var bits = new FieldBits($"xreg{i}", $"xreg{i}", 0, 64);
            AddField(symbols, $"xreg{i}", bits, null, false);
        }

        for (var i = 0; i < 2; i++)
        {
            var bits = new FieldBits($"xxreg{i}", $"xxreg{i}", 0, 128);
            AddField(symbols, $"xxreg{i}", bits, null, false);
        }

        AddField(symbols, "flags", new FieldBits("flags", "reg10", 0, 32), null, false);
    }

    private static void AddPort(
        Dictionary<string, ExpressionSymbol> symbols, string name, string field) =>
        symbols[name] = new ExpressionSymbol(
            name, new FieldBits(name, field, 0, 32), Expression.True, null, IsNominal: true,
            IsPort: true);

    private static void AddField(
        Dictionary<string, ExpressionSymbol> symbols, string name, FieldBits bits, string? needs,
        bool nominal)
    {
        var prerequisite = needs is null
            ? Expression.True
            : ExpressionParser.Parse(needs, symbols);
        symbols[name] =
            new ExpressionSymbol(name, bits, prerequisite, null, nominal, IsPort: false);
    }

    private static bool IsNominal(
        Expression expression, Dictionary<string, ExpressionSymbol> symbols) => expression switch
        {
            Expression.And all => all.Terms.Any(term => IsNominal(term, symbols)),
            Expression.Or any => any.Terms.Any(term => IsNominal(term, symbols)),
            Expression.Comparison comparison => symbols[comparison.Bits.Symbol].IsNominal,
            Expression.Predicate predicate => symbols[predicate.Name].IsNominal,
            _ => false,
        };
}
