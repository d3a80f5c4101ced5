using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>NAT: a packet of a connection gets the tuple that its receiver knows.</summary>
public sealed partial class ConntrackTable
{
    /// <summary>Translates the packet once, and says so in its state.</summary>
    /// <returns>True when bytes changed.</returns>
    private static bool Translate(ref TrackingRun run)
    {
        var connection = run.Connection;
        if (connection.Nat == NatType.None || (run.State & Translated) != 0) return false;

        // What left with a new source comes back with that as its destination.
        var isSource = connection.Nat == NatType.Source != run.IsReply;
        run.State |= isSource ? ConntrackState.SourceNat : ConntrackState.DestinationNat;
        var wanted = run.IsReply ? connection.Original.Reversed() : connection.Reply.Reversed();
        return run.IsRelated
            ? NatRewriter.RewriteError(run.Tracked, wanted, isSource)
            : NatRewriter.Rewrite(run.Tracked, wanted, run.Packet.ChecksumStart >= 0);
    }
}
