namespace Fabric.Wire.OpenFlow;

public enum BundleControlType : ushort
{
    OpenRequest = 0, OpenReply = 1, CloseRequest = 2, CloseReply = 3, CommitRequest = 4,
    CommitReply = 5, DiscardRequest = 6, DiscardReply = 7,
}

[Flags]
public enum BundleFlags : ushort { None = 0, Atomic = 1, Ordered = 2 }

public sealed record OfBundleControl(uint BundleId, BundleControlType Type, BundleFlags Flags)
    : OfMessage;

/// <param name="Xid">Transaction id of the inner message: the same as the outer one's.</param>
public sealed record OfBundleAdd(uint BundleId, BundleFlags Flags, uint Xid, OfMessage Message)
    : OfMessage;

/// <summary>Another controller changed a group or meter (OpenFlow 1.4 section 7.4.6).</summary>
public sealed record OfRequestForward(uint Xid, OfMessage Message) : OfMessage;
