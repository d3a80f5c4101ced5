using System.Collections.Concurrent;
using Fabric.Datapath;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>Which interface uses which port of a datapath; tunnels share one.</summary>
/// <remarks>Written by the datapath actor only; outlives it.</remarks>
public sealed class DatapathPorts
{
    /// <param name="PortName">Name in the datapath: the interface's, or genev_sys_6081.</param>
    public readonly record struct Use(string DatapathType, string PortName, TunnelConfig? Tunnel);

    private readonly ConcurrentDictionary<(string Bridge, string Interface), Use> _uses = new();

    public bool TryGet(string bridge, string name, out Use use) =>
        _uses.TryGetValue((bridge, name), out use);

    public void Set(string bridge, string name, Use use) => _uses[(bridge, name)] = use;

    public bool Remove(string bridge, string name, out Use use) =>
        _uses.TryRemove((bridge, name), out use);

    public IEnumerable<(string Bridge, string Interface)> Users => _uses.Keys;

    public bool IsUsed(string datapathType, string portName)
    {
        foreach (var use in _uses.Values)
        {
            if (use.DatapathType == datapathType && use.PortName == portName) return true;
        }

        return false;
    }

    /// <summary>Another interface that this one cannot stand beside, or null.</summary>
    public string? ConflictOf(string bridge, string name, Use wanted)
    {
        foreach (var ((otherBridge, other), use) in _uses)
        {
            if (otherBridge == bridge && other == name) continue;
            if (use.DatapathType != wanted.DatapathType) continue;
            if (use.PortName != wanted.PortName) continue;
            if (wanted.Tunnel is not { } tunnel) return other;
            if (use.Tunnel is { } theirs && AreAlike(tunnel, theirs)) return other;
        }

        return null;
    }

    private static bool AreAlike(TunnelConfig left, TunnelConfig right) =>
        Equals(left.Remote, right.Remote) && Equals(left.Local, right.Local)
        && left.KeyIn == right.KeyIn && left.IsKeyInByFlow == right.IsKeyInByFlow;
}
