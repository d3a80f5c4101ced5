using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Akka.Actor;

namespace Akka.Remote.Wire;

/// <summary>
/// Writes numbered fields: the encoding of every message that the runtime itself sends.
/// </summary>
/// <remarks>
/// A field is a varint key (number * 8 + type) and a value: type 0 is a varint, type 2 a varint
/// length and that many bytes. That is the Protocol Buffers encoding, so that a reader of another
/// version skips the fields it does not know. Integers are little-endian base-128, signed ones
/// zig-zag.
/// </remarks>
internal sealed class FieldWriter
{
    private readonly ArrayBufferWriter<byte> _bytes;

    public FieldWriter(int sizeHint = 128) => _bytes = new ArrayBufferWriter<byte>(sizeHint);

    public int Size => _bytes.WrittenCount;

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    /// <summary>An unsigned number; zero is written too, so that lists keep their length.</summary>
    public FieldWriter Unsigned(int field, ulong value)
    {
        Varint((ulong)field << 3);
        Varint(value);
        return this;
    }

    public FieldWriter Signed(int field, long value) =>
        Unsigned(field, (ulong)(value << 1) ^ (ulong)(value >> 63));

    public FieldWriter Flag(int field, bool value) => value ? Unsigned(field, 1) : this;

    public FieldWriter Real(int field, double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        return Bytes(field, bytes);
    }

    public FieldWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint(((ulong)field << 3) | 2);
        Varint((ulong)value.Length);
        return Raw(value);
    }

    /// <summary>Fields that were written elsewhere.</summary>
    public FieldWriter Raw(ReadOnlySpan<byte> fields)
    {
        fields.CopyTo(_bytes.GetSpan(fields.Length));
        _bytes.Advance(fields.Length);
        return this;
    }

    /// <summary>UTF-8 text; null is left out.</summary>
    public FieldWriter Text(int field, string? value)
    {
        if (value is null) return this;
        Varint(((ulong)field << 3) | 2);
        var size = Encoding.UTF8.GetByteCount(value);
        Varint((ulong)size);
        Encoding.UTF8.GetBytes(value, _bytes.GetSpan(size));
        _bytes.Advance(size);
        return this;
    }

    public FieldWriter Nested(int field, FieldWriter inner) => Bytes(field, inner.Written);

    public FieldWriter Address(int field, Address address) => Text(field, address.ToString());

    public FieldWriter UniqueAddress(int field, Akka.Cluster.UniqueAddress node) =>
        Nested(field, new FieldWriter(64).Address(1, node.Address).Signed(2, node.Uid));

    private void Varint(ulong value)
    {
        var span = _bytes.GetSpan(10);
        var size = 0;
        while (value >= 0x80)
        {
            span[size++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[size++] = (byte)value;
        _bytes.Advance(size);
    }
}
