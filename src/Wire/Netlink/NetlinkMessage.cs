using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>A netlink message, linux/netlink.h: a view over bytes, never a copy.</summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------------------------------------------------------+
/// |                 Length (header included)                      |
/// +-------------------------------+-------------------------------+
/// |             Type              |             Flags             |
/// +-------------------------------+-------------------------------+
/// |                       Sequence number                         |
/// +---------------------------------------------------------------+
/// |                          Port id                              |
/// +---------------------------------------------------------------+
/// </code>
/// In the host's byte order, which is little-endian wherever this runs.
/// </remarks>
public readonly ref struct NetlinkMessage
{
    public const int HeaderSize = 16;

    private readonly ReadOnlySpan<byte> _bytes;

    private NetlinkMessage(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public ushort Type => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[Field.Type..]);
    public ushort Flags => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[Field.Flags..]);
    public uint Sequence => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[Field.Sequence..]);
    public ReadOnlySpan<byte> Payload => _bytes[HeaderSize..];

    /// <summary>
    /// Splits the first message off 'datagram'; false at its end or when it lies.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> datagram, out NetlinkMessage message, out ReadOnlySpan<byte> rest)
    {
        message = default;
        rest = default;
        if (datagram.Length < HeaderSize) return false;
        var size = BinaryPrimitives.ReadUInt32LittleEndian(datagram);
        if (size < HeaderSize || size > (uint)datagram.Length) return false;

        message = new NetlinkMessage(datagram[..(int)size]);
        rest = datagram[Math.Min(datagram.Length, NetlinkAttribute.Align((int)size))..];
        return true;
    }

    private static class Field
    {
        public const int Type = 4;
        public const int Flags = 6;
        public const int Sequence = 8;
    }
}

/// <summary>A netlink attribute: length, type, value, padded to four bytes.</summary>
public readonly ref struct NetlinkAttribute
{
    public const int HeaderSize = 4;

    /// <summary>Bits of the type field that are no type: nested, network byte order.</summary>
    private const ushort TypeMask = 0x3FFF;

    private readonly ReadOnlySpan<byte> _bytes;

    private NetlinkAttribute(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public ushort Type =>
        (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(_bytes[2..]) & TypeMask);

    public ReadOnlySpan<byte> Value => _bytes[HeaderSize..];

    /// <summary>Splits the first attribute off; false at the end or when its length lies.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> attributes, out NetlinkAttribute attribute,
        out ReadOnlySpan<byte> rest)
    {
        attribute = default;
        rest = default;
        if (attributes.Length < HeaderSize) return false;
        var size = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
        if (size < HeaderSize || size > attributes.Length) return false;

        attribute = new NetlinkAttribute(attributes[..size]);
        rest = attributes[Math.Min(attributes.Length, Align(size))..];
        return true;
    }

    /// <summary>The next multiple of four.</summary>
    public static int Align(int size) => (size + 3) & ~3;
}
