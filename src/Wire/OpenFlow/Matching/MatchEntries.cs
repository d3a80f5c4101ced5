namespace Fabric.Wire.OpenFlow;

/// <summary>Entries of a match that is being made: catalogue order, one a field.</summary>
internal sealed class MatchEntries
{
    private MatchEntry[] _entries = new MatchEntry[8];

    public int Count { get; private set; }

    public ReadOnlySpan<MatchEntry> AsSpan() => _entries.AsSpan(0, Count);

    public void Reset() => Count = 0;

    public bool Contains(MatchField field) => IndexOf(field) >= 0;

    public bool TryGet(MatchField field, out MatchEntry entry)
    {
        var index = IndexOf(field);
        entry = index < 0 ? default : _entries[index];
        return index >= 0;
    }

    /// <summary>Adds the entry, or puts it in place of the one of the same field.</summary>
    public void Set(in MatchEntry entry)
    {
        var index = IndexOf(entry.Field);
        if (index >= 0)
        {
            _entries[index] = entry;
            return;
        }

        if (Count == _entries.Length) Array.Resize(ref _entries, Count * 2);
        var at = Count++;
        for (; at > 0 && _entries[at - 1].Field.Id > entry.Field.Id; at--)
        {
            _entries[at] = _entries[at - 1];
        }

        _entries[at] = entry;
    }

    public void Remove(MatchField field)
    {
        var index = IndexOf(field);
        if (index < 0) return;
        Count--;
        _entries.AsSpan(index + 1, Count - index).CopyTo(_entries.AsSpan(index));
    }

    private int IndexOf(MatchField field)
    {
        for (var i = 0; i < Count; i++)
        {
            if (ReferenceEquals(_entries[i].Field, field)) return i;
        }

        return -1;
    }
}
