using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>
/// Groups or meters that blocks want, and the difference since it was last taken.
/// </summary>
internal sealed class NumberedThings<T>(Func<T, uint> numberOf)
    where T : class
{
    private readonly SortedDictionary<uint, T> _wanted = [];
    private readonly SortedDictionary<uint, T?> _before = [];

    public IEnumerable<T> All => _wanted.Values;

    public void Replace(ImmutableArray<T> before, ImmutableArray<T> after)
    {
        foreach (var thing in before)
        {
            _before.TryAdd(numberOf(thing), thing);
            _wanted.Remove(numberOf(thing));
        }

        foreach (var thing in after)
        {
            _before.TryAdd(numberOf(thing), null);
            _wanted[numberOf(thing)] = thing;
        }
    }

    public (ImmutableArray<T> Put, ImmutableArray<uint> Removed) Take()
    {
        var put = ImmutableArray.CreateBuilder<T>();
        var removed = ImmutableArray.CreateBuilder<uint>();
        foreach (var (id, before) in _before)
        {
            if (!_wanted.TryGetValue(id, out var now))
            {
                if (before is not null) removed.Add(id);
            }
            else if (!now.Equals(before))
            {
                put.Add(now);
            }
        }

        _before.Clear();
        return (put.ToImmutable(), removed.ToImmutable());
    }
}
