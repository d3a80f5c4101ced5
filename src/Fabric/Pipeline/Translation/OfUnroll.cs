using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// Inside a frozen list of actions: what follows belongs to this rule of this table.
/// </summary>
internal sealed record OfUnroll(byte Table, Rule? Rule) : OfAction;
