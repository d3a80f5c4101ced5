using System.Buffers;
using System.Text;

namespace Fabric.Cluster;

/// <summary>Writes numbered fields, in the encoding of protocol buffers (proto3).</summary>
/// <remarks>
/// A field is a key (number times 8 plus wire type) and a value: a varint (type 0) or a length
/// and bytes (type 2). Numbers never change their meaning; new fields take new numbers, and
/// readers skip what they do not know. Zero, empty and null are not written.
/// </remarks>
public sealed class FieldWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    /// <summary>Signed, in two's complement; negative values take ten bytes.</summary>
    public FieldWriter Number(int field, long value)
    {
        if (value == 0) return this;
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    public FieldWriter Flag(int field, bool value) => Number(field, value ? 1 : 0);

    public FieldWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return this;
        Key(field);
        Varint((ulong)value.Length);
        _buffer.Write(value);
        return this;
    }

    public FieldWriter Text(int field, string? value) =>
        string.IsNullOrEmpty(value) ? this : Item(field, Encoding.UTF8.GetBytes(value));

    /// <summary>16 bytes, big-endian as in RFC 9562.</summary>
    public FieldWriter Uuid(int field, Guid value)
    {
        if (value == Guid.Empty) return this;
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Bytes(field, bytes);
    }

    /// <summary>One element of a repeated field: written even when empty.</summary>
    public FieldWriter Item(int field, ReadOnlySpan<byte> value)
    {
        Key(field);
        Varint((ulong)value.Length);
        _buffer.Write(value);
        return this;
    }

    public FieldWriter Item(int field, FieldWriter nested) =>
        Item(field, nested._buffer.WrittenSpan);

    public FieldWriter Texts(int field, IEnumerable<string> values)
    {
        foreach (var value in values) Item(field, Encoding.UTF8.GetBytes(value));
        return this;
    }

    /// <summary>Pairs as nested fields 1 and 2.</summary>
    public FieldWriter Map(int field, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        foreach (var (key, value) in pairs)
            Item(field, new FieldWriter().Text(1, key).Text(2, value));
        return this;
    }

    private void Key(int field) => Varint(((ulong)field << 3) | 2);

    private void Varint(ulong value)
    {
        var span = _buffer.GetSpan(10);
        var length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[length++] = (byte)value;
        _buffer.Advance(length);
    }
}
