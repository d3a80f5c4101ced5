namespace Fabric.Wire.OpenFlow;

/// <summary>Whether actions make sense for a match (OVS: ofpacts_check_consistency).</summary>
public static class ActionRules
{
    private const ushort Ipv4 = 0x0800, Ipv6 = 0x86DD;

    /// <summary>The first action that cannot work for packets of 'match', or none.</summary>
    /// <param name="tableId">goto_table must go to a later one; 255: not known.</param>
    /// <param name="isVersion10">
    /// OpenFlow 1.0's own actions (mod_nw_src, dec_ttl ...) do nothing to packets that they are
    /// not for; from 1.1 on that is an error.
    /// </param>
    public static OfErrorCode ErrorOf(
        Match match, ActionList actions, byte tableId, bool isVersion10 = false)
    {
        if (actions.IsEmpty) return OfErrorCode.None;
        var state = new State(match) { IsLenient = isVersion10 };
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
            case OfSetField set when IsConntrack(set.Field):
                return OfErrorCode.ActionBadSetArgument;
            case OfLoad load when IsConntrack(load.Destination.Field):
                return OfErrorCode.ActionBadSetArgument;
            case OfSetField set: return state.Allows(set.Field);
            case OfLoad load: return state.Allows(load.Destination.Field);
            case OfMove move:
                var error = state.Allows(move.Source.Field);
                return error == OfErrorCode.None ? state.Allows(move.Destination.Field) : error;
            case OfStackPush push: return state.Allows(push.Source.Field);
            case OfStackPop pop: return state.Allows(pop.Destination.Field);
            case OfOutputRegister output: return state.Allows(output.Source.Field);
            case OfFinTimeout: return state.Requires(state.Protocol == 6);
            case OfResubmit { WithOriginalTuple: true }: return state.Requires(state.IsIp);
            case OfDecrementNshTtl: return state.Requires(state.EthernetType == 0x894F);
            case OfGotoTable go when tableId != 255 && go.TableId <= tableId:
                return OfErrorCode.InstructionBadTableId;
            case OfSetIpTtl or OfDecrementTtl or OfSetIpTos or OfSetIpEcn:
                return state.Expects(state.IsIp);
            case OfSetIpv4Source or OfSetIpv4Destination:
                return state.Expects(state.EthernetType is Ipv4 or 0x0806);
            case OfSetPortSource or OfSetPortDestination:
                return state.Expects(state.Protocol is 6 or 17 or 132);
            case OfSetMplsLabel or OfSetMplsTc or OfSetMplsTtl or OfDecrementMplsTtl or OfPopMpls:
                error = state.Expects(state.EthernetType is 0x8847 or 0x8848);
                if (action is OfPopMpls pop2) state.EthernetType = pop2.EthernetType;
                return error;
            case OfPushMpls mpls: state.EthernetType = mpls.EthernetType; return OfErrorCode.None;
            case OfSetVlanVid { PushWhenUntagged: false } or OfSetVlanPcp
            { PushWhenUntagged: false } when state.Expects(state.HasVlan) is var missing
                && missing != OfErrorCode.None:
                return missing;
            case OfPushVlan: state.PushVlan(); return OfErrorCode.None;
            case OfSetVlanVid or OfSetVlanPcp: state.HasVlan = true; return OfErrorCode.None;
            case OfStripVlan:
                error = state.Expects(state.HasVlan);
                state.PopVlan();
                return error;
            case OfDecap or OfEncap: state.IsKnown = false; return OfErrorCode.None;
            case OfWriteActions: return OfErrorCode.None; // What it will run on is not known yet.
            case OfClone clone: return ErrorOf(state, clone.Actions);
            case OfConntrack { RecirculateTable: 255 }: return OfErrorCode.ActionBadArgument;
            case OfConntrack conntrack: return ErrorOf(conntrack, state);
            default: return OfErrorCode.None;
        }
    }

    /// <summary>
    /// ct_mark and ct_label belong to a connection: only ct(exec(...)) sets them.
    /// </summary>
    private static bool IsConntrack(MatchField field) =>
        ReferenceEquals(field, MatchField.ConntrackMark)
            || ReferenceEquals(field, MatchField.ConntrackLabel);

    /// <summary>
    /// Connections are of IP; ftp's are TCP, tftp's UDP; addresses fit the packet's.
    /// </summary>
    private static OfErrorCode ErrorOf(OfConntrack conntrack, State state)
    {
        var isAlgRight =
            conntrack.AlgPort switch
            {
                21 => state.Protocol == 6,
                69 => state.Protocol == 17,
                _ =>
            true
            };
        var isNatRight = conntrack.Nat?.AddressMin is not { } address
            || state.EthernetType == (address.IsIpv6() ? Ipv6 : Ipv4);
        return state.Requires(state.IsIp && isAlgRight && isNatRight);
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
        private bool _hasInnerVlan;

        public int? EthernetType
        {
            get => _match.ExactOf(MatchField.EthernetType) is { } type ? (int)type : null;
            set
            {
                var builder = new MatchBuilder();
                if (value is { } type) builder.Set(MatchField.EthernetType, (ulong)type);
                foreach (var entry in _match.Entries)
                {
                    if (entry.Field.Prerequisite is FieldPrerequisite.None)
                        builder.SetMasked(entry.Field, entry.Value, entry.Mask);
                }

                _match = builder.TryBuild(out var built, out _) ? built : Match.Any;
            }
        }

        public bool HasVlan
        {
            get => _match.TryGet(MatchField.VlanTci, out var tag)
                && (tag.Value & tag.Mask & 0x1000) != 0;
            set
            {
                var builder = new MatchBuilder(_match).Clear(MatchField.VlanTci);
                if (value) builder.SetMasked(MatchField.VlanTci, 0x1000, 0x1000);
                _match = builder.TryBuild(out var built, out _) ? built : _match;
            }
        }

        /// <summary>The tag that was outermost is the inner one now.</summary>
        public void PushVlan()
        {
            _hasInnerVlan = HasVlan;
            HasVlan = true;
        }

        public void PopVlan()
        {
            HasVlan = _hasInnerVlan;
            _hasInnerVlan = false;
        }

        public bool IsKnown { get; set; } = true;

        public bool IsLenient { get; init; }

        public int Protocol => IsIp ? (int)(_match.ExactOf(MatchField.IpProtocol) ?? 0) : 0;

        public bool IsIp => EthernetType is Ipv4 or Ipv6;

        public OfErrorCode Requires(bool isMet) =>
            isMet || !IsKnown ? OfErrorCode.None : OfErrorCode.ActionMatchInconsistent;

        /// <summary>As Requires, but not of OpenFlow 1.0.</summary>
        public OfErrorCode Expects(bool isMet) => IsLenient ? OfErrorCode.None : Requires(isMet);

        public OfErrorCode Allows(MatchField field) => Requires(
            field.Prerequisite is FieldPrerequisite.None or FieldPrerequisite.Ethernet
            || MatchRules.IsAllowed(field, _match));
    }
}
