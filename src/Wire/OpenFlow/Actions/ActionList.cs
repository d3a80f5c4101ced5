using System.Collections;
using System.Runtime.CompilerServices;

namespace Fabric.Wire.OpenFlow;

/// <summary>Actions and instructions in the order in which they run; immutable, by value.</summary>
/// <remarks>
/// As in OVS, instructions are members of the one list: a meter first, then applied actions,
/// then clear-actions, write-actions, write-metadata and goto-table.
/// </remarks>
[CollectionBuilder(typeof(ActionList), nameof(Create))]
public sealed class ActionList : IReadOnlyList<OfAction>, IEquatable<ActionList>
{
    public static ActionList Empty { get; } = new([]);

    private readonly OfAction[] _actions;
    private int _hash;

    private ActionList(OfAction[] actions) => _actions = actions;

    /// <summary>No actions: the packet is dropped.</summary>
    public bool IsEmpty => _actions.Length == 0;
    public int Count => _actions.Length;
    public OfAction this[int index] => _actions[index];

    public static ActionList Create(ReadOnlySpan<OfAction> actions) =>
        actions.IsEmpty ? Empty : new ActionList(actions.ToArray());

    public static ActionList From(IEnumerable<OfAction> actions)
    {
        OfAction[] array = [.. actions];
        return array.Length == 0 ? Empty : new ActionList(array);
    }

    public ReadOnlySpan<OfAction> AsSpan() => _actions;

    public bool Equals(ActionList? other)
    {
        if (ReferenceEquals(this, other)) return true;
        return other is not null && GetHashCode() == other.GetHashCode()
            && _actions.AsSpan().SequenceEqual(other._actions);
    }

    public override bool Equals(object? obj) => Equals(obj as ActionList);

    public override int GetHashCode()
    {
        if (_hash != 0) return _hash;
        var hash = new HashCode();
        foreach (var action in _actions) hash.Add(action);
        var value = hash.ToHashCode();
        return _hash = value == 0 ? 1 : value;
    }

    public Enumerator GetEnumerator() => new(_actions);

    IEnumerator<OfAction> IEnumerable<OfAction>.GetEnumerator() =>
        ((IEnumerable<OfAction>)_actions).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _actions.GetEnumerator();

    /// <summary>Enumerates without allocating.</summary>
    public struct Enumerator(OfAction[] actions)
    {
        private int _index = -1;

        public readonly OfAction Current => actions[_index];

        public bool MoveNext() => ++_index < actions.Length;
    }
}
