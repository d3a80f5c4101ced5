using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>
/// An IPv4 or IPv6 address with a prefix length; a lone address has the full length.
/// </summary>
/// <param name="Address">As a number in the low 32 or 128 bits; host bits are kept.</param>
/// <param name="Length">Prefix length in bits, 0 to <see cref="Width"/>.</param>
public readonly record struct IpPrefix(bool IsIpv6, UInt128 Address, int Length)
{
    /// <summary>32 or 128.</summary>
    public int Width => IsIpv6 ? 128 : 32;

    public UInt128 Mask =>
        ExpressionLexer.LowBits(Width) & ~ExpressionLexer.LowBits(Width - Length);

    /// <summary>The address with its host bits zero.</summary>
    public IpPrefix Network => this with { Address = Address & Mask };

    /// <summary>Just the address.</summary>
    public IpPrefix Host => this with { Length = Width };

    public bool IsHost => Length == Width;

    /// <summary>The last address of the prefix: IPv4's directed broadcast.</summary>
    public UInt128 Last => Address | (ExpressionLexer.LowBits(Width) & ~Mask);

    public bool IsMulticast => IsIpv6 ? Address >> 120 == 0xff : Address >> 28 == 0xe;

    /// <summary>A group that no router forwards: 224.0.0.0/24, ff01::/16, ff02::/16.</summary>
    public bool IsLinkScope => IsIpv6
        ? (uint)(Address >> 112 & 0xff0f) is 0xff01 or 0xff02
        : Address >> 8 == 0xe0_0000;

    /// <summary>fe80::/10.</summary>
    public bool IsLinkLocal => IsIpv6 && Address >> 118 == 0x3fa;

    public MaskedValue Match => new(Address & Mask, Mask);

    public bool Contains(IpPrefix other) =>
        IsIpv6 == other.IsIpv6 && Length <= other.Length
        && ((Address ^ other.Address) & Mask) == 0;

    public static IpPrefix V4(uint address, int length = 32) => new(false, address, length);

    /// <summary>"10.0.0.1", "10.0.0.0/24", "fd00::1/64".</summary>
    public static bool TryParse(string? text, out IpPrefix prefix)
    {
        prefix = default;
        if (text is null) return false;
        var slash = text.IndexOf('/');
        var word = slash < 0 ? text : text[..slash];
        if (!IPAddress.TryParse(word, out var address)) return false;

        var isIpv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        if (!isIpv6 && word.Count(c => c == '.') != 3) return false;
        UInt128 value = 0;
        foreach (var part in address.GetAddressBytes()) value = (value << 8) | part;
        var width = isIpv6 ? 128 : 32;
        var length = width;
        if (slash >= 0 && (!int.TryParse(
                text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length)
            || length > width))
        {
            return false;
        }

        prefix = new IpPrefix(isIpv6, value, length);
        return true;
    }

    /// <summary>fe80:: with the modified EUI-64 of the MAC (RFC 4291 appendix A).</summary>
    public static IpPrefix LinkLocalOf(MacBytes mac)
    {
        var number = mac.ToUInt64();
        var high = (number >> 24) ^ 0x02_0000;
        var identifier = (high << 40) | (0xfffeUL << 24) | (number & 0xff_ffff);
        return new IpPrefix(true, ((UInt128)0xfe80_0000_0000_0000 << 64) | identifier, 128);
    }

    /// <summary>The solicited-node multicast address ff02::1:ffxx:xxxx (RFC 4291 2.7.1).</summary>
    public UInt128 SolicitedNode =>
        ((UInt128)0xff02_0000_0000_0000 << 64) | 0x0000_0001_ff00_0000 | (Address & 0xff_ffff);

    public IPAddress ToAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        return new IPAddress(IsIpv6 ? bytes : bytes[12..]);
    }

    public override string ToString() => IsHost ? $"{ToAddress()}" : $"{ToAddress()}/{Length}";
}

/// <summary>
/// A MAC with the IP addresses used behind it, as in addresses and port_security.
/// </summary>
public sealed record LinkAddresses(
    MacBytes Mac, System.Collections.Immutable.ImmutableArray<IpPrefix> Ips)
{
    public IEnumerable<IpPrefix> Ipv4 => Ips.Where(ip => !ip.IsIpv6);
    public IEnumerable<IpPrefix> Ipv6 => Ips.Where(ip => ip.IsIpv6);

    /// <summary>
    /// "MAC IP..."; false when the text does not begin with a MAC or an IP is bad.
    /// </summary>
    public static bool TryParse(string text, out LinkAddresses addresses)
    {
        addresses = new LinkAddresses(default, []);
        var words = text.Split(
            (char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0 || !MacBytes.TryParse(words[0], out var mac)) return false;
        var ips = System.Collections.Immutable.ImmutableArray.CreateBuilder<IpPrefix>();
        foreach (var word in words.Skip(1))
        {
            if (!IpPrefix.TryParse(word, out var ip)) return false;
            ips.Add(ip);
        }

        addresses = new LinkAddresses(mac, ips.ToImmutable());
        return true;
    }
}
