using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>DHCPv4 (RFC 2131, 2132): offers and acknowledges what the northbound says.</summary>
/// <remarks>
/// Layout of a message: op, htype, hlen, hops, xid (4), secs, flags, ciaddr, yiaddr, siaddr,
/// giaddr (16), chaddr (16), sname (64), file (128), cookie (236), options (240).
/// </remarks>
internal static class DhcpAnswer
{
    private const int YourAddressOffset = 16;
    private const int ServerAddressOffset = 20;
    private const int CookieOffset = 236;
    private const int OptionsOffset = 240;
    private const uint Cookie = 0x6382_5363;
    private const byte MessageType = 53, RequestedAddress = 50, ServerIdentifier = 54, End = 255;
    private const byte Discover = 1, Offer = 2, Request = 3, Acknowledge = 5, Refuse = 6;

    private enum Kind
    {
        Address,
        Addresses,
        Byte,
        Word,
        Number,
        Text,
        Domains,
        Routes,
    }

    // OVN's names of DHCPv4 options: name, code, form (ovn-nb(5), DHCP_Options).
    private static readonly ImmutableSortedDictionary<string, (byte Code, Kind Kind)> Options =
        new Dictionary<string, (byte, Kind)>
        {
            ["netmask"] = (1, Kind.Address),
            ["router"] = (3, Kind.Addresses),
            ["dns_server"] = (6, Kind.Addresses),
            ["log_server"] = (7, Kind.Addresses),
            ["lpr_server"] = (9, Kind.Addresses),
            ["hostname"] = (12, Kind.Text),
            ["domain_name"] = (15, Kind.Text),
            ["swap_server"] = (16, Kind.Address),
            ["ip_forward_enable"] = (19, Kind.Byte),
            ["policy_filter"] = (21, Kind.Addresses),
            ["default_ttl"] = (23, Kind.Byte),
            ["mtu"] = (26, Kind.Word),
            ["broadcast_address"] = (28, Kind.Address),
            ["router_discovery"] = (31, Kind.Byte),
            ["router_solicitation"] = (32, Kind.Address),
            ["arp_cache_timeout"] = (35, Kind.Number),
            ["ethernet_encap"] = (36, Kind.Byte),
            ["tcp_ttl"] = (37, Kind.Byte),
            ["tcp_keepalive_interval"] = (38, Kind.Number),
            ["nis_server"] = (41, Kind.Addresses),
            ["ntp_server"] = (42, Kind.Addresses),
            ["netbios_name_server"] = (44, Kind.Addresses),
            ["netbios_node_type"] = (46, Kind.Byte),
            ["lease_time"] = (51, Kind.Number),
            ["server_id"] = (54, Kind.Address),
            ["T1"] = (58, Kind.Number),
            ["T2"] = (59, Kind.Number),
            ["tftp_server"] = (66, Kind.Text),
            ["bootfile_name"] = (67, Kind.Text),
            ["domain_search_list"] = (119, Kind.Domains),
            ["classless_static_route"] = (121, Kind.Routes),
            ["tftp_server_address"] = (150, Kind.Addresses),
            ["ms_classless_static_route"] = (249, Kind.Routes),
            ["wpad"] = (252, Kind.Text),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>The answer's packet, or null: not a message that is answered.</summary>
    public static byte[]? Make(PuntedPacket packet, DhcpOptions row, IpPrefix offered)
    {
        var message = packet.UdpData;
        if (row.ServerId is not { } server || row.ServerMac is not { } mac) return null;
        if (!TryReadType(message, out var type, out var wanted)) return null;
        var answerType = type switch
        {
            Discover => Offer,
            Request when wanted is null || wanted == (uint)offered.Address => Acknowledge,
            Request => Refuse,
            _ => (byte)0,
        };
        if (answerType == 0) return null;

        var key = PacketAnswers.Turned(in packet.KeyRef);
        key.EthernetSource = mac;
        key.Ipv4Source = (uint)server.Address;
        key.Ipv4Destination = answerType == Refuse || packet.Key.Ipv4Source == 0
            ? uint.MaxValue
            : (uint)offered.Address;
        (key.PortSource, key.PortDestination) = (67, 68);
        return PacketAnswers.Udp(in key, Body(message, answerType, row, offered, server));
    }

    private static byte[] Body(
        ReadOnlySpan<byte> message, byte type, DhcpOptions row, IpPrefix offered, IpPrefix server)
    {
        var body = new List<byte>(message[..CookieOffset].ToArray()) { [0] = 2 };
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(number, type == Refuse ? 0 : (uint)offered.Address);
        for (var i = 0; i < 4; i++) body[YourAddressOffset + i] = number[i];
        BinaryPrimitives.WriteUInt32BigEndian(number, (uint)server.Address);
        for (var i = 0; i < 4; i++) body[ServerAddressOffset + i] = number[i];
        BinaryPrimitives.WriteUInt32BigEndian(number, Cookie);
        body.AddRange(number);
        body.AddRange([MessageType, 1, type]);
        if (type == Refuse)
        {
            body.AddRange([ServerIdentifier, 4, .. server.ToAddress().GetAddressBytes()]);
        }
        else
        {
            foreach (var (name, text) in row.Options) AddOption(body, name, text);
            if (!row.Options.ContainsKey("netmask") && IpPrefix.TryParse(row.Cidr, out var cidr))
                AddOption(body, "netmask", new IpPrefix(false, cidr.Mask, 32).ToString());
        }

        body.Add(End);
        const int sizeMin = 300; // What old relays and clients expect (RFC 1542 2.1).
        while (body.Count < sizeMin) body.Add(0);
        return [.. body];
    }

    private static void AddOption(List<byte> body, string name, string text)
    {
        if (!Options.TryGetValue(name, out var option)) return;
        text = text.Trim('{', '}', ' ', '"');
        var value = Encode(option.Kind, text);
        if (value.Length is 0 or > 255) return;
        body.AddRange([option.Code, (byte)value.Length, .. value]);
    }

    private static byte[] Encode(Kind kind, string text)
    {
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        switch (kind)
        {
            case Kind.Byte: return [(byte)number];
            case Kind.Word: return [(byte)(number >> 8), (byte)number];
            case Kind.Number:
                return [(byte)(number >> 24), (byte)(number >> 16), (byte)(
                    number >> 8), (byte)number];
            case Kind.Text: return Encoding.UTF8.GetBytes(text);
            case Kind.Domains: return [.. text.Split(',').SelectMany(DnsNames.Encode)];
            case Kind.Routes: return Routes(text);
            default:
                return
                [
                    .. text.Split(',').Select(part => part.Trim())
                        .Where(part => IPAddress.TryParse(part, out _))
                        .SelectMany(part => IPAddress.Parse(part).GetAddressBytes()),
                ];
        }
    }

    /// <summary>"10.0.0.0/24,10.0.0.1, 0.0.0.0/0,10.0.0.2" (RFC 3442).</summary>
    private static byte[] Routes(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        var bytes = new List<byte>();
        for (var i = 0; i + 1 < parts.Length; i += 2)
        {
            if (!IpPrefix.TryParse(parts[i], out var prefix) || prefix.IsIpv6
                || !IpPrefix.TryParse(parts[i + 1], out var hop) || hop.IsIpv6)
            {
                return [];
            }

            bytes.Add((byte)prefix.Length);
            bytes.AddRange(prefix.ToAddress().GetAddressBytes()[..((prefix.Length + 7) / 8)]);
            bytes.AddRange(hop.ToAddress().GetAddressBytes());
        }

        return [.. bytes];
    }

    private static bool TryReadType(ReadOnlySpan<byte> message, out byte type, out uint? wanted)
    {
        (type, wanted) = (0, null);
        if (message.Length < OptionsOffset || message[0] != 1
            || BinaryPrimitives.ReadUInt32BigEndian(message[CookieOffset..]) != Cookie)
        {
            return false;
        }

        var rest = message[OptionsOffset..];
        while (rest.Length >= 1 && rest[0] != End)
        {
            if (rest[0] == 0)
            {
                rest = rest[1..];
                continue;
            }

            if (rest.Length < 2 || rest.Length < 2 + rest[1]) return false;
            var value = rest.Slice(2, rest[1]);
            if (rest[0] == MessageType && value.Length == 1) type = value[0];
            if (rest[0] == RequestedAddress && value.Length == 4)
                wanted = BinaryPrimitives.ReadUInt32BigEndian(value);
            rest = rest[(2 + value.Length)..];
        }

        return type != 0;
    }
}
