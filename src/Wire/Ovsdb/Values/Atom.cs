using System.Diagnostics;
using System.Globalization;

namespace Fabric.Wire.Ovsdb;

/// <summary>The five kinds of value that OVSDB knows (RFC 7047 section 3.2).</summary>
public enum AtomType : byte
{
    Integer,
    Real,
    Boolean,
    String,
    Uuid,
}

/// <summary>One value of a basic type: RFC 7047's "atom".</summary>
/// <remarks>
/// Ordered as OVS orders atoms: by number, false before true, by text, by the UUID's digits.
/// Atoms of different types order by type. The default value is the integer 0.
/// </remarks>
public readonly struct Atom : IEquatable<Atom>, IComparable<Atom>
{
    private readonly string? _text;
    private readonly Guid _uuid;
    private readonly long _bits;

    private Atom(AtomType type, long bits, string? text, Guid uuid)
    {
        Type = type;
        _bits = bits;
        _text = text;
        _uuid = uuid;
    }

    public AtomType Type { get; }

    public static Atom Of(long value) => new(AtomType.Integer, value, null, default);

    /// <remarks>Minus zero is stored as zero, so that equal values have equal bits.</remarks>
    public static Atom Of(double value) =>
        new(AtomType.Real, BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value), null, default);

    public static Atom Of(bool value) => new(AtomType.Boolean, value ? 1 : 0, null, default);
    public static Atom Of(string value) => new(AtomType.String, 0, value, default);
    public static Atom Of(Guid value) => new(AtomType.Uuid, 0, null, value);

    /// <summary>
    /// What a column of this type holds when nothing was said: 0, "", false, zeros.
    /// </summary>
    public static Atom DefaultOf(AtomType type) => type switch
    {
        AtomType.Integer => Of(0L),
        AtomType.Real => Of(0.0),
        AtomType.Boolean => Of(false),
        AtomType.String => Of(""),
        _ => Of(Guid.Empty),
    };

    public long Integer
    {
        get
        {
            Debug.Assert(Type == AtomType.Integer);
            return _bits;
        }
    }

    public double Real
    {
        get
        {
            Debug.Assert(Type == AtomType.Real);
            return BitConverter.Int64BitsToDouble(_bits);
        }
    }

    public bool Boolean
    {
        get
        {
            Debug.Assert(Type == AtomType.Boolean);
            return _bits != 0;
        }
    }

    public string String
    {
        get
        {
            Debug.Assert(Type == AtomType.String);
            return _text ?? "";
        }
    }

    public Guid Uuid
    {
        get
        {
            Debug.Assert(Type == AtomType.Uuid);
            return _uuid;
        }
    }

    public static implicit operator Atom(long value) => Of(value);
    public static implicit operator Atom(bool value) => Of(value);
    public static implicit operator Atom(string value) => Of(value);
    public static implicit operator Atom(Guid value) => Of(value);

    public int CompareTo(Atom other)
    {
        if (Type != other.Type) return Type.CompareTo(other.Type);
        return Type switch
        {
            AtomType.String => string.CompareOrdinal(_text, other._text),
            AtomType.Uuid => _uuid.CompareTo(other._uuid),
            AtomType.Real => Real.CompareTo(other.Real),
            _ => _bits.CompareTo(other._bits),
        };
    }

    public bool Equals(Atom other)
    {
        if (Type != other.Type) return false;
        return Type switch
        {
            AtomType.String => string.Equals(_text, other._text),
            AtomType.Uuid => _uuid == other._uuid,
            _ => _bits == other._bits,
        };
    }

    public override bool Equals(object? obj) => obj is Atom other && Equals(other);

    public override int GetHashCode() => Type switch
    {
        AtomType.String => (_text ?? "").GetHashCode(),
        AtomType.Uuid => _uuid.GetHashCode(),
        _ => _bits.GetHashCode(),
    };

    public static bool operator ==(Atom left, Atom right) => left.Equals(right);
    public static bool operator !=(Atom left, Atom right) => !left.Equals(right);
    public static bool operator <(Atom left, Atom right) => left.CompareTo(right) < 0;
    public static bool operator >(Atom left, Atom right) => left.CompareTo(right) > 0;
    public static bool operator <=(Atom left, Atom right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Atom left, Atom right) => left.CompareTo(right) >= 0;

    /// <summary>As ovs-vsctl prints it: text in quotes only if it could be misread.</summary>
    public override string ToString() => Type switch
    {
        AtomType.Integer => _bits.ToString(CultureInfo.InvariantCulture),
        AtomType.Real => OvsdbText.TextOf(Real),
        AtomType.Boolean => _bits != 0 ? "true" : "false",
        AtomType.Uuid => _uuid.ToString("D"),
        _ => NeedsQuotes(String) ? OvsdbText.Quote(String) : String,
    };

    private static bool NeedsQuotes(string text)
    {
        if (text.Length == 0 || text is "true" or "false") return true;
        if (Guid.TryParseExact(text, "D", out _)) return true;
        if (!char.IsAsciiLetter(text[0]) && text[0] != '_') return true;
        foreach (var letter in text)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('_' or '-' or '.'))
            {
                return true;
            }
        }

        return false;
    }
}
