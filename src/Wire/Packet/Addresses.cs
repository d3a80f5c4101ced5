using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace Fabric.Wire;

/// <summary>Six bytes of an IEEE 802 address, as on the wire.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = 6)]
public readonly struct MacBytes : IEquatable<MacBytes>, IComparable<MacBytes>
{
    public const int Size = 6;

    private readonly byte _0, _1, _2, _3, _4, _5;

    private MacBytes(ulong value)
    {
        _0 = (byte)(value >> 40);
        _1 = (byte)(value >> 32);
        _2 = (byte)(value >> 24);
        _3 = (byte)(value >> 16);
        _4 = (byte)(value >> 8);
        _5 = (byte)value;
    }

    public static MacBytes Broadcast { get; } = FromUInt64(0xFFFF_FFFF_FFFF);

    /// <summary>The address as a number, first byte on the wire most significant.</summary>
    public ulong ToUInt64() =>
        ((ulong)_0 << 40) | ((ulong)_1 << 32) | ((ulong)_2 << 24)
        | ((ulong)_3 << 16) | ((ulong)_4 << 8) | _5;

    /// <summary>The lower 48 bits of 'value', most significant byte first on the wire.</summary>
    public static MacBytes FromUInt64(ulong value) => new(value);

    /// <summary>The first six bytes of 'bytes'.</summary>
    public static MacBytes From(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<MacBytes>(bytes);

    public bool IsMulticast => (_0 & 1) != 0;
    public bool IsZero => ToUInt64() == 0;

    public void CopyTo(Span<byte> bytes) => MemoryMarshal.Write(bytes, in this);

    /// <summary>Six pairs of hexadecimal digits with colons.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacBytes mac)
    {
        mac = default;
        if (text.Length != 17) return false;
        ulong value = 0;
        for (var i = 0; i < 6; i++)
        {
            if (i > 0 && text[(i * 3) - 1] is not (':' or '-')) return false;
            if (!byte.TryParse(text.Slice(i * 3, 2), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out var part))
            {
                return false;
            }

            value = (value << 8) | part;
        }

        mac = FromUInt64(value);
        return true;
    }

    public override string ToString() =>
        $"{_0:x2}:{_1:x2}:{_2:x2}:{_3:x2}:{_4:x2}:{_5:x2}";

    public bool Equals(MacBytes other) => ToUInt64() == other.ToUInt64();
    public override bool Equals(object? obj) => obj is MacBytes other && Equals(other);
    public override int GetHashCode() => ToUInt64().GetHashCode();
    public int CompareTo(MacBytes other) => ToUInt64().CompareTo(other.ToUInt64());
    public static bool operator ==(MacBytes left, MacBytes right) => left.Equals(right);
    public static bool operator !=(MacBytes left, MacBytes right) => !left.Equals(right);
}

/// <summary>Sixteen bytes of an IPv6 address, as on the wire.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = 16)]
public readonly struct Ipv6Bytes : IEquatable<Ipv6Bytes>
{
    public const int Size = 16;

    private readonly ulong _highWire, _lowWire;

    /// <summary>The first sixteen bytes of 'bytes'.</summary>
    public static Ipv6Bytes From(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<Ipv6Bytes>(bytes);

    public static Ipv6Bytes From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[Size];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return From(bytes);
    }

    public void CopyTo(Span<byte> bytes) => MemoryMarshal.Write(bytes, in this);

    public IPAddress ToAddress()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return new IPAddress(bytes);
    }

    public override string ToString() => ToAddress().ToString();
    public bool Equals(Ipv6Bytes other) =>
        _highWire == other._highWire && _lowWire == other._lowWire;
    public override bool Equals(object? obj) => obj is Ipv6Bytes other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(_highWire, _lowWire);
    public static bool operator ==(Ipv6Bytes left, Ipv6Bytes right) => left.Equals(right);
    public static bool operator !=(Ipv6Bytes left, Ipv6Bytes right) => !left.Equals(right);
}

/// <summary>Connection state bits as OpenFlow's ct_state has them (Nicira extension).</summary>
[Flags]
public enum ConntrackState : uint
{
    None = 0,
    New = 0x01,
    Established = 0x02,
    Related = 0x04,
    Reply = 0x08,
    Invalid = 0x10,
    Tracked = 0x20,
    SourceNat = 0x40,
    DestinationNat = 0x80,
}

/// <summary>Bits of <see cref="FlowKey.TunnelFlagsWire"/> (host order here).</summary>
[Flags]
public enum TunnelFlags : ushort
{
    None = 0,
    /// <summary>Geneve control packet (RFC 8926 "O" bit), matched as tun_flags=oam.</summary>
    Oam = 0x01,
    DontFragment = 0x02,
    /// <summary>The outer UDP or GRE header carries a checksum.</summary>
    Checksum = 0x04,
    /// <summary>The tunnel carries a key (GRE) or always does (VXLAN, Geneve).</summary>
    Key = 0x08,
    /// <summary>GRE: number the packets. For headers to be written; never matched.</summary>
    Sequence = 0x10,
}
