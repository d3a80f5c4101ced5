using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The rows of one table as of one transaction.</summary>
public sealed partial class TableSnapshot
{
    private readonly ImmutableSortedDictionary<Guid, Row> _rows;
    private readonly ImmutableArray<ImmutableDictionary<IndexKey, Guid>> _indexes;

    // Strong references from other rows, by row of this table; rows without any are left out.
    private readonly ImmutableSortedDictionary<Guid, int> _strongCounts;

    // Rows anywhere that refer weakly to a row of this table.
    private readonly ImmutableSortedDictionary<Guid, ImmutableSortedSet<RowKey>> _weakReferrers;

    private TableSnapshot(
        TableSchema schema, ImmutableSortedDictionary<Guid, Row> rows,
        ImmutableArray<ImmutableDictionary<IndexKey, Guid>> indexes,
        ImmutableSortedDictionary<Guid, int> strongCounts,
        ImmutableSortedDictionary<Guid, ImmutableSortedSet<RowKey>> weakReferrers)
    {
        Schema = schema;
        _rows = rows;
        _indexes = indexes;
        _strongCounts = strongCounts;
        _weakReferrers = weakReferrers;
    }

    internal static TableSnapshot EmptyOf(TableSchema schema) => new(
        schema, ImmutableSortedDictionary<Guid, Row>.Empty,
        [.. schema.Indexes.Select(_ => ImmutableDictionary<IndexKey, Guid>.Empty)],
        ImmutableSortedDictionary<Guid, int>.Empty,
        ImmutableSortedDictionary<Guid, ImmutableSortedSet<RowKey>>.Empty);

    public TableSchema Schema { get; }
    public int Count => _rows.Count;

    /// <summary>Sorted by UUID.</summary>
    public IEnumerable<Row> Rows => _rows.Values;

    /// <summary>The row, or null.</summary>
    public Row? this[Guid uuid] => _rows.GetValueOrDefault(uuid);

    public bool TryGet(Guid uuid, [NotNullWhen(true)] out Row? row) =>
        _rows.TryGetValue(uuid, out row);

    /// <summary>The only row, or the first one; null if there is none.</summary>
    public Row? First => _rows.IsEmpty ? null : _rows.Values.First();

    /// <summary>
    /// The first row whose column holds just 'value': quick if the column is an index.
    /// </summary>
    public Row? Find(string column, Datum value)
    {
        var wanted = Schema.Column(column);
        for (var i = 0; i < Schema.Indexes.Length; i++)
        {
            if (Schema.Indexes[i] is not [var only] || only.Index != wanted.Index) continue;
            return _indexes[i].TryGetValue(new IndexKey([value]), out var uuid)
                ? _rows[uuid]
                : null;
        }

        foreach (var row in _rows.Values)
        {
            if (row[wanted].Equals(value)) return row;
        }

        return null;
    }

    /// <summary>Strong references to the row from other rows.</summary>
    internal int StrongCount(Guid uuid) => _strongCounts.GetValueOrDefault(uuid);

    internal ImmutableSortedSet<RowKey> WeakReferrers(Guid uuid) =>
        _weakReferrers.GetValueOrDefault(uuid, ImmutableSortedSet<RowKey>.Empty);

    /// <summary>The row with that key in the unique index number 'index'.</summary>
    internal bool TryIndex(int index, IndexKey key, out Guid uuid) =>
        _indexes[index].TryGetValue(key, out uuid);

    /// <summary>Collects the changes of one transaction to one table.</summary>
    internal sealed class Builder(TableSnapshot table)
    {
        private readonly ImmutableSortedDictionary<Guid, Row>.Builder _rows =
            table._rows.ToBuilder();

        private readonly ImmutableDictionary<IndexKey, Guid>.Builder[] _indexes =
            [.. table._indexes.Select(index => index.ToBuilder())];

        private readonly ImmutableSortedDictionary<Guid, int>.Builder _strong =
            table._strongCounts.ToBuilder();

        private readonly ImmutableSortedDictionary<Guid, ImmutableSortedSet<RowKey>>.Builder
            _weak = table._weakReferrers.ToBuilder();

        /// <summary>First all rows are unindexed, then all are indexed anew, so that two rows
        /// may swap their keys.</summary>
        public void Unindex(RowChange change)
        {
            if (change.Before is null) return;
            for (var i = 0; i < _indexes.Length; i++)
            {
                var key = IndexKey.Of(change.Before, table.Schema.Indexes[i].AsSpan());
                _indexes[i].Remove(key);
            }
        }

        public void Set(RowChange change)
        {
            if (change.After is null)
            {
                _rows.Remove(change.Uuid);
                return;
            }

            _rows[change.Uuid] = change.After;
            for (var i = 0; i < _indexes.Length; i++)
            {
                var key = IndexKey.Of(change.After, table.Schema.Indexes[i].AsSpan());
                _indexes[i][key] = change.Uuid;
            }
        }

        public void AddStrong(Guid target, int difference)
        {
            var count = _strong.GetValueOrDefault(target) + difference;
            if (count == 0) _strong.Remove(target);
            else _strong[target] = count;
        }

        public void AddWeak(Guid target, RowKey referrer)
        {
            if (!_weak.TryGetValue(target, out var referrers))
            {
                referrers = ImmutableSortedSet<RowKey>.Empty;
            }

            _weak[target] = referrers.Add(referrer);
        }

        public void RemoveWeak(Guid target, RowKey referrer)
        {
            if (!_weak.TryGetValue(target, out var referrers)) return;
            referrers = referrers.Remove(referrer);
            if (referrers.IsEmpty) _weak.Remove(target);
            else _weak[target] = referrers;
        }

        public TableSnapshot ToImmutable() => new(
            table.Schema, _rows.ToImmutable(), [.. _indexes.Select(i => i.ToImmutable())],
            _strong.ToImmutable(), _weak.ToImmutable());
    }
}
