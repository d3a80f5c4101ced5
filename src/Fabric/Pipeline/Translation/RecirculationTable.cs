using System.Collections.Concurrent;

namespace Fabric.Pipeline;

/// <summary>Recirculation ids and the frozen states behind them.</summary>
/// <remarks>
/// A state that is already known keeps its id. Looking up takes no lock; allocating, which happens
/// on misses only, does. Ids are swept: the revalidator marks those that flows of the datapath
/// name, and an id that no flow has named for <see cref="LifetimeMilliseconds"/> is forgotten.
/// At <see cref="CountMax"/> ids a translation that needs a new one fails and its packet drops.
/// </remarks>
public sealed class RecirculationTable
{
    public const int CountMax = 1 << 20;
    public const int LifetimeMilliseconds = 10_000;

    private sealed class Entry(FrozenState state, long now)
    {
        private long _usedMilliseconds = now;
        public FrozenState State { get; } = state;

        public long UsedMilliseconds
        {
            get => Volatile.Read(ref _usedMilliseconds);
            set => Volatile.Write(ref _usedMilliseconds, value);
        }
    }

    private readonly ConcurrentDictionary<uint, Entry> _byId = new();
    private readonly Dictionary<FrozenState, uint> _byState = [];
    private readonly Lock _writing = new();
    private uint _next = 1;

    public int Count => _byId.Count;

    public FrozenState? Find(uint id) => _byId.TryGetValue(id, out var entry) ? entry.State : null;

    /// <summary>The id of an equal state, or a new one; 0 when there are too many.</summary>
    public uint Allocate(FrozenState state, long now)
    {
        lock (_writing)
        {
            if (_byState.TryGetValue(state, out var known))
            {
                _byId[known].UsedMilliseconds = now;
                return known;
            }

            if (_byState.Count >= CountMax) return 0;
            while (_next == 0 || _byId.ContainsKey(_next)) _next++;
            var id = _next++;
            _byId[id] = new Entry(state, now);
            _byState[state] = id;
            return id;
        }
    }

    /// <summary>A flow of the datapath names this id.</summary>
    public void Mark(uint id, long now)
    {
        if (_byId.TryGetValue(id, out var entry)) entry.UsedMilliseconds = now;
    }

    /// <summary>Forgets ids that nothing has named for long.</summary>
    public int Sweep(long now)
    {
        var count = 0;
        lock (_writing)
        {
            foreach (var (id, entry) in _byId)
            {
                if (now - entry.UsedMilliseconds < LifetimeMilliseconds) continue;
                _byId.TryRemove(id, out _);
                _byState.Remove(entry.State);
                count++;
            }
        }

        return count;
    }
}
