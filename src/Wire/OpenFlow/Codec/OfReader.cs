using System.Buffers.Binary;

namespace Fabric.Wire.OpenFlow;

/// <summary>Reads big-endian fields from a span and remembers whether it was long enough.</summary>
/// <remarks>
/// Reading past the end gives zeros and sets <see cref="Failed"/>; so a decoder reads a whole
/// structure and asks once. Nothing here throws.
/// </remarks>
public ref struct OfReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }
    public bool Failed { get; private set; }
    public readonly int Remaining => _bytes.Length - Position;
    public readonly bool IsEmpty => Position >= _bytes.Length;

    public byte U8()
    {
        var at = Take(1);
        return at < 0 ? (byte)0 : _bytes[at];
    }

    public ushort U16()
    {
        var at = Take(2);
        return at < 0 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(_bytes[at..]);
    }

    public uint U32()
    {
        var at = Take(4);
        return at < 0 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(_bytes[at..]);
    }

    public ulong U64()
    {
        var at = Take(8);
        return at < 0 ? 0 : BinaryPrimitives.ReadUInt64BigEndian(_bytes[at..]);
    }

    /// <summary>A number of 'size' bytes; of more than 16 only the last 16 count.</summary>
    public UInt128 Number(int size)
    {
        var at = Take(size);
        return at < 0 ? 0 : MatchField.ReadBigEndian(_bytes.Slice(at, size));
    }

    public MacBytes Mac()
    {
        var at = Take(MacBytes.Size);
        return at < 0 ? default : MacBytes.From(_bytes[at..]);
    }

    /// <summary>'size' bytes, or none and failure.</summary>
    public ReadOnlySpan<byte> Bytes(int size)
    {
        var at = Take(size);
        return at < 0 ? default : _bytes.Slice(at, size);
    }

    /// <summary>Everything that is left.</summary>
    public ReadOnlySpan<byte> Rest() => Bytes(Remaining);

    /// <summary>A zero-terminated string in a field of 'size' bytes.</summary>
    public string Text(int size)
    {
        var bytes = Bytes(size);
        var end = bytes.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    public void Skip(int size) => Take(size);

    /// <summary>
    /// Skips bytes until the position is a multiple of 8 from 'start' on, if there are.
    /// </summary>
    public void Align8(int start = 0)
    {
        var pad = -(Position - start) & 7;
        Take(Math.Min(pad, Remaining));
    }

    /// <summary>The bytes are all zero (must-be-zero padding).</summary>
    public bool Zeros(int size) => !Bytes(size).ContainsAnyExcept((byte)0);

    private int Take(int size)
    {
        if (size < 0 || size > Remaining)
        {
            Failed = true;
            Position = _bytes.Length;
            return -1;
        }

        var at = Position;
        Position += size;
        return at;
    }
}
