using System.Collections.Immutable;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>One row in its own type, before and after; null: it was not, or is no more.</summary>
public readonly record struct TypedChange<T>(Guid Uuid, T? Before, T? After)
    where T : class;

/// <summary>Typed rows of one table; a row that did not change keeps its object.</summary>
/// <remarks>
/// Keeping the object is what makes compilation incremental: a block of flows whose inputs are the
/// same objects is not compiled again. Values are changed in place: a reader on another thread
/// needs a copy.
/// </remarks>
internal sealed class RowCache<T>(string table, Func<Row, Action<string>, T?> read)
    where T : class
{
    private readonly Dictionary<Guid, Row> _rows = [];
    private readonly Dictionary<Guid, T> _values = [];
    private readonly SortedDictionary<Guid, ImmutableArray<string>> _complaints = [];
    private readonly List<TypedChange<T>> _changes = [];
    private ImmutableArray<NetworkCondition>? _conditions;

    public string Table => table;

    public IReadOnlyDictionary<Guid, T> Values => _values;

    /// <summary>Counts the updates that changed something.</summary>
    public long Version { get; private set; }

    /// <summary>What the last update changed, in the order of transactions.</summary>
    public IReadOnlyList<TypedChange<T>> Changes => _changes;

    public void Begin() => _changes.Clear();

    /// <summary>Takes the whole table over.</summary>
    public void Load(DatabaseSnapshot database)
    {
        if (!database.Schema.TryTable(table, out var schema)) return;
        var snapshot = database.Table(schema);
        foreach (var uuid in _rows.Keys.Where(uuid => snapshot[uuid] is null).ToList())
            Set(uuid, null);
        foreach (var row in snapshot.Rows)
        {
            if (!_rows.TryGetValue(row.Uuid, out var known) || !ReferenceEquals(known, row))
                Set(row.Uuid, row);
        }
    }

    public void Apply(RowChange change) => Set(change.Uuid, change.After);

    private void Set(Guid uuid, Row? row)
    {
        Version++;
        _conditions = null;
        _complaints.Remove(uuid);
        _values.Remove(uuid, out var before);
        T? after = null;
        if (row is null)
        {
            _rows.Remove(uuid);
        }
        else
        {
            _rows[uuid] = row;
            ImmutableArray<string>.Builder? complaints = null;
            after = read(row, text =>
                (complaints ??= ImmutableArray.CreateBuilder<string>()).Add(text));
            if (complaints is not null) _complaints[uuid] = complaints.ToImmutable();
            if (after is not null) _values[uuid] = after;
        }

        if (before is not null || after is not null)
            _changes.Add(new TypedChange<T>(uuid, before, after));
    }

    public ImmutableArray<NetworkCondition> Conditions() => _conditions ??=
    [
        .. from row in _complaints
           from complaint in row.Value
           select new NetworkCondition(table, row.Key, complaint),
    ];
}
