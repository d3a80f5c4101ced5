using System.Text;

namespace Fabric.Cluster;

/// <summary>Reads what <see cref="FieldWriter"/> wrote, and never past the end.</summary>
/// <remarks>
/// <c>while (reader.TryNext()) switch (reader.Field) { ... }</c>, then ask
/// <see cref="IsMalformed"/>. A field that the caller does not take is skipped.
/// </remarks>
public ref struct FieldReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Value of a varint field; 0 for others.</summary>
    public long Number { get; private set; }

    /// <summary>Value of a length-delimited field; empty for others.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public bool IsMalformed { get; private set; }

    public readonly bool Flag => Number != 0;

    public bool TryNext()
    {
        if (_rest.IsEmpty || IsMalformed) return false;
        if (!TryVarint(out var key) || key >> 3 is 0 or > 536_870_911) return Malformed();
        Field = (int)(key >> 3);
        Number = 0;
        Bytes = default;
        switch (key & 7)
        {
            case 0:
                if (!TryVarint(out var value)) return Malformed();
                Number = (long)value;
                return true;
            case 1:
                return TrySkip(8);
            case 2:
                if (!TryVarint(out var length) || length > (ulong)_rest.Length)
                    return Malformed();
                Bytes = _rest[..(int)length];
                _rest = _rest[(int)length..];
                return true;
            case 5:
                return TrySkip(4);
            default:
                return Malformed();
        }
    }

    /// <summary>
    /// The current bytes as UTF-8; marks the message malformed when they are not.
    /// </summary>
    public string Text()
    {
        var bytes = Bytes;
        if (System.Text.Unicode.Utf8.IsValid(bytes)) return Strict.GetString(bytes);
        Malformed();
        return "";
    }

    public Guid Uuid()
    {
        if (Bytes.Length == 16) return new Guid(Bytes, bigEndian: true);
        Malformed();
        return Guid.Empty;
    }

    /// <summary>One pair of a map field.</summary>
    public KeyValuePair<string, string> Pair()
    {
        var nested = new FieldReader(Bytes);
        var (key, value) = ("", "");
        while (nested.TryNext())
        {
            if (nested.Field == 1) key = nested.Text();
            else if (nested.Field == 2) value = nested.Text();
        }

        if (nested.IsMalformed) Malformed();
        return new(key, value);
    }

    public void Fail() => Malformed();

    private bool Malformed()
    {
        IsMalformed = true;
        return false;
    }

    private bool TrySkip(int count)
    {
        if (_rest.Length < count) return Malformed();
        _rest = _rest[count..];
        return true;
    }

    private bool TryVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return true;
        }

        return false;
    }
}
