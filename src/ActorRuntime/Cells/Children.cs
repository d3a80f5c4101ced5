#nullable disable
namespace Akka.Actor;

/// <summary>Why a cell waits for its children to end.</summary>
internal enum TerminationReason { None, Recreation, Creation, Termination }

/// <summary>A child and how often it was restarted lately.</summary>
internal sealed class ChildRecord
{
    public InternalActorRef Ref;
    public int RetryCount;
    public TimeSpan? WindowStart;
    public bool Dying;

    /// <summary>Counts a restart against the limits.</summary>
    /// <param name="retriesMax">-1: no limit. 0: never.</param>
    /// <param name="window">Zero: for ever.</param>
    public bool RequestRestart(int retriesMax, TimeSpan window, TimeSpan now)
    {
        if (retriesMax == 0) return false;
        if (window <= TimeSpan.Zero)
        {
            if (retriesMax < 0) return true;
            return ++RetryCount <= retriesMax;
        }
        var limit = retriesMax > 0 ? retriesMax : 1;
        WindowStart ??= now;
        if (now - WindowStart.Value <= window) return ++RetryCount <= limit;
        WindowStart = now;
        RetryCount = 1;
        return true;
    }
}

/// <summary>The children of a cell by name; names of dying children stay taken.</summary>
internal sealed class Children
{
    private readonly Dictionary<string, ChildRecord> _records = new(StringComparer.Ordinal);
    private int _dyingCount;

    public TerminationReason Reason { get; set; }
    public Exception RecreationCause { get; set; }
    public bool IsTerminating => Reason == TerminationReason.Termination;

    public int Count
    {
        get { lock (_records) return _records.Count; }
    }

    /// <summary>Takes a name; false if it is taken.</summary>
    public bool TryReserve(string name, out ChildRecord record)
    {
        record = new ChildRecord();
        lock (_records) return _records.TryAdd(name, record);
    }

    public void Release(string name)
    {
        lock (_records) _records.Remove(name);
    }

    public InternalActorRef Find(string name)
    {
        lock (_records) return _records.TryGetValue(name, out var record) ? record.Ref : null;
    }

    public bool TryGet(IActorRef child, out ChildRecord record)
    {
        lock (_records)
        {
            return _records.TryGetValue(child.Path.Name, out record) &&
                record.Ref is not null && record.Ref.Equals(child);
        }
    }

    public InternalActorRef[] Snapshot()
    {
        lock (_records)
        {
            return [.. _records.Values.Where(r => r.Ref is not null).Select(r => r.Ref)];
        }
    }

    public ChildRecord[] Records()
    {
        lock (_records) return [.. _records.Values.Where(record => record.Ref is not null)];
    }

    public void MarkDying(IActorRef child)
    {
        if (!TryGet(child, out var record) || record.Dying) return;
        record.Dying = true;
        _dyingCount++;
    }

    /// <summary>Sets why to wait; false if there is nothing to wait for.</summary>
    public bool WaitFor(TerminationReason reason, Exception cause)
    {
        if (_dyingCount == 0) return false;
        Reason = reason;
        RecreationCause = cause;
        return true;
    }

    /// <summary>Forgets a child that ended; tells what the cell can go on with.</summary>
    public TerminationReason Remove(IActorRef child)
    {
        if (!TryGet(child, out var record)) return TerminationReason.None;
        lock (_records) _records.Remove(child.Path.Name);
        if (!record.Dying) return TerminationReason.None;
        if (--_dyingCount > 0) return TerminationReason.None;
        var reason = Reason;
        Reason = TerminationReason.None;
        return reason;
    }
}
