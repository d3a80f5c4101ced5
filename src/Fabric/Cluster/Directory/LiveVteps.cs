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
        var old = _said.GetValueOrDefault(host);
        if (record is null) _said.Remove(host);
        else _said[host] = record.Vteps;
        var isSame = old is not null && record is not null && old.SequenceEqual(record.Vteps);
        if (isSame || !_alive.Contains(host)) return; // It started anew, and says the same.
        if (old is not null) All = All.Except(old);
        if (record is not null) All = All.Union(record.Vteps);
    }

    public void SetAlive(ImmutableSortedSet<string> alive)
    {
        var (come, gone) = HostSets.Difference(_alive, alive);
        _alive = alive;
        foreach (var host in gone)
        {
            if (_said.TryGetValue(host, out var vteps)) All = All.Except(vteps);
        }

        foreach (var host in come)
        {
            if (_said.TryGetValue(host, out var vteps)) All = All.Union(vteps);
        }
    }
}
