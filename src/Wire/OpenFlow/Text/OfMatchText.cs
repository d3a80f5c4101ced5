using System.Globalization;
using System.Text;

namespace Fabric.Wire.OpenFlow;

/// <summary>Matches as ovs-ofctl writes and reads them.</summary>
public static class OfMatchText
{
    private const int VlanPresent = 0x1000;

    /// <summary>Abbreviations: Ethernet type and, if not negative, IP protocol.</summary>
    private static readonly (string Name, int Type, int Protocol)[] Protocols =
    [
        ("ip", 0x0800, -1), ("ipv4", 0x0800, -1), ("ip4", 0x0800, -1), ("arp", 0x0806, -1),
        ("icmp", 0x0800, 1), ("igmp", 0x0800, 2), ("tcp", 0x0800, 6), ("udp", 0x0800, 17),
        ("sctp", 0x0800, 132), ("ipv6", 0x86DD, -1), ("ip6", 0x86DD, -1), ("tcp6", 0x86DD, 6),
        ("udp6", 0x86DD, 17), ("sctp6", 0x86DD, 132), ("icmp6", 0x86DD, 58),
        ("rarp", 0x8035, -1), ("mpls", 0x8847, -1), ("mplsm", 0x8848, -1),
    ];

    /// <summary>
    /// The order in which OVS prints; fields that are not here follow in catalogue order.
    /// </summary>
    private static readonly MatchField[] Order = BuildOrder();

    private static readonly Dictionary<MatchField, int> Rank =
        Order.Select((field, index) => (field, index)).ToDictionary(pair => pair.field, pair =>
            pair.index);

    /// <summary>The match without priority; empty for a match of every packet.</summary>
    public static string Format(Match match)
    {
        var text = new StringBuilder();
        var type = match.ExactOf(MatchField.EthernetType);
        var protocol = match.ExactOf(MatchField.IpProtocol);
        var name = type is { } t ? NameOf((int)t, protocol is { } p ? (int)p : -1) : default;
        var typeRank = Rank[MatchField.EthernetDestination];
        var isTypeDue = type is not null && name.Name is null;
        void AppendType()
        {
            if (isTypeDue)
                Append(text,
                string.Create(CultureInfo.InvariantCulture, $"dl_type=0x{(uint)type!:x4}"));
            isTypeDue = false;
        }

        foreach (var entry in match.Entries.OrderBy(each => Rank[each.Field]))
        {
            var field = entry.Field;
            if (Rank[field] > typeRank) AppendType();
            if (ReferenceEquals(field, MatchField.EthernetType) && name.Name is not null)
            {
                if (match.TryGet(MatchField.RecircId, out _)) Append(text, "eth");
                Append(text, name.Name);
            }
            else if (ReferenceEquals(field, MatchField.IpProtocol) && name.Protocol >= 0) continue;
            else if (ReferenceEquals(field, MatchField.VlanTci)) AppendVlan(text, in entry);
            else if (ReferenceEquals(field, MatchField.EthernetType)) continue;
            else Append(text, $"{PrintedName(field)}={ValueOf(in entry)}");
        }

        AppendType();
        return text.ToString();
    }

    /// <summary>
    /// "ip", "tcp6" ... for a type and protocol (-1: none); Protocol is -1 unless named.
    /// </summary>
    private static (string? Name, int Protocol) NameOf(int type, int protocol)
    {
        (string?, int) best = default;
        foreach (var (name, t, p) in Protocols)
        {
            if (t != type || (p >= 0 && p != protocol) || name == "igmp") continue;
            if (p >= 0) return (name, p);
            if (best.Item1 is null) best = (name, -1);
        }

        return best.Item1 is null ? (null, -1) : best;
    }

    private static string PrintedName(MatchField field) => field.Name switch
    {
        "in_port_oxm" => "in_port",
        "eth_src" or "eth_dst" or "eth_type" or "ip_src" or "ip_dst" or "ip_frag" =>
            FragmentName(field),
        "tcp_src" or "udp_src" or "sctp_src" => "tp_src",
        "tcp_dst" or "udp_dst" or "sctp_dst" => "tp_dst",
        "icmpv6_type" => "icmp_type",
        "icmpv6_code" => "icmp_code",
        "ip_dscp" => "nw_tos",
        _ => field.Name,
    };

    private static string FragmentName(MatchField field) =>
        field.Alias ?? field.Name;

    private static string ValueOf(in MatchEntry entry)
    {
        var (field, value, mask) = entry;
        if (ReferenceEquals(field, MatchField.IpDscp)) return OfFieldText.Decimal(value << 2);
        if (ReferenceEquals(field, MatchField.Ipv6Label) && entry.IsExact)
        {
            return "0x" + ((uint)value).ToString("x5", CultureInfo.InvariantCulture);
        }

        return OfFieldText.Format(field, value, mask);
    }

    private static void AppendVlan(StringBuilder text, in MatchEntry entry)
    {
        var (tci, mask) = ((uint)entry.Value, (uint)entry.Mask);
        var (vid, pcp) = (mask & 0xFFF, mask & 0xE000);
        var isPresent = (mask & tci & VlanPresent) != 0;
        if (isPresent && vid is 0 or 0xFFF && pcp is 0 or 0xE000 && (vid | pcp) != 0 && isPresent)
        {
            if (vid != 0)
                Append(text, string.Create(CultureInfo.InvariantCulture, $"dl_vlan={tci & 0xFFF}"));
            if (pcp != 0)
                Append(text,
                string.Create(CultureInfo.InvariantCulture, $"dl_vlan_pcp={tci >> 13}"));
        }
        else
        {
            Append(text, mask == 0xFFFF ? $"vlan_tci=0x{tci:x4}"
                : $"vlan_tci=0x{tci:x4}/0x{mask:x4}");
        }
    }

