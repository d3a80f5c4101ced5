using System.Runtime.InteropServices;

namespace Fabric.Wire.OpenFlow;

/// <summary>Instructions of OpenFlow 1.1 and later, kept in one list with the actions.</summary>
/// <remarks>
/// On the wire: type (16), length (16), body. The list keeps OpenFlow's order of execution: meter,
/// apply-actions (as the plain actions), clear-actions, write-actions, write-metadata, goto-table.
/// </remarks>
public static class InstructionCodec
{
    private const int GotoTable = 1;
    private const int WriteMetadata = 2;
    private const int WriteActions = 3;
    private const int ApplyActions = 4;
    private const int ClearActions = 5;
    private const int Meter = 6;
    private const int TypeCount = 7;

    private static ReadOnlySpan<int> Order =>
        [Meter, ApplyActions, ClearActions, WriteActions, WriteMetadata, GotoTable];

    public static OfErrorCode Decode(
        ReadOnlySpan<byte> bytes, in OfCodecContext context, out ActionList actions)
    {
        if (KnownActions.TryFind(bytes, true, in context, out actions))
        {
            return OfErrorCode.None;
        }

        var parts = new List<OfAction>?[TypeCount];
        var reader = new OfReader(bytes);
        while (!reader.IsEmpty)
        {
            var type = reader.U16();
            var length = reader.U16();
            if (reader.Failed || length < 8 || length % 8 != 0 || length - 4 > reader.Remaining)
            {
                return OfErrorCode.InstructionBadLength;
            }

            var body = new OfReader(reader.Bytes(length - 4));
            if (type == 0xFFFF) return OfErrorCode.InstructionBadExperimenter;
            if (type is 0 or >= TypeCount) return OfErrorCode.InstructionUnknown;
            if (type == Meter && context.Version < OfVersion.OpenFlow13)
                return OfErrorCode.InstructionUnknown;
            if (parts[type] is not null) return OfErrorCode.InstructionDuplicate;
            var error = DecodeOne(type, ref body, in context, parts[type] = []);
            if (error != OfErrorCode.None) return error;
        }

        List<OfAction>? all = null;
        foreach (var type in Order)
        {
            if (parts[type] is not { } part) continue;
            if (all is null) all = part;
            else all.AddRange(part);
        }

        if (all is not null) actions = ActionList.Create(CollectionsMarshal.AsSpan(all));
        KnownActions.Remember(bytes, true, in context, actions);
        return OfErrorCode.None;
    }

    public static void Write(
        OfWriter writer, ActionList actions, in OfCodecContext context, int ipProtocol)
    {
        var keepMeter = context.Version >= OfVersion.OpenFlow15;
        for (var i = 0; i < actions.Count;)
        {
            if (IsInstruction(actions[i], keepMeter))
            {
                WriteOne(writer, actions[i], in context, ipProtocol);
                i++;
                continue;
            }

            var start = writer.Length;
            writer.U16(ApplyActions).U16(0).Zeros(4);
            var first = i;
            while (i < actions.Count && !IsInstruction(actions[i], keepMeter)) i++;
            ActionEncoder.Write(
                writer, actions.AsSpan()[first..i], in context, ipProtocol);
            writer.PatchU16(start + 2, writer.Length - start);
        }
    }

    private static OfErrorCode DecodeOne(
        int type, ref OfReader body, in OfCodecContext context, List<OfAction> actions)
    {
        switch (type)
        {
            case GotoTable:
                if (body.Remaining != 4) return OfErrorCode.InstructionBadLength;
                actions.Add(new OfGotoTable(body.U8()));
                return OfErrorCode.None;
            case WriteMetadata:
                if (body.Remaining != 20) return OfErrorCode.InstructionBadLength;
                body.Skip(4);
                actions.Add(new OfWriteMetadata(body.U64(), body.U64()));
                return OfErrorCode.None;
            case WriteActions:
                body.Skip(4);
                var written = new List<OfAction>();
                var error = ActionDecoder.Decode(body.Rest(), in context, written);
                actions.Add(new OfWriteActions(ActionList.From(written)));
                return error == OfErrorCode.None ? ErrorOfSet(written) : error;
            case ApplyActions:
                body.Skip(4);
                return ActionDecoder.Decode(body.Rest(), in context, actions);
            case ClearActions:
                if (body.Remaining != 4) return OfErrorCode.InstructionBadLength;
                actions.Add(new OfClearActions());
                return OfErrorCode.None;
            default:
                if (body.Remaining != 4) return OfErrorCode.InstructionBadLength;
                actions.Add(new OfMeter(body.U32()));
                return OfErrorCode.None;
        }
    }

    /// <summary>
    /// Only these may be members of an action set (OVS: ofpacts_execute_action_set).
    /// </summary>
    private static OfErrorCode ErrorOfSet(List<OfAction> actions)
    {
        foreach (var action in actions)
        {
            switch (action)
            {
                case OfBundle or OfConjunction or OfDecap or OfDebugSlow or OfDebugRecirculate
                    or OfEncap or OfEnqueue or OfExit or OfFinTimeout or OfLearn or OfMultipath
                    or OfNote or OfOutputRegister or OfOutputTruncate or OfPopQueue or OfSample
                    or OfStackPop or OfStackPush or OfCheckPacketLarger or OfDeleteField
                    or OfWriteMetadata or OfWriteActions or OfGotoTable or OfClearActions
                    or OfController { Userdata.IsEmpty: false }:
                    return OfErrorCode.ActionBadType;
                default: continue;
            }
        }

        return OfErrorCode.None;
    }

    private static bool IsInstruction(OfAction action, bool isMeterAction) => action
        is OfGotoTable or OfWriteMetadata or OfWriteActions or OfClearActions
        || (action is OfMeter && !isMeterAction);

    private static void WriteOne(
        OfWriter writer, OfAction action, in OfCodecContext context, int ipProtocol)
    {
        switch (action)
        {
            case OfGotoTable go: writer.U16(GotoTable).U16(8).U8(go.TableId).Zeros(3); break;
            case OfWriteMetadata metadata:
                writer.U16(WriteMetadata).U16(24).Zeros(4).U64(metadata.Value).U64(metadata.Mask);
                break;
            case OfClearActions: writer.U16(ClearActions).U16(8).Zeros(4); break;
            case OfMeter meter:
                if (context.Version >= OfVersion.OpenFlow13)
                    writer.U16(Meter).U16(8).U32(meter.MeterId);
                break;
            case OfWriteActions write:
                var start = writer.Length;
                writer.U16(WriteActions).U16(0).Zeros(4);
                ActionEncoder.Write(writer, write.Actions, in context, ipProtocol);
                writer.PatchU16(start + 2, writer.Length - start);
                break;
            default: break;
        }
    }
}
