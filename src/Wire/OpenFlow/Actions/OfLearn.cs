namespace Fabric.Wire.OpenFlow;

/// <summary>learn(...): add or modify a flow made from the packet.</summary>
/// <param name="Limit">0: no limit of learned flows with this cookie and table.</param>
/// <param name="ResultDestination">With a limit: 1 bit that tells whether it was learned.</param>
public sealed record OfLearn(
    ushort IdleTimeout, ushort HardTimeout, ushort Priority, ulong Cookie, OfLearnFlags Flags,
    byte TableId, ushort FinIdleTimeout, ushort FinHardTimeout,
    EquatableArray<OfLearnSpec> Specs, uint Limit = 0, Subfield? ResultDestination = null)
    : OfAction;

[Flags]
public enum OfLearnFlags : ushort
{
    None = 0,
    SendFlowRemoved = 1,
    DeleteLearned = 2,
    WriteResult = 4,
}

public enum OfLearnDestination : byte { Match, Load, Output }

/// <summary>One part of a learned flow: what is matched, loaded or output.</summary>
/// <param name="Width">Bits.</param>
/// <param name="Source">null: 'Immediate' (right-aligned) is the value.</param>
/// <param name="Destination">null for output.</param>
public sealed record OfLearnSpec(
    OfLearnDestination Kind, int Width, Subfield? Source, UInt128 Immediate,
    Subfield? Destination);
