using System.Buffers.Binary;
using System.Globalization;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>Router advertisements (RFC 4861 4.2) from a router port's ipv6_ra_configs.</summary>
internal static class RouterAdvertisement
{
    private const byte TypeAdvert = 134;
    private const int HeaderSize = 14 + 40;
    private const int AdvertSize = 16;

    /// <summary>The answer to a router solicitation.</summary>
    public static byte[] Answer(PuntedPacket solicit, LogicalRouterPort port)
    {
        var key = PacketAnswers.Turned(in solicit.KeyRef);
        key.NdTarget = default;
        key.ArpSource = key.ArpTarget = default;
        return Compose(key, port);
    }

    /// <summary>
    /// ipv6_ra_configs:send_periodic: to all nodes, every min_interval to max_interval seconds;
    /// null: this port does not.
    /// </summary>
    public static PeriodicFrames? Periodic(uint datapath, LogicalRouterPort port)
    {
        const uint maxDefault = 600, maxLeast = 4, maxMost = 1800, minLeast = 3;
        var configs = port.RouterAdvertisement;
        if (configs.GetValueOrDefault("send_periodic") != "true"
            || !configs.ContainsKey("address_mode"))
        {
            return null;
        }

        var longest = Number(configs.GetValueOrDefault("max_interval"));
        longest = longest == 0 ? maxDefault : Math.Clamp(longest, maxLeast, maxMost);
        var shortest = Number(configs.GetValueOrDefault("min_interval"));
        shortest = shortest == 0
            ? longest >= 9 ? longest / 3 : longest * 3 / 4
            : Math.Clamp(shortest, minLeast, Math.Max(minLeast, longest * 3 / 4));
        var allNodes = new IpPrefix(true, ((UInt128)0xff02 << 112) | 1, 128);
        var key = new FlowKey
        {
            EthernetType = EtherType.Ipv6,
            EthernetDestination = Sightings.MacOf(allNodes),
            Ipv6Destination = Ipv6Bytes.From(allNodes.ToAddress()),
        };
        return new PeriodicFrames(
            datapath, TimeSpan.FromSeconds(shortest), TimeSpan.FromSeconds(longest),
            [Compose(key, port)]);
    }

    /// <param name="key">To whom: addresses of the frame.</param>
    private static byte[] Compose(FlowKey key, LogicalRouterPort port)
    {
        var configs = port.RouterAdvertisement;
        key.EthernetSource = port.Mac;
        key.Ipv6Source = Ipv6Bytes.From(IpPrefix.LinkLocalOf(port.Mac).ToAddress());
        key.NetworkProtocol = IpProtocol.Icmpv6;
        key.NetworkTtl = 255;
        (key.PortSource, key.PortDestination) = (TypeAdvert, 0);

        // Behind the first eight bytes of ICMPv6: reachable and retransmission time, options.
        var body = new List<byte>(new byte[AdvertSize - 8]);
        body.AddRange([1, 1]);
        var mac = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(mac, port.Mac.ToUInt64() << 16);
        body.AddRange(mac[..6]);
        if (Number(configs.GetValueOrDefault("mtu")) is > 0 and var mtu)
            body.AddRange([5, 1, 0, 0, .. Word(mtu)]);
        var prefixes = port.Ipv6.Where(network => !network.IsLinkLocal)
            .Concat(port.DelegatedPrefixes);
        foreach (var network in prefixes)
            body.AddRange(PrefixOption(network, configs.GetValueOrDefault("address_mode") ?? ""));
        if (IpPrefix.TryParse(configs.GetValueOrDefault("rdnss"), out var server) && server.IsIpv6)
        {
            body.AddRange([25, 3, 0, 0, .. Word(uint.MaxValue)]);
            body.AddRange(server.ToAddress().GetAddressBytes());
        }

        return PacketAnswers.WithPayload(
            in key, HeaderSize, 8, body.ToArray(), FirstWord(configs));
    }

    /// <summary>Hop limit, flags with preference, router lifetime (RFC 4191 2.2).</summary>
    private static uint FirstWord(
        System.Collections.Immutable.ImmutableSortedDictionary<string, string> configs)
    {
        const uint hopLimit = 255, lifetimeSeconds = 0xffff;
        var flags = configs.GetValueOrDefault("address_mode") switch
        {
            "dhcpv6_stateful" => 0xc0u, // Managed addresses, other configuration.
            "dhcpv6_stateless" => 0x40u,
            _ => 0u,
        };
        flags |= configs.GetValueOrDefault("router_preference")?.ToUpperInvariant() switch
        {
            "HIGH" => 0x08u,
            "LOW" => 0x18u,
            _ => 0u,
        };
        return (hopLimit << 24) | (flags << 16) | lifetimeSeconds;
    }

    /// <summary>Prefix information (RFC 4861 4.6.2): on link; autonomous unless stateful.</summary>
    private static byte[] PrefixOption(IpPrefix network, string mode)
    {
        const byte onLink = 0x80, autonomous = 0x40;
        var flags = mode == "dhcpv6_stateful" ? onLink : (byte)(onLink | autonomous);
        return
        [
            3, 4, (byte)network.Length, flags, .. Word(uint.MaxValue), .. Word(uint.MaxValue),
            0, 0, 0, 0, .. network.Network.ToAddress().GetAddressBytes(),
        ];
    }

    private static uint Number(string? text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;

    private static byte[] Word(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }
}
