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
    [ThreadStatic] private static LastTracked? _last;

    private sealed class LastTracked
    {
        public ConntrackTable? Table;
        public Connection? Connection;
        public ConntrackKey Tuple;
        public bool IsReply;
        public bool IsRelated;
    }

    private void Remember(in TrackingRun run)
    {
        var last = _last ??= new LastTracked();
        last.Table = this;
        last.Connection = run.Action.Nat is null ? run.Connection : null;
        last.Tuple = run.Tuple;
        last.IsReply = run.IsReply;
        last.IsRelated = run.IsRelated;
    }

    /// <summary>What comes next on this thread is no repetition of what came before.</summary>
    private static void Forget()
    {
        if (_last is { } last) last.Connection = null;
    }

    /// <summary>
    /// Marks and translates a packet that this thread tracked in this zone just now.
    /// </summary>
    private bool TryRepeat(ref TrackingRun run, ref FlowKey key, out bool isChanged)
    {
        isChanged = false;
        if (_last is not { Connection: { } connection } last
            || !ReferenceEquals(last.Table, this)
            || !ConntrackKey.AreEqual(last.Tuple, run.Tuple)
            || connection.IsRemoved
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
            last.Connection = null;
        }

        key.ConntrackState = run.State;
        SetMarks(connection, run.Action);
        WriteMarks(ref key, connection);
        return true;
    }
}
