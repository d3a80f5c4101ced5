using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>Changes that a client is too slow to hear one by one: told later, as one.</summary>
/// <remarks>What it holds is bounded by the rows that have changed, not by how often.</remarks>
internal sealed class ChangeBacklog
{
    private const int CountMax = 64;

    private readonly SortedDictionary<string, List<DatabaseChanged>> _changes =
        new(StringComparer.Ordinal);

    public void Add(DatabaseChanged changed)
    {
        var name = changed.After.Schema.Name;
        if (!_changes.TryGetValue(name, out var list)) _changes.Add(name, list = []);
        list.Add(changed);
        if (list.Count < CountMax) return;
        var one = Combine(list);
        list.Clear();
        list.Add(one);
    }

    public void Forget(string database) => _changes.Remove(database);

    /// <summary>One change for each database; none is left here.</summary>
    public ImmutableArray<DatabaseChanged> TakeAll()
    {
        if (_changes.Count == 0) return [];
        var all = _changes.Values.Select(Combine).ToImmutableArray();
        _changes.Clear();
        return all;
    }

    private static DatabaseChanged Combine(List<DatabaseChanged> list) => list is [var only]
        ? only
        : new DatabaseChanged(
            list[0].Before, list[^1].After,
            MonitorRows.Combine(
            [
                .. list.Select(each => new TransactionHistory.Entry(
                    Guid.Empty, Guid.Empty, each.Changes)),
            ]));
}
