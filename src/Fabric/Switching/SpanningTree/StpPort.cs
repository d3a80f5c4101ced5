using Fabric.Pipeline;

namespace Fabric.Switching;

public enum StpRole : byte { Disabled, Root, Designated, Alternate }

/// <summary>One port in the spanning tree, IEEE 802.1D-1998 section 8.5.5.</summary>
/// <remarks>
/// Timers are the monotonic milliseconds at which they started; null: not running. When they end
/// depends on the times in force then.
/// </remarks>
public sealed class StpPort(string name) : SpanningTreePort(name)
{
    public TreePortState State { get; internal set; }
    public long StateSince { get; internal set; }

    public ulong DesignatedRoot { get; internal set; }
    public uint DesignatedCost { get; internal set; }
    public ulong DesignatedBridge { get; internal set; }
    public ushort DesignatedPort { get; internal set; }

    internal bool AcknowledgesChange { get; set; }
    internal bool IsConfigPending { get; set; }
    internal long? MessageAgeStart { get; set; }
    internal long? ForwardDelayStart { get; set; }
    internal long? HoldEnds { get; set; }
}
