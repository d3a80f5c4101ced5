namespace Fabric.Wire.OpenFlow;

/// <summary>Whether actions make sense for a match (OVS: ofpacts_check_consistency).</summary>
public static class ActionRules
{
    private const ushort Ipv4 = 0x0800, Ipv6 = 0x86DD;

    /// <summary>The first action that cannot work for packets of 'match', or none.</summary>
    /// <param name="tableId">goto_table must go to a later one; 255: not known.</param>
    public static OfErrorCode ErrorOf(Match match, ActionList actions, byte tableId)
    {
        if (actions.IsEmpty) return OfErrorCode.None;
        var state = new State(match);
        var hasConjunction = false;
        var hasOther = false;
        foreach (var action in actions)
        {
            if (action is OfConjunction) hasConjunction = true;
            else if (action is not OfNote) hasOther = true;
            var error = ErrorOf(action, state, tableId);
            if (error != OfErrorCode.None) return error;
        }

        return hasConjunction && hasOther ? OfErrorCode.ActionBadConjunction : OfErrorCode.None;
    }

    private static OfErrorCode ErrorOf(OfAction action, State state, byte tableId)
    {
        switch (action)
        {
            case OfSetField set: return state.Allows(set.Field);
            case OfLoad load: return state.Allows(load.Destination.Field);
            case OfMove move:
                var error = state.Allows(move.Source.Field);
                return error == OfErrorCode.None ? state.Allows(move.Destination.Field) : error;
            case OfStackPush push: return state.Allows(push.Source.Field);
            case OfStackPop pop: return state.Allows(pop.Destination.Field);
            case OfOutputRegister output: return state.Allows(output.Source.Field);
            case OfGotoTable go when tableId != 255 && go.TableId <= tableId:
                return OfErrorCode.InstructionBadTableId;
            case OfSetIpTtl or OfDecrementTtl or OfSetIpTos or OfSetIpEcn:
                return state.Requires(state.IsIp);
            case OfSetIpv4Source or OfSetIpv4Destination:
                return state.Requires(state.EthernetType is Ipv4 or 0x0806 or null);
            case OfSetMplsLabel or OfSetMplsTc or OfSetMplsTtl or OfDecrementMplsTtl or OfPopMpls:
                error = state.Requires(state.EthernetType is 0x8847 or 0x8848);
                if (action is OfPopMpls pop2) state.EthernetType = pop2.EthernetType;
                return error;
            case OfPushMpls mpls: state.EthernetType = mpls.EthernetType; return OfErrorCode.None;
            case OfPushVlan or OfSetVlanVid or OfSetVlanPcp: state.HasVlan = true; return OfErrorCode.None;
            case OfStripVlan: state.HasVlan = false; return OfErrorCode.None;
            case OfDecap or OfEncap: state.IsKnown = false; return OfErrorCode.None;
            case OfWriteActions write: return ErrorOf(state, write.Actions);
            case OfClone clone: return ErrorOf(state, clone.Actions);
            case OfConntrack { RecirculateTable: 255 }: return OfErrorCode.ActionBadArgument;
            default: return OfErrorCode.None;
        }
    }

    private static OfErrorCode ErrorOf(State state, ActionList nested)
    {
        foreach (var action in nested)
        {
            var error = ErrorOf(action, state, 255);
            if (error != OfErrorCode.None) return error;
        }

        return OfErrorCode.None;
    }

    /// <summary>What is known of the packet while its actions run.</summary>
    private sealed class State(Match match)
    {
        private Match _match = match;

        public int? EthernetType
        {
            get => _match.ExactOf(MatchField.EthernetType) is { } type ? (int)type : null;
            set
            {
                var builder = new MatchBuilder();
                if (value is { } type) builder.Set(MatchField.EthernetType, (ulong)type);
                foreach (var entry in _match.Entries)
                {
                    if (entry.Field.Prerequisite is FieldPrerequisite.None) builder.SetMasked(entry.Field, entry.Value, entry.Mask);
                }

                _match = builder.TryBuild(out var built, out _) ? built : Match.Any;
            }
        }

        public bool HasVlan
        {
            set
            {
                var builder = new MatchBuilder(_match).Clear(MatchField.VlanTci);
                if (value) builder.SetMasked(MatchField.VlanTci, 0x1000, 0x1000);
                _match = builder.TryBuild(out var built, out _) ? built : _match;
            }
        }

        public bool IsKnown { get; set; } = true;

        public bool IsIp => EthernetType is Ipv4 or Ipv6;

        public OfErrorCode Requires(bool isMet) =>
            isMet || !IsKnown ? OfErrorCode.None : OfErrorCode.ActionMatchInconsistent;

        public OfErrorCode Allows(MatchField field) => Requires(
            field.Prerequisite is FieldPrerequisite.None or FieldPrerequisite.Ethernet
            || MatchRules.IsAllowed(field, _match.Entries));
    }
}
