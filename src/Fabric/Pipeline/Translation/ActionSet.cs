using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>The order in which an action set runs (OpenFlow 1.3 section 5.10, and OVS's).</summary>
public static class ActionSet
{
    /// <summary>
    /// The last of each kind of action, sets in the order in which they were written, and one
    /// group or else one output at the end.
    /// </summary>
    public static ActionList InOrder(IReadOnlyList<OfAction> actions)
    {
        var ordered = new List<OfAction>();
        Take<OfStripVlan>();
        Take<OfPopMpls>();
        Take<OfDecap>();
        Take<OfEncap>();
        Take<OfPushMpls>();
        Take<OfPushVlan>();
        Take<OfDecrementTtl>();
        Take<OfDecrementMplsTtl>();
        Take<OfDecrementNshTtl>();
        foreach (var action in actions)
        {
            if (IsSet(action)) ordered.Add(action);
        }

        Take<OfSetQueue>();
        if (!Take<OfGroup>() && !TakeLast(IsOutput) && !Take<OfOutputRegister>()
            && !Take<OfOutputTruncate>() && !Take<OfResubmit>() && !Take<OfConntrack>())
        {
            return ActionList.Empty;
        }

        return ActionList.From(ordered);

        bool Take<T>()
            where T : OfAction => TakeLast(static action => action is T);

        bool TakeLast(Func<OfAction, bool> isWanted)
        {
            for (var i = actions.Count - 1; i >= 0; i--)
            {
                if (!isWanted(actions[i])) continue;
                ordered.Add(actions[i]);
                return true;
            }

            return false;
        }
    }

    /// <summary>Controllers are a port like any other here.</summary>
    private static bool IsOutput(OfAction action) =>
        action is OfOutput or OfController { IsOutput: true };

    private static bool IsSet(OfAction action) => action is OfSetField or OfLoad or OfMove
        or OfSetVlanVid or OfSetVlanPcp or OfSetEthernetSource or OfSetEthernetDestination
        or OfSetIpv4Source or OfSetIpv4Destination or OfSetIpTos or OfSetIpEcn or OfSetIpTtl
        or OfSetPortSource or OfSetPortDestination or OfSetMplsLabel or OfSetMplsTc
        or OfSetMplsTtl or OfSetTunnel;
}
