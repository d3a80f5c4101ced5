using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>One bridge that speaks a spanning tree protocol.</summary>
/// <param name="Row">Of table Bridge.</param>
/// <param name="Ports">By interface.</param>
public sealed record TreeWanted(
    Guid Row, string Bridge, string DatapathType, TreeSettings Settings,
    ImmutableSortedDictionary<string, TreePortSettings> Ports);

/// <summary>A bridge's own values; times in whole seconds (IEEE 802.1D-1998, 8.10.2).</summary>
/// <param name="SystemId">Null: the bridge's own address.</param>
/// <param name="Priority">The upper 16 bits of the bridge identifier.</param>
public sealed record TreeSettings(
    MacBytes? SystemId, ushort Priority, int HelloTime, int MaxAge, int ForwardDelay)
{
    public const ushort PriorityDefault = 32768;
    public const int HelloTimeDefault = 2;
    public const int MaxAgeDefault = 20;
    public const int ForwardDelayDefault = 15;
}

/// <summary>What one port's rows ask for.</summary>
/// <param name="Row">Of table Port.</param>
/// <param name="Number">Wanted port number; 0: the lowest that is free.</param>
/// <param name="PathCost">0: by the speed of the link.</param>
public sealed record TreePortSettings(
    Guid Row, string Port, string Interface, int Number, byte Priority, int PathCost)
{
    public const byte PriorityDefault = 128;
}
