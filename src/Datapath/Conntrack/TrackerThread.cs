namespace Fabric.Datapath;

/// <summary>What the tracker keeps for each thread that calls it.</summary>
internal sealed class TrackerThread
{
    [ThreadStatic] private static TrackerThread? _current;

    public static TrackerThread Current => _current ??= new TrackerThread();

    public ReaderEpoch Epoch { get; } = new();

    /// <summary>Of the packet tracked last: who tracked it, as what.</summary>
    public ConntrackTable? Table;
    public ConntrackKey Tuple;
    public bool IsReply;
    public bool IsRelated;

    /// <summary>
    /// It had a connection. That is looked up anew: what a look-up finds is not to be held from
    /// one packet to the next.
    /// </summary>
    public bool IsKnown;
}
