using System.Collections;

namespace Fabric.Wire.OpenFlow;

/// <summary>The fields of a <see cref="Match"/>, in catalogue order.</summary>
public readonly struct MatchEntryList : IReadOnlyList<MatchEntry>
{
    private readonly Match _match;

    internal MatchEntryList(Match match) => _match = match;

    public int Count => _match.Count;
    public bool IsEmpty => Count == 0;
    public MatchEntry this[int index] => _match.EntryAt(index);

    public Enumerator GetEnumerator() => new(_match);

    IEnumerator<MatchEntry> IEnumerable<MatchEntry>.GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<MatchEntry>)this).GetEnumerator();

    /// <summary>Enumerates without allocating.</summary>
    public struct Enumerator
    {
        private readonly Match _match;
        private int _index = -1;

        internal Enumerator(Match match) => _match = match;

        public readonly MatchEntry Current => _match.EntryAt(_index);

        public bool MoveNext() => ++_index < _match.Count;
    }
}
