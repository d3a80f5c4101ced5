namespace Fabric.Datapath;

/// <summary>Numbers for values that kernel steps refer to: equal values share one.</summary>
/// <remarks>
/// A number whose last user went away keeps its value until others run out, since packets may
/// still be on their way to it. Not thread-safe: the flow table's lock guards it.
/// </remarks>
internal sealed class SpecTable<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, Entry> _byKey;
    private readonly Dictionary<uint, Entry> _byNumber = [];
    private readonly Queue<Entry> _idle = new();
    private readonly Queue<uint> _free = new();

    private sealed class Entry(TKey key, uint number)
    {
        public readonly TKey Key = key;
        public readonly uint Number = number;
        public int Users;
    }

    /// <param name="isTaken">Numbers that an earlier process still has in use.</param>
    public SpecTable(
        uint count, Func<uint, bool>? isTaken = null, IEqualityComparer<TKey>? comparer = null)
    {
        _byKey = new Dictionary<TKey, Entry>(comparer);
        for (uint number = 1; number < count; number++)
        {
            if (isTaken is null || !isTaken(number)) _free.Enqueue(number);
        }
    }

    /// <summary>The value's number; 0 when there is none left.</summary>
    /// <param name="isNew">The caller must write the value down before anyone uses it.</param>
    public uint Acquire(TKey key, out bool isNew)
    {
        isNew = false;
        if (_byKey.TryGetValue(key, out var entry))
        {
            entry.Users++;
            return entry.Number;
        }

        if (!TryTakeNumber(out var number)) return 0;
        entry = new Entry(key, number) { Users = 1 };
        _byKey.Add(key, entry);
        _byNumber.Add(number, entry);
        isNew = true;
        return number;
    }

    public void Release(uint number)
    {
        if (!_byNumber.TryGetValue(number, out var entry) || --entry.Users > 0) return;
        _idle.Enqueue(entry);
    }

    public TKey? Find(uint number) =>
        _byNumber.TryGetValue(number, out var entry) ? entry.Key : default;

    /// <summary>All that somebody uses.</summary>
    public IEnumerable<(uint Number, TKey Key)> InUse =>
        _byNumber.Values.Where(entry => entry.Users > 0)
            .Select(entry => (entry.Number, entry.Key));

    /// <summary>Numbers of an earlier process that nobody needs any more.</summary>
    public void Add(uint number)
    {
        if (!_byNumber.ContainsKey(number)) _free.Enqueue(number);
    }

    private bool TryTakeNumber(out uint number)
    {
        if (_free.TryDequeue(out number)) return true;
        while (_idle.TryDequeue(out var idle))
        {
            if (idle.Users > 0 || !_byKey.Remove(idle.Key)) continue;
            _byNumber.Remove(idle.Number);
            number = idle.Number;
            return true;
        }

        return false;
    }
}