    private static void Append(StringBuilder text, string part) =>
        text.Append(text.Length > 0 ? "," : "").Append(part);

    private static MatchField[] BuildOrder()
    {
        MatchField[] first =
        [
            MatchField.PacketMark, MatchField.RecircId, MatchField.DpHash, MatchField.ConjunctionId,
            MatchField.SkbPriority, MatchField.ActionSetOutput, MatchField.ConntrackStateField,
            MatchField.ConntrackZone, MatchField.ConntrackMark, MatchField.ConntrackLabel,
            MatchField.ConntrackIpv4Source, MatchField.ConntrackIpv6Source,
            MatchField.ConntrackIpv4Destination, MatchField.ConntrackIpv6Destination,
            MatchField.ConntrackProtocol, MatchField.ConntrackPortSource,
            MatchField.ConntrackPortDestination, MatchField.PacketType, MatchField.EthernetType,
        ];
        MatchField[] second =
        [
            MatchField.TunnelId, MatchField.TunnelSource, MatchField.TunnelDestination,
            MatchField.TunnelIpv6Source, MatchField.TunnelIpv6Destination, MatchField.TunnelGbpId,
            MatchField.TunnelGbpFlags, MatchField.ErspanVersion, MatchField.ErspanIndex,
            MatchField.ErspanDirection, MatchField.ErspanHardwareId, MatchField.TunnelTos,
            MatchField.TunnelTtl, MatchField.TunnelFlagsField,
        ];
        MatchField[] third =
        [
            MatchField.Metadata, MatchField.InPortOxm, MatchField.VlanTci,
            MatchField.EthernetSource, MatchField.EthernetDestination, MatchField.Ipv6Source,
            MatchField.Ipv6Destination, MatchField.Ipv6Label, MatchField.ArpSpa, MatchField.ArpTpa,
            MatchField.Ipv4Source, MatchField.Ipv4Destination, MatchField.ArpOpcode,
            MatchField.IpProtocol, MatchField.ArpSha, MatchField.ArpTha, MatchField.IpDscp,
            MatchField.IpEcn, MatchField.IpTtl, MatchField.MplsLabel, MatchField.MplsTc,
            MatchField.MplsTtl, MatchField.MplsBos, MatchField.IpFragment,
        ];
        var registers = Enumerable.Range(0, PipelineKey.RegisterCount).Select(MatchField.Reg);
        var options = Enumerable.Range(0, TlvTable.IndexCount).Select(MatchField.TunnelMetadata);
        MatchField[] known = [.. first, .. registers, .. second, .. options, .. third];
        return [.. known, .. MatchField.All.Except(known)];
    }

    /// <summary>Reads a whole match: "tcp,in_port=1,tp_dst=80".</summary>
    /// <param name="error">What is wrong, when this returns false.</param>
    public static bool TryParse(string text, out Match match, out string error)
    {
        match = Match.Any;
        var builder = new MatchBuilder();
        var splitter = new KeyValueSplitter(text);
        while (splitter.Next(out var key, out var value))
        {
            if (TryAdd(builder, key, value, out error)) continue;
            if (error.Length == 0) error = $"unknown keyword {key}";
            return false;
        }

        error = splitter.Error;
        return error.Length == 0 && TryBuild(builder, out match, out error);
    }

    /// <summary>Reads a packet's fields: as a match, but what has no meaning is an error.</summary>
    /// <param name="error">What is wrong, when this returns false.</param>
    public static bool TryParseExact(string text, out Match match, out string error)
    {
        match = Match.Any;
        var builder = new MatchBuilder();
        var splitter = new KeyValueSplitter(text);
        var spelled = new List<string>();
        while (splitter.Next(out var key, out var value))
        {
            spelled.Add(key);
            if (TryAdd(builder, key, value, out error)) continue;
            if (error.Length == 0) error = $"unknown field {key}";
            return false;
        }

        error = splitter.Error;
        if (error.Length > 0) return false;
        if (builder.Normalise() is [var lost, ..])
        {
            var name = spelled.Find(word => ReferenceEquals(MatchField.Find(word), lost));
            error = $"prerequisites not met for setting {name ?? lost.Name}";
            return false;
        }

        return TryBuild(builder, out match, out error);
    }

    /// <summary>
    /// The match of a builder that text has filled: with the meaning that people expect.
    /// </summary>
    internal static bool TryBuild(MatchBuilder builder, out Match match, out string error)
    {
        error = "";
        builder.Normalise();
        if (builder.TryBuild(out match, out var code)) return true;
        error = OfError.NameOf(code);
        return false;
    }

    /// <summary>
    /// Adds one "key=value" or protocol name; false with an empty error: not a match key.
    /// </summary>
    internal static bool TryAdd(MatchBuilder builder, string key, string? value, out string error)
    {
        error = "";
        if (value is null)
        {
            foreach (var (name, type, protocol) in Protocols)
            {
                if (!key.Equals(name, StringComparison.OrdinalIgnoreCase)) continue;
                builder.Set(MatchField.EthernetType, (ulong)type);
                if (protocol >= 0) builder.Set(MatchField.IpProtocol, (ulong)protocol);
                return true;
            }

            if (key is "eth")
            {
                builder.Set(MatchField.PacketType, 0UL);
                return true;
            }
        }

        if (MatchField.Find(key) is not { } field)
        {
            return false;
        }

        if (value is null)
        {
            error = $"field {key} missing value";
            return false;
        }

        if (!OfFieldText.TryParse(field, value, out var number, out var mask, out error))
            return false;
        builder.SetMasked(field, number, mask);
        return true;
    }
}
