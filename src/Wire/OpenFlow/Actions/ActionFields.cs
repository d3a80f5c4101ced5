namespace Fabric.Wire.OpenFlow;

/// <summary>The fields that actions read and write.</summary>
/// <remarks>Tests take a state, so that asking about a flow allocates nothing.</remarks>
public static class ActionFields
{
    /// <summary>A field of one of the actions, nested ones included, passes the test.</summary>
    public static bool Any<T>(ActionList actions, T state, Func<MatchField, T, bool> test)
    {
        foreach (var action in actions)
        {
            if (Any(action, state, test)) return true;
        }

        return false;
    }

    public static bool Any<T>(OfAction action, T state, Func<MatchField, T, bool> test) =>
        action switch
        {
            OfSetField set => test(set.Field, state),
            OfLoad load => test(load.Destination.Field, state),
            OfMove move =>
                test(move.Source.Field, state) || test(move.Destination.Field, state),
            OfStackPush push => test(push.Source.Field, state),
            OfStackPop pop => test(pop.Destination.Field, state),
            OfOutputRegister output => test(output.Source.Field, state),
            OfDeleteField delete => test(delete.Field, state),
            OfMultipath multipath => test(multipath.Destination.Field, state),
            OfBundle bundle => Any(bundle.Destination, state, test),
            OfCheckPacketLarger check => test(check.Destination.Field, state),
            OfSample sample => Any(sample.ObservationDomainSource, state, test)
                || Any(sample.ObservationPointSource, state, test),
            OfLearn learn => Any(learn, state, test),
            OfConntrack conntrack => Any(conntrack.ZoneSource, state, test)
                || Any(conntrack.Actions, state, test),
            OfWriteActions write => Any(write.Actions, state, test),
            OfClone clone => Any(clone.Actions, state, test),
            _ => false,
        };

    private static bool Any<T>(OfLearn learn, T state, Func<MatchField, T, bool> test)
    {
        foreach (var spec in learn.Specs)
        {
            if (Any(spec.Source, state, test) || Any(spec.Destination, state, test)) return true;
        }

        return Any(learn.ResultDestination, state, test);
    }

    private static bool Any<T>(Subfield? subfield, T state, Func<MatchField, T, bool> test) =>
        subfield is { } some && test(some.Field, state);
}
