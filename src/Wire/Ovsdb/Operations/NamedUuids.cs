namespace Fabric.Wire.Ovsdb;

/// <summary>The "uuid-name"s of one transaction, and the UUIDs that stand for them.</summary>
/// <remarks>A name may be referred to before the insert that creates it.</remarks>
public sealed class NamedUuids(Func<Guid> newUuid)
{
    private readonly Dictionary<string, Guid> _byName = new(StringComparer.Ordinal);
    private readonly HashSet<string> _created = new(StringComparer.Ordinal);

    public Guid UuidOf(string name)
    {
        if (!_byName.TryGetValue(name, out var uuid))
        {
            uuid = newUuid();
            _byName.Add(name, uuid);
        }

        return uuid;
    }

    /// <summary>An insert further down chose the UUID itself.</summary>
    public void Reserve(string name, Guid chosen) => _byName.TryAdd(name, chosen);

    /// <summary>An insert takes the name.</summary>
    /// <returns>False if an insert before it took the name.</returns>
    public bool TryCreate(string name, out Guid uuid)
    {
        uuid = UuidOf(name);
        return _created.Add(name);
    }

    /// <summary>A stand-in for names that were never created: refers to no row.</summary>
    public Guid NewUuid() => newUuid();
}
