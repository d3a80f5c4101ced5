using System.Buffers.Binary;
using System.Text;

namespace Fabric.Wire.OpenFlow;

/// <summary>
/// Writes big-endian fields into a buffer that grows; lengths are patched in later.
/// </summary>
public sealed class OfWriter
{
    private byte[] _bytes = new byte[512];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, Length);

    public byte[] ToArray() => Written.ToArray();

    public void Clear() => Length = 0;

    public OfWriter U8(byte value)
    {
        Grow(1)[0] = value;
        return this;
    }

    public OfWriter U16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(Grow(2), value);
        return this;
    }

    public OfWriter U32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(Grow(4), value);
        return this;
    }

    public OfWriter U64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Grow(8), value);
        return this;
    }

    /// <summary>The lowest 'size' bytes of a number.</summary>
    public OfWriter Number(UInt128 value, int size)
    {
        MatchField.WriteBigEndian(Grow(size), value);
        return this;
    }

    public OfWriter Mac(MacBytes value)
    {
        value.CopyTo(Grow(MacBytes.Size));
        return this;
    }

    public OfWriter Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Grow(value.Length));
        return this;
    }

    public OfWriter Zeros(int count)
    {
        Grow(count).Clear();
        return this;
    }

    /// <summary>Text in a field of 'size' bytes, cut so that a zero fits behind it.</summary>
    public OfWriter Text(string value, int size)
    {
        var field = Grow(size);
        field.Clear();
        var bytes = Encoding.UTF8.GetBytes(value);
        bytes.AsSpan(0, Math.Min(bytes.Length, size - 1)).CopyTo(field);
        return this;
    }

    /// <summary>Zeros until the length from 'start' on is a multiple of 8.</summary>
    public OfWriter Align8(int start) => Zeros(-(Length - start) & 7);

    public void PatchU16(int position, int value) =>
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(position), (ushort)value);

    public void PatchU32(int position, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(position), value);

    /// <summary>Forgets what was written after 'length'.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Forgets the first 'count' bytes; the others move to the front.</summary>
    public void RemoveFirst(int count)
    {
        _bytes.AsSpan(count, Length - count).CopyTo(_bytes);
        Length -= count;
    }

    private Span<byte> Grow(int count)
    {
        if (Length + count > _bytes.Length) Enlarge(count);
        var span = _bytes.AsSpan(Length, count);
        Length += count;
        return span;
    }

    private void Enlarge(int count) =>
        Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
}
