using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>Which VTEPs there are: gossiped records of hosts that membership calls alive.</summary>
/// <remarks>
/// Kept up by differences: among a thousand hosts, one that joins is looked at alone.
/// </remarks>
public sealed class LiveVteps
{
    private readonly Dictionary<string, ImmutableSortedSet<Vtep>> _said =
        new(StringComparer.Ordinal);
    private ImmutableSortedSet<string> _alive = Ordinal.Empty<string>();

    public ImmutableSortedSet<Vtep> All { get; private set; } = [];

    /// <summary>Every host that is alive has said its VTEPs.</summary>
    public bool IsComplete => _alive.All(_said.ContainsKey);

    /// <summary>Takes what a host says, or that it says nothing any more.</summary>
    public void Say(string host, HostRecord? record)
    {
        var isAlive = _alive.Contains(host);
        if (isAlive && _said.TryGetValue(host, out var old)) All = All.Except(old);
        if (record is null) _said.Remove(host);
        else _said[host] = record.Vteps;
        if (isAlive && record is not null) All = All.Union(record.Vteps);
    }

    public void SetAlive(ImmutableSortedSet<string> alive)
    {
        if (ReferenceEquals(alive, _alive)) return;
        foreach (var host in _alive)
        {
            if (!alive.Contains(host) && _said.TryGetValue(host, out var old))
                All = All.Except(old);
        }

        foreach (var host in alive)
        {
            if (!_alive.Contains(host) && _said.TryGetValue(host, out var vteps))
                All = All.Union(vteps);
        }

        _alive = alive;
    }
}
