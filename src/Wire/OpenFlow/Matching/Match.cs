namespace Fabric.Wire.OpenFlow;

/// <summary>
/// One field of a match: right-aligned value and mask; bits outside the mask are 0.
/// </summary>
public readonly record struct MatchEntry(MatchField Field, UInt128 Value, UInt128 Mask)
{
    public bool IsExact => Mask == Field.ExactMask;
}

/// <summary>What packets a flow is for: fields with value and mask, in catalogue order.</summary>
/// <remarks>
/// Immutable and normal: one way to write each match, so that equality is equality of meaning.
/// xreg and xxreg are stored as registers, all VLAN fields as vlan_tci, nw_tos as ip_dscp, in_port
/// as in_port_oxm. Made by <see cref="MatchBuilder"/>, the text parser and the decoder.
/// </remarks>
public sealed class Match : IEquatable<Match>
{
    /// <summary>Every packet.</summary>
    public static Match Any { get; } = new([]);

    private readonly MatchShape _shape;
    private readonly UInt128[] _values;
    private int _hash;

    internal Match(ReadOnlySpan<MatchEntry> entries)
    {
        _shape = MatchShape.Of(entries);
        _values = entries.IsEmpty ? [] : new UInt128[entries.Length];
        for (var i = 0; i < entries.Length; i++) _values[i] = entries[i].Value;
    }

    public MatchEntryList Entries => new(this);

    public bool IsAny => _values.Length == 0;

    internal int Count => _values.Length;

    internal MatchEntry EntryAt(int index) =>
        new(_shape.Field(index), _values[index], _shape.Mask(index));

    /// <summary>
    /// The entry of a field as stored (see the remarks for fields stored as others).
    /// </summary>
    public bool TryGet(MatchField field, out MatchEntry entry)
    {
        var index = _shape.IndexOf(field);
        entry = index < 0 ? default : EntryAt(index);
        return index >= 0;
    }

    /// <summary>The value if the whole field is matched, else null.</summary>
    public UInt128? ExactOf(MatchField field) =>
        TryGet(field, out var entry) && entry.IsExact ? entry.Value : null;

    /// <summary>Adds the match to a cleared key and mask.</summary>
    /// <returns>False if it names a tun_metadata field that 'table' does not map.</returns>
    public bool TryExpand(ref PipelineKey value, ref PipelineKey mask, TlvTable table)
    {
        foreach (var entry in Entries)
        {
            if (!entry.Field.TryLocate(table, out _, out _)) return false;
            entry.Field.Write(ref value, entry.Value, entry.Mask, table);
            entry.Field.Write(ref mask, entry.Mask, entry.Mask, table);
        }

        value.TlvPresence = mask.TlvPresence;
        return true;
    }

    /// <summary>The packet with 'key' is one of those that this match is for.</summary>
    public bool Matches(in PipelineKey key, TlvTable table)
    {
        foreach (var entry in Entries)
        {
            if ((entry.Field.Read(in key, table) & entry.Mask) != entry.Value) return false;
        }

        return true;
    }

    /// <summary>Every packet of this match is one of 'wider' (loose flow-mod semantics).</summary>
    public bool IsWithin(Match wider)
    {
        foreach (var entry in wider.Entries)
        {
            if (!TryGet(entry.Field, out var mine)) return false;
            if ((mine.Mask & entry.Mask) != entry.Mask) return false;
            if ((mine.Value & entry.Mask) != entry.Value) return false;
        }

        return true;
    }

    /// <summary>Some packet is in both (for OFPFF_CHECK_OVERLAP).</summary>
    public bool Overlaps(Match other)
    {
        foreach (var entry in Entries)
        {
            if (!other.TryGet(entry.Field, out var theirs)) continue;
            var both = entry.Mask & theirs.Mask;
            if ((entry.Value & both) != (theirs.Value & both)) return false;
        }

        return true;
    }

    public bool Equals(Match? other)
    {
        if (ReferenceEquals(this, other)) return true;
        return other is not null && _shape.IsSame(other._shape)
            && _values.AsSpan().SequenceEqual(other._values);
    }

    public override bool Equals(object? obj) => Equals(obj as Match);

    public override int GetHashCode()
    {
        if (_hash != 0) return _hash;
        var hash = new HashCode();
        hash.Add(_shape.GetHashCode());
        foreach (var each in _values) hash.Add(each);
        var value = hash.ToHashCode();
        return _hash = value == 0 ? 1 : value;
    }
}
