using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>Options of DHCPv6 messages (RFC 8415 21): read within bounds, and written.</summary>
internal ref struct Dhcpv6Options(ReadOnlySpan<byte> bytes)
{
    private const int HeaderSize = 4, CountMax = 64;

    private ReadOnlySpan<byte> _rest = bytes;
    private int _count;

    /// <summary>All bytes were options.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    public ushort Code { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>False at the end, and at what is no option.</summary>
    public bool Next()
    {
        if (_rest.Length < HeaderSize || _count++ >= CountMax) return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]);
        if (_rest.Length < HeaderSize + length) return false;
        Code = BinaryPrimitives.ReadUInt16BigEndian(_rest);
        Value = _rest.Slice(HeaderSize, length);
        _rest = _rest[(HeaderSize + length)..];
        return true;
    }

    public static void Add(List<byte> body, ushort code, byte[] value)
    {
        body.AddRange(
            [(byte)(code >> 8), (byte)code, (byte)(value.Length >> 8), (byte)value.Length]);
        body.AddRange(value);
    }

    /// <summary>DUID-LL of Ethernet (RFC 8415 11.4).</summary>
    public static byte[] DuidOf(MacBytes mac)
    {
        var bytes = new byte[12];
        bytes[1] = 3;
        bytes[3] = 1;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(4), mac.ToUInt64() << 16);
        return bytes[..10];
    }
}
