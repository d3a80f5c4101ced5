using System.Net;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>A list of actions being put together in the order in which they run.</summary>
internal sealed class FlowActions
{
    private readonly List<OfAction> _actions = [];

    public static FlowActions Drop => new();

    /// <summary>On to another table.</summary>
    public static FlowActions To(byte table) => new FlowActions().Next(table);

    public FlowActions Next(byte table) => Add(new OfResubmit(table));

    /// <summary>OVN's "output": the end of a pipeline's ingress, towards the output port.</summary>
    public FlowActions Output() => Next(PhysicalTables.RemoteOutput);

    public FlowActions OutputTo(uint port) => Add(new OfOutput(port));

    public FlowActions Set(Subfield part, UInt128 value)
    {
        if (part.Width > 64) return Add(new OfSetField(part.Field, value));
        return Add(new OfLoad(part, (ulong)value));
    }

    public FlowActions Set(MatchField field, MacBytes mac) => Set(field, mac.ToUInt64());

    public FlowActions SetOutport(uint key) => Set(LogicalFields.Outport, key);

    public FlowActions Move(Subfield from, Subfield to) => Add(new OfMove(from, to));

    /// <summary>Exchanges two fields of the same width.</summary>
    public FlowActions Swap(Subfield left, Subfield right) =>
        Add(new OfStackPush(left)).Add(new OfStackPush(right))
            .Add(new OfStackPop(left)).Add(new OfStackPop(right));

    /// <summary>Sends the packet back where it came from.</summary>
    public FlowActions BackToInport() =>
        Move(LogicalFields.Inport, LogicalFields.Outport).Set(LogicalFields.AllowLoopback, 1);

    public FlowActions Push(Subfield part) => Add(new OfStackPush(part));

    public FlowActions Pop(Subfield part) => Add(new OfStackPop(part));

    public FlowActions Clone(FlowActions inner) => Add(new OfClone(inner.Build()));

    public FlowActions DecrementTtl() => Add(new OfDecrementTtl());

    public FlowActions ClearConntrack() => Add(new OfConntrackClear());

    /// <summary>
    /// Looks the connection up in a zone; the packet goes on in 'table' with its state.
    /// </summary>
    public FlowActions Track(Subfield zone, byte table, bool translates = false) =>
        Add(new OfConntrack(
            false, false, table, 0, zone, 0, translates ? new OfNat(OfNatType.None) : null,
            ActionList.Empty));

    /// <summary>Commits the connection and goes on in this list.</summary>
    public FlowActions Commit(Subfield zone, params OfAction[] marks) =>
        Add(new OfConntrack(
            true, false, null, 0, zone, 0, null, ActionList.From(marks)));

    /// <summary>Commits with an address translation and goes on in 'table'.</summary>
    public FlowActions CommitNat(
        Subfield zone, byte table, OfNatType type, IPAddress? address, ushort portMin = 0,
        ushort portMax = 0, params OfAction[] marks) =>
        Add(new OfConntrack(
            true, false, table, 0, zone, 0,
            new OfNat(type, address, null, portMin, portMax), ActionList.From(marks)));

    /// <summary>Hands the packet to this host's controller actions.</summary>
    public FlowActions Punt(byte[] userdata, bool pauses = false) =>
        Add(new OfController(
            ControllerId: ControllerAction.ControllerId, Userdata: userdata, Pause: pauses));

    /// <summary>Goes on only while the meter's rate is not exceeded.</summary>
    public FlowActions Meter(uint id) => Add(new OfMeter(id));

    public FlowActions Add(OfAction action)
    {
        _actions.Add(action);
        return this;
    }

    public FlowActions Append(FlowActions more)
    {
        _actions.AddRange(more._actions);
        return this;
    }

    public ActionList Build() => ActionList.From(_actions);
}
