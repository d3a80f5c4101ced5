namespace Fabric.Datapath;

/// <summary>What one packet thread did since the start (dpif-netdev/pmd-stats-show).</summary>
/// <param name="Ports">Numbers of the ports that it serves now.</param>
/// <param name="Received">Packets taken from ports, or given to it by others.</param>
/// <param name="Recirculated">Look-ups of packets that went round again.</param>
/// <param name="MegaflowHit">Found by the classifier, by neither cache.</param>
/// <param name="SubtablesVisited">In all look-ups of the classifier.</param>
/// <param name="Busy">Time spent with packets.</param>
public sealed record ThreadStatistics(
    string Name, System.Collections.Immutable.ImmutableArray<uint> Ports, ulong Received,
    ulong Recirculated, ulong CacheHit, ulong SignatureHit, ulong MegaflowHit,
    ulong SubtablesVisited, ulong Missed, ulong Lost, TimeSpan Busy);
