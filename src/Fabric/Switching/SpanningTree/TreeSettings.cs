using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>One bridge that speaks a spanning tree protocol.</summary>
/// <param name="Row">Of table Bridge.</param>
/// <param name="IsRapid">RSTP; otherwise STP.</param>
/// <param name="Ports">By interface.</param>
public sealed record TreeWanted(
    Guid Row, string Bridge, string DatapathType, bool IsRapid, TreeSettings Settings,
    ImmutableSortedDictionary<string, TreePortSettings> Ports);

/// <summary>A bridge's own values; times in whole seconds (IEEE 802.1D-1998, 8.10.2).</summary>
/// <param name="SystemId">Null: the bridge's own address.</param>
/// <param name="Priority">The upper 16 bits of the bridge identifier.</param>
/// <param name="ForceVersion">RSTP: 0 speaks STP only (IEEE 802.1D-2004, 17.13.4).</param>
/// <param name="HoldCount">RSTP: BPDUs that may leave a port within a second (17.13.12).</param>
public sealed record TreeSettings(
    MacBytes? SystemId, ushort Priority, int HelloTime, int MaxAge, int ForwardDelay,
    int ForceVersion = TreeSettings.ForceVersionDefault,
    int HoldCount = TreeSettings.HoldCountDefault)
{
    public const int ForceVersionDefault = 2;
    public const int HoldCountDefault = 6;
    public const ushort PriorityDefault = 32768;
    public const int HelloTimeDefault = 2;
    public const int MaxAgeDefault = 20;
    public const int ForwardDelayDefault = 15;
}

/// <summary>What one port's rows ask for.</summary>
/// <param name="Row">Of table Port.</param>
/// <param name="Number">Wanted port number; 0: the lowest that is free.</param>
/// <param name="PathCost">0: by the speed of the link.</param>
/// <param name="IsAdminEdge">RSTP: no bridge is behind it, somebody knows.</param>
/// <param name="IsAutoEdge">RSTP: no bridge is behind it if nothing answers.</param>
/// <param name="WantsCheck">RSTP: set, it tries again whether neighbours understand RSTP.</param>
public sealed record TreePortSettings(
    Guid Row, string Port, string Interface, int Number, byte Priority, int PathCost,
    bool IsAdminEdge = false, bool IsAutoEdge = true, bool WantsCheck = false)
{
    public const byte PriorityDefault = 128;

    /// <summary>The wanted number if it is free, else what it has, else the lowest.</summary>
    /// <param name="current">0: none yet.</param>
    /// <returns>0: all are taken.</returns>
    public int ChooseNumber(int current, int max, Func<int, bool> isTaken)
    {
        if (Number != 0 && Number <= max && (Number == current || !isTaken(Number)))
        {
            return Number;
        }

        if (current != 0) return current;
        for (var number = 1; number <= max; number++)
        {
            if (!isTaken(number)) return number;
        }

        return 0;
    }
}
