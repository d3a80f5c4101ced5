using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// A packet that comes through the same zone twice: the usual "look, then commit".
/// </summary>
/// <remarks>
/// It belongs to its connection already and must not count or advance it again. What a thread
/// tracked last is remembered until the thread tracks something else, as OVS keeps the connection
/// in
/// the packet's metadata.
/// </remarks>
public sealed partial class ConntrackTable
{
    private void Remember(in TrackingRun run)
    {
        var last = run.Thread;
        if (!ReferenceEquals(last.Table, this)) last.Table = this;
        last.IsKnown = run.Action.Nat is null && !run.Connection.IsNone;
        last.Tuple = run.Tuple;
        last.IsReply = run.IsReply;
        last.IsRelated = run.IsRelated;
    }

    /// <summary>What comes next on this thread is no repetition of what came before.</summary>
    private static void Forget()
    {
        TrackerThread.Current.IsKnown = false;
    }

    /// <summary>
    /// Marks and translates a packet that this thread tracked in this zone just now.
    /// </summary>
    private bool TryRepeat(ref TrackingRun run, ref FlowKey key, out bool isChanged)
    {
        isChanged = false;
        var last = run.Thread;
        if (!last.IsKnown
            || !ReferenceEquals(last.Table, this)
            || !ConntrackKey.AreEqual(last.Tuple, run.Tuple)
            || (!_map.TryFind(run.Tuple, out var connection, out _)
                && !_map.TryFind(OriginalOf(ref key, run.Tuple), out connection, out _))
            || connection.Extra?.Helper is not null)
        {
            return false;
        }

        run.Connection = connection;
        run.IsReply = last.IsReply;
        run.IsRelated = last.IsRelated;
        if (run.Action.Nat is not null)
        {
            isChanged = Translate(ref run);
            last.IsKnown = false;
        }

        key.ConntrackState = run.State;
        SetMarks(connection, run.Action);
        WriteMarks(ref key, connection);
        return true;
    }
}
