namespace Fabric.Wire.OpenFlow;

/// <summary>Which fields a match names, under which masks: what many matches have alike.</summary>
/// <remarks>
/// A table of 100,000 flows has few shapes, so that a match itself keeps values only. Shapes made
/// lately are found again; one that was forgotten is made anew and is equal all the same.
/// </remarks>
internal sealed class MatchShape
{
    private const int RecentCount = 1024;

    private static readonly MatchShape?[] Recent = new MatchShape?[RecentCount];

    private readonly MatchField[] _fields;
    private readonly UInt128[] _masks;
    private readonly int _hash;

    private MatchShape(ReadOnlySpan<MatchEntry> entries, int hash)
    {
        _hash = hash;
        _fields = new MatchField[entries.Length];
        _masks = new UInt128[entries.Length];
        for (var i = 0; i < entries.Length; i++)
        {
            (_fields[i], _masks[i]) = (entries[i].Field, entries[i].Mask);
        }
    }

    public int Count => _fields.Length;

    public MatchField Field(int index) => _fields[index];

    public UInt128 Mask(int index) => _masks[index];

    /// <summary>The shape of these entries; any thread.</summary>
    public static MatchShape Of(ReadOnlySpan<MatchEntry> entries)
    {
        var hash = new HashCode();
        foreach (var entry in entries)
        {
            hash.Add(entry.Field.Id);
            hash.Add(entry.Mask);
        }

        var number = hash.ToHashCode();
        ref var place = ref Recent[number & (RecentCount - 1)];
        if (Volatile.Read(ref place) is { } known && known.Is(entries)) return known;
        var made = new MatchShape(entries, number);
        Volatile.Write(ref place, made);
        return made;
    }

    public int IndexOf(MatchField field)
    {
        for (var i = 0; i < _fields.Length; i++)
        {
            if (ReferenceEquals(_fields[i], field)) return i;
        }

        return -1;
    }

    public bool IsSame(MatchShape other) => ReferenceEquals(this, other)
        || (_hash == other._hash && _fields.AsSpan().SequenceEqual(other._fields)
            && _masks.AsSpan().SequenceEqual(other._masks));

    public override int GetHashCode() => _hash;

    private bool Is(ReadOnlySpan<MatchEntry> entries)
    {
        if (entries.Length != _fields.Length) return false;
        for (var i = 0; i < entries.Length; i++)
        {
            if (!ReferenceEquals(entries[i].Field, _fields[i]) || entries[i].Mask != _masks[i])
            {
                return false;
            }
        }

        return true;
    }
}
