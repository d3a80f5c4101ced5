namespace Fabric.Datapath;

/// <summary>Limits of the managed datapath, and what happens at each.</summary>
public static class DatapathLimits
{
    /// <summary>Packets taken from a port in one go; more wait in the kernel's queue.</summary>
    public const int BatchSize = 32;

    /// <summary>Egress entries of one port and thread; a full queue is sent at once.</summary>
    public const int TransmitQueueSize = 64;

    /// <summary>Buffers that a thread keeps for reuse; more are left to the collector.</summary>
    public const int PooledPacketsMax = 256;

    /// <summary>
    /// Recirculations, clones and samples inside each other; deeper ones are dropped.
    /// </summary>
    public const int DepthMax = 16;

    /// <summary>
    /// Flows of a datapath; further puts are refused (<see cref="FlowPutResult.Full"/>).
    /// </summary>
    public const int FlowsMax = 200_000;

    /// <summary>
    /// Masks that flows of one ingress port may use: bounds the cost of a look-up. Further masks
    /// are refused, and their packets go up each time.
    /// </summary>
    public const int MasksPerPortMax = 256;

    /// <summary>Slots of a thread's exact-match cache; colliding keys replace each other.</summary>
    public const int ExactMatchSlots = 4096;

    /// <summary>
    /// A full exact-match cache takes one new key in this many plus one; a power of two less one.
    /// </summary>
    public const int ExactMatchTurn = 15;

    /// <summary>
    /// Slots of a thread's signature cache for each of its exact-match cache; they are reused.
    /// </summary>
    public const int SignaturesPerExactMatch = 8;

    /// <summary>
    /// Flows that one ingress port may have for each free place of the table: further ones are
    /// refused and their packets go up each time, so that a flood leaves room for other ports.
    /// </summary>
    public const int FlowsPerFreePlace = 4;

    /// <summary>Highest port number; adding ports beyond is refused.</summary>
    public const uint PortNumberMax = 65_535;

    /// <summary>Meters; setting more is refused.</summary>
    public const int MetersMax = 65_536;

    /// <summary>
    /// Packets that a memory or dummy port keeps for its reader; older ones go first.
    /// </summary>
    public const int KeptPacketsMax = 4096;
}
