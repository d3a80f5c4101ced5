namespace Fabric.Configuration;

/// <summary>Named locks of one server (RFC 7047 sections 4.1.8 to 4.1.10).</summary>
/// <typeparam name="TOwner">A client session.</typeparam>
internal sealed class LockTable<TOwner>
    where TOwner : class, IEquatable<TOwner>
{
    // First in the list owns the lock, the others wait in turn.
    private readonly SortedDictionary<string, List<TOwner>> _locks = new(StringComparer.Ordinal);

    /// <summary>'client' wants the lock and gets in line.</summary>
    /// <returns>True if it owns the lock now.</returns>
    public bool Request(string name, TOwner client)
    {
        var line = LineOf(name);
        if (!line.Contains(client)) line.Add(client);
        return line[0].Equals(client);
    }

    /// <summary>'client' takes the lock from whoever owns it.</summary>
    /// <returns>Who lost it, or null.</returns>
    public TOwner? Steal(string name, TOwner client)
    {
        var line = LineOf(name);
        var loser = line.Count > 0 && !line[0].Equals(client) ? line[0] : null;
        line.Remove(client);
        if (loser is not null)
        {
            // The loser stays in line and gets the lock back when the thief lets go.
            line[0] = client;
            line.Insert(1, loser);
        }
        else
        {
            line.Insert(0, client);
        }

        return loser;
    }

    /// <summary>'client' gives the lock up, or stops waiting for it.</summary>
    /// <returns>
    /// Who owns it now, or null: ovsdb-server tells the owner also when just a waiter left.
    /// </returns>
    public TOwner? Release(string name, TOwner client)
    {
        if (!_locks.TryGetValue(name, out var line) || line.Count == 0) return null;
        if (!line.Remove(client)) return null;
        if (line.Count > 0) return line[0];
        _locks.Remove(name);
        return null;
    }

    /// <summary>'client' is gone: all it had goes to the next in line.</summary>
    public IReadOnlyList<(string Name, TOwner Next)> ReleaseAll(TOwner client)
    {
        var granted = new List<(string, TOwner)>();
        foreach (var name in _locks.Keys.ToArray())
        {
            if (Release(name, client) is { } next) granted.Add((name, next));
        }

        return granted;
    }

    private List<TOwner> LineOf(string name)
    {
        if (!_locks.TryGetValue(name, out var line)) _locks.Add(name, line = []);
        return line;
    }
}
