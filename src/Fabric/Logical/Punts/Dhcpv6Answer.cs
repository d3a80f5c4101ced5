using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>DHCPv6 (RFC 8415): one address for a port, straight from the northbound.</summary>
/// <remarks>
/// Solicit is advertised; request, confirm, renew, rebind are replied to with the address;
/// information request with the other options; release and decline with success. The server's
/// DUID is made from option server_id of DHCP_Options, a MAC.
/// </remarks>
internal static class Dhcpv6Answer
{
    private const byte Solicit = 1, Advertise = 2, Request = 3, Confirm = 4, Renew = 5, Rebind = 6,
        Reply = 7, Release = 8, Decline = 9, InformationRequest = 11;

    private const ushort OptionClientId = 1, OptionServerId = 2, OptionIaNa = 3,
        OptionIaAddress = 5, OptionStatus = 13, OptionDns = 23, OptionSearch = 24,
        OptionFqdn = 39;

    private const int HeaderSize = 4;

    /// <summary>The answer's packet, or null: not a message that a server answers.</summary>
    public static byte[]? Make(PuntedPacket packet, DhcpOptions options, IpPrefix offered)
    {
        var message = packet.UdpData;
        if (message.Length < HeaderSize
            || !MacBytes.TryParse(
                options.Options.GetValueOrDefault("server_id", ""), out var server)
            || !TryReadOptions(message[HeaderSize..], out var clientId, out var association))
        {
            return null;
        }

        byte? answer = message[0] switch
        {
            Solicit => Advertise,
            Request or Confirm or Renew or Rebind or Release or Decline or InformationRequest =>
                Reply,
            _ => null,
        };
        if (answer is null || (clientId is null && message[0] != InformationRequest)) return null;
        var isStateless = options.Options.GetValueOrDefault("dhcpv6_stateless") == "true";

        var body = new List<byte> { answer.Value, message[1], message[2], message[3] };
        if (clientId is not null) Dhcpv6Options.Add(body, OptionClientId, clientId);
        Dhcpv6Options.Add(body, OptionServerId, Dhcpv6Options.DuidOf(server));
        var isEnd = message[0] is Release or Decline;
        if (isEnd) Dhcpv6Options.Add(body, OptionStatus, [0, 0]);
        else if (association is { } identity && !isStateless && message[0] != InformationRequest)
            Dhcpv6Options.Add(body, OptionIaNa, Association(identity, offered));
        if (!isEnd) AddConfiguration(body, options);

        var key = PacketAnswers.Turned(in packet.KeyRef);
        key.EthernetSource = server;
        key.Ipv6Source = Ipv6Bytes.From(IpPrefix.LinkLocalOf(server).ToAddress());
        (key.PortSource, key.PortDestination) = (547, 546);
        return PacketAnswers.Udp(in key, body.ToArray());
    }

    private static bool TryReadOptions(
        ReadOnlySpan<byte> bytes, out byte[]? clientId, out uint? association)
    {
        (clientId, association) = (null, null);
        var options = new Dhcpv6Options(bytes);
        while (options.Next())
        {
            if (options.Code == OptionClientId) clientId = options.Value.ToArray();
            if (options.Code == OptionIaNa && options.Value.Length >= 12)
                association = BinaryPrimitives.ReadUInt32BigEndian(options.Value);
        }

        return options.IsAtEnd;
    }

    /// <summary>IA_NA with one address for ever (RFC 8415 21.4, 21.6).</summary>
    private static byte[] Association(uint identity, IpPrefix offered)
    {
        var address = new byte[24];
        offered.ToAddress().GetAddressBytes().CopyTo(address, 0);
        address.AsSpan(16, 8).Fill(0xff);
        var association = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(association, identity);
        association.AsSpan(4, 8).Fill(0xff);
        var body = new List<byte>(association);
        Dhcpv6Options.Add(body, OptionIaAddress, address);
        return body.ToArray();
    }

    private static void AddConfiguration(List<byte> body, DhcpOptions options)
    {
        var servers = options.Options.GetValueOrDefault("dns_server", "").Trim('{', '}')
            .Split((char[])[' ', ','], StringSplitOptions.RemoveEmptyEntries)
            .Select(word => IpPrefix.TryParse(word, out var ip) && ip.IsIpv6 ? ip : (IpPrefix?)null)
            .OfType<IpPrefix>().SelectMany(ip => ip.ToAddress().GetAddressBytes()).ToArray();
        if (servers.Length > 0) Dhcpv6Options.Add(body, OptionDns, servers);
        var search = options.Options.GetValueOrDefault("domain_search", "").Trim('"');
        if (search.Length > 0) Dhcpv6Options.Add(body, OptionSearch, DnsNames.Encode(search));
        var name = options.Options.GetValueOrDefault("fqdn", "").Trim('"');
        if (name.Length > 0)
            Dhcpv6Options.Add(body, OptionFqdn, [0x03, .. DnsNames.Encode(name)]);
    }
}
