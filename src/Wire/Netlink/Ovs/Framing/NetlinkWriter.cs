using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Fabric.Wire.Netlink;

/// <summary>Writes messages and attributes into a buffer, and never past its end.</summary>
/// <remarks>
/// What does not fit is not written and sets <see cref="HasOverflowed"/>; the caller looks at it
/// once, before sending. Padding is zero. Integers are little-endian unless the name says Big.
/// </remarks>
public ref struct NetlinkWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    /// <summary>Bytes written.</summary>
    public int Size { get; private set; }

    /// <summary>True once something did not fit: the bytes are then worth nothing.</summary>
    public bool HasOverflowed { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _buffer[..Size];

    /// <summary>Writes the headers of a message whose length follows at its end.</summary>
    /// <returns>What <see cref="EndMessage"/> wants.</returns>
    public int BeginMessage(scoped in OvsHeader header)
    {
        var start = Size;
        if (TryReserve(OvsHeader.Size, out var bytes)) header.WriteTo(bytes);
        return start;
    }

    /// <summary>Any other message: netlink header (linux/netlink.h) and 'extra' bytes.</summary>
    public int BeginMessage(
        ushort type, ushort flags, uint sequence, uint portId,
        scoped ReadOnlySpan<byte> extra)
    {
        var start = Size;
        var extraSize = NetlinkAttribute.Align(extra.Length);
        if (TryReserve(NetlinkMessage.HeaderSize + extraSize, out var bytes))
        {
            bytes.Clear();
            OvsHeader.WriteNetlink(bytes, type, flags, sequence, portId);
            extra.CopyTo(bytes[NetlinkMessage.HeaderSize..]);
        }

        return start;
    }

    public void EndMessage(int start)
    {
        if (HasOverflowed) return;
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer[start..], (uint)(Size - start));
    }

    /// <summary>Begins an attribute that holds attributes.</summary>
    /// <returns>What <see cref="End"/> wants.</returns>
    public int Begin(ushort type)
    {
        var start = Size;
        if (TryReserve(NetlinkAttribute.HeaderSize, out var bytes))
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], type);
        }

        return start;
    }

    public void End(int start)
    {
        if (HasOverflowed) return;
        var size = Size - start;
        if (size > NetlinkLimits.AttributeSizeMax)
        {
            HasOverflowed = true;
            return;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[start..], (ushort)size);
    }

    /// <summary>One attribute with these bytes as its value.</summary>
    public void Put(ushort type, scoped ReadOnlySpan<byte> value)
    {
        var size = NetlinkAttribute.HeaderSize + value.Length;
        if (size > NetlinkLimits.AttributeSizeMax)
        {
            HasOverflowed = true;
            return;
        }

        if (!TryReserve(NetlinkAttribute.Align(size), out var bytes)) return;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)size);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], type);
        value.CopyTo(bytes[NetlinkAttribute.HeaderSize..]);
        bytes[size..].Clear();
    }

    public void PutFlag(ushort type) => Put(type, default);

    public void PutUInt8(ushort type, byte value) => Put(type, [value]);

    public void PutUInt16(ushort type, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        Put(type, bytes);
    }

    public void PutUInt32(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Put(type, bytes);
    }

    public void PutUInt64(ushort type, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Put(type, bytes);
    }

    public void PutBigUInt16(ushort type, ushort value) =>
        PutUInt16(type, BinaryPrimitives.ReverseEndianness(value));

    public void PutBigUInt32(ushort type, uint value) =>
        PutUInt32(type, BinaryPrimitives.ReverseEndianness(value));

    public void PutBigUInt64(ushort type, ulong value) =>
        PutUInt64(type, BinaryPrimitives.ReverseEndianness(value));

    /// <summary>64-bit numbers one after the other: the structures of statistics.</summary>
    public void PutUInt64s(ushort type, params scoped ReadOnlySpan<ulong> values)
    {
        Span<byte> bytes = stackalloc byte[8 * 8];
        var size = 0;
        foreach (var value in values)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[size..], value);
            size += 8;
        }

        Put(type, bytes[..size]);
    }

    /// <summary>Text with its zero; longer than NameSizeMax it overflows.</summary>
    public void PutText(ushort type, string text)
    {
        Span<byte> bytes = stackalloc byte[NetlinkLimits.NameSizeMax];
        if (!Encoding.UTF8.TryGetBytes(text, bytes[..^1], out var size)) HasOverflowed = true;
        bytes[size] = 0;
        Put(type, bytes[..(size + 1)]);
    }

    public void PutAddress(ushort type, IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var size);
        Put(type, bytes[..size]);
    }

    /// <summary>A 128-bit label: the low 64 bits first, host order (struct ovs_u128).</summary>
    public void PutLabel(ushort type, UInt128 label)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, label);
        Put(type, bytes);
    }

    private bool TryReserve(int size, out Span<byte> bytes)
    {
        if (HasOverflowed || size > _buffer.Length - Size)
        {
            HasOverflowed = true;
            bytes = default;
            return false;
        }

        bytes = _buffer.Slice(Size, size);
        Size += size;
        return true;
    }
}
