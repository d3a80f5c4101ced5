using System.Collections.Immutable;

namespace Fabric.Wire.Ovsdb;

/// <summary>RFC 7047's base-type: an atom type and what its values must satisfy.</summary>
public sealed record BaseType(AtomType Type)
{
    /// <summary>The only values allowed, or null for any.</summary>
    public Datum? Enumeration { get; init; }

    public long IntegerMin { get; init; } = long.MinValue;
    public long IntegerMax { get; init; } = long.MaxValue;
    public double RealMin { get; init; } = double.MinValue;
    public double RealMax { get; init; } = double.MaxValue;

    /// <summary>In UTF-8 characters, as OVS counts.</summary>
    public uint LengthMin { get; init; }
    public uint LengthMax { get; init; } = uint.MaxValue;

    /// <summary>The table that a UUID refers to, or null.</summary>
    public string? ReferenceTable { get; init; }

    /// <summary>A weak reference vanishes with its row; a strong one keeps the row.</summary>
    public bool IsWeakReference { get; init; }

    public bool IsReference => ReferenceTable is not null;
    public bool IsStrongReference => IsReference && !IsWeakReference;

    public static BaseType Integer { get; } = new(AtomType.Integer);
    public static BaseType Real { get; } = new(AtomType.Real);
    public static BaseType Boolean { get; } = new(AtomType.Boolean);
    public static BaseType String { get; } = new(AtomType.String);
    public static BaseType Uuid { get; } = new(AtomType.Uuid);

    public static BaseType IntegerIn(long min, long max) =>
        new(AtomType.Integer) { IntegerMin = min, IntegerMax = max };

    public static BaseType OneOf(params string[] texts) =>
        new(AtomType.String) { Enumeration = Datum.Strings(texts) };

    public static BaseType StrongReferenceTo(string table) =>
        new(AtomType.Uuid) { ReferenceTable = table };

    public static BaseType WeakReferenceTo(string table) =>
        new(AtomType.Uuid) { ReferenceTable = table, IsWeakReference = true };

    /// <summary>Nothing but the atom type: written as a plain word in a schema.</summary>
    public bool IsPlain => this == new BaseType(Type);
}

/// <summary>RFC 7047's type: how many of which base type, or pairs of two.</summary>
/// <param name="Key">Elements of the set, or keys of the map.</param>
/// <param name="Value">Values of the map; null for a set.</param>
/// <param name="CountMin">0 or 1.</param>
/// <param name="CountMax">At least 1; <see cref="Unlimited"/> for "unlimited".</param>
public sealed record ColumnType(BaseType Key, BaseType? Value, uint CountMin, uint CountMax)
{
    public const uint Unlimited = uint.MaxValue;

    public static ColumnType Scalar(BaseType key) => new(key, null, 1, 1);
    public static ColumnType Optional(BaseType key) => new(key, null, 0, 1);

    public static ColumnType Set(BaseType key, uint min = 0, uint max = Unlimited) =>
        new(key, null, min, max);

    public static ColumnType Map(BaseType key, BaseType value) => new(key, value, 0, Unlimited);

    public bool IsMap => Value is not null;
    public bool IsScalar => CountMin == 1 && CountMax == 1 && Value is null;
    public bool IsOptional => CountMin == 0 && CountMax == 1;

    public bool HasStrongReferences =>
        Key.IsStrongReference || (Value?.IsStrongReference ?? false);

    public bool HasWeakReferences =>
        (Key.IsReference && Key.IsWeakReference)
        || (Value is { IsReference: true, IsWeakReference: true });

    /// <summary>What a new row holds where nothing is said.</summary>
    public Datum Default { get; } = DefaultOf(Key, Value, CountMin);

    private static Datum DefaultOf(BaseType key, BaseType? value, uint min)
    {
        if (min == 0) return value is null ? Datum.EmptySet : Datum.EmptyMap;
        var first = Atom.DefaultOf(key.Type);
        return value is null
            ? Datum.Of(first)
            : Datum.Map([KeyValuePair.Create(first, Atom.DefaultOf(value.Type))]);
    }

    /// <summary>In English, as OVS's error texts have it.</summary>
    public override string ToString()
    {
        var key = TypeWord(Key.Type);
        if (IsScalar) return key;
        var count = (CountMin, CountMax) switch
        {
            (0, Unlimited) => "of",
            (var min, Unlimited) => $"of {min} or more",
            (0, var max) => $"of up to {max}",
            var (min, max) => $"of {min} to {max}",
        };
        return Value is null
            ? $"set {count} {key}s"
            : $"map {count} ({key}, {TypeWord(Value.Type)}) pairs";
    }

    internal static string TypeWord(AtomType type) => type switch
    {
        AtomType.Integer => "integer",
        AtomType.Real => "real",
        AtomType.Boolean => "boolean",
        AtomType.String => "string",
        _ => "uuid",
    };
}
