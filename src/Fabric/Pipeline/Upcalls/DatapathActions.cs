using System.Collections.Immutable;
using Fabric.Datapath;

namespace Fabric.Pipeline;

/// <summary>Walks over lists of datapath actions.</summary>
internal static class DatapathActions
{
    /// <summary>
    /// The same actions? Records compare nested arrays by reference; this does not.
    /// </summary>
    public static bool AreEqual(
        ImmutableArray<DatapathAction> left, ImmutableArray<DatapathAction> right)
    {
        if (left.Length != right.Length) return false;
        for (var i = 0; i < left.Length; i++)
        {
            if (!AreEqual(left[i], right[i])) return false;
        }

        return true;
    }

    private static bool AreEqual(DatapathAction left, DatapathAction right) => (left, right) switch
    {
        (CloneAction a, CloneAction b) => AreEqual(a.Actions, b.Actions),
        (SampleAction a, SampleAction b) =>
            a.Probability == b.Probability && AreEqual(a.Actions, b.Actions),
        (CheckPacketLengthAction a, CheckPacketLengthAction b) => a.Length == b.Length
            && AreEqual(a.IfGreater, b.IfGreater) && AreEqual(a.IfLessOrEqual, b.IfLessOrEqual),
        (UserspaceAction a, UserspaceAction b) => a.Userdata.Kind == b.Userdata.Kind
            && a.Userdata.Cookie == b.Userdata.Cookie
            && a.Userdata.Data.AsSpan().SequenceEqual(b.Userdata.Data.AsSpan()),
        (SetTunnelAction a, SetTunnelAction b) => TunnelOutput.AreEqual(a.Tunnel, b.Tunnel),
        (SetNshAction a, SetNshAction b) =>
            a with { ContextWire = b.ContextWire, ContextMaskWire = b.ContextMaskWire } == b
            && a.ContextWire.AsSpan().SequenceEqual(b.ContextWire.AsSpan())
            && a.ContextMaskWire.AsSpan().SequenceEqual(b.ContextMaskWire.AsSpan()),
        (PushNshAction a, PushNshAction b) => a with { Metadata = b.Metadata } == b
            && a.Metadata.AsSpan().SequenceEqual(b.Metadata.AsSpan()),
        _ => left.Equals(right),
    };

    /// <summary>Every recirculation id that the actions name, frozen packet-ins included.</summary>
    public static void VisitRecirculations(
        ImmutableArray<DatapathAction> actions, Action<uint> visit)
    {
        foreach (var action in actions)
        {
            switch (action)
            {
                case RecirculateAction recirculate:
                    visit(recirculate.RecirculationId);
                    break;
                case UserspaceAction { Userdata.Kind: UpcallKind.Controller } upcall:
                    visit((uint)upcall.Userdata.Cookie);
                    break;
                case CloneAction clone:
                    VisitRecirculations(clone.Actions, visit);
                    break;
                case SampleAction sample:
                    VisitRecirculations(sample.Actions, visit);
                    break;
                case CheckPacketLengthAction check:
                    VisitRecirculations(check.IfGreater, visit);
                    VisitRecirculations(check.IfLessOrEqual, visit);
                    break;
            }
        }
    }
}
