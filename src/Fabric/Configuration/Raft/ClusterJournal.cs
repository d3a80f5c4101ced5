using System.Text.Json;

namespace Fabric.Configuration;

/// <summary>Transactions of this server's clients on their way into the cluster's log.</summary>
/// <remarks>
/// Each names the transaction that it must come right behind, so that it is done to the rows that
/// it was executed on or not at all. That it was done is known when it is heard of as an entry of
/// the log; when another one comes in its place, it and all behind it are withdrawn, to be
/// executed anew on the rows that are then. The same transaction is never in the log twice.
/// </remarks>
/// <param name="submit">
/// Hands a transaction to the leader, which may be this server; false: not now.
/// </param>
internal sealed class ClusterJournal(TimeProvider time, Func<ClusterJournal.Step, bool> submit)
    : IDatabaseJournal
{
    private readonly LinkedList<Step> _steps = [];
    private Guid _lastApplied;
    private Guid _tail;

    /// <summary>A transaction, or (without an id) what waits for those before it.</summary>
    internal sealed class Step
    {
        public Guid? EntryId { get; init; }
        public Guid Prerequisite { get; init; }
        public JsonElement Data { get; init; }
        public required Action Done { get; init; }

        /// <summary>The term in which it was handed to the leader; 0 before.</summary>
        public long Term { get; set; }
    }

    /// <summary>What is appended is in the log already: it is what others did.</summary>
    public bool IsFollowing { get; set; }

    public bool IsEmpty => _steps.Count == 0;

    public void Append(DatabaseDelta delta, Action durable)
    {
        if (IsFollowing) durable();
        else Append(delta.TransactionId, ClusterLogFile.DataOf(delta, time.GetUtcNow()), durable);
    }

    public void Append(Guid entryId, JsonElement data, Action done)
    {
        var step = new Step
        {
            EntryId = entryId,
            Prerequisite = _tail,
            Data = data,
            Done = done,
        };
        _tail = entryId;
        _steps.AddLast(step);

        // Behind one that was not handed over it would be refused.
        if (_steps.Last!.Previous is not { Value.Term: 0 }) submit(step);
    }

    public void AfterAppended(Action reached)
    {
        if (IsEmpty || IsFollowing) reached();
        else _steps.AddLast(new Step { Done = reached, Term = _steps.Last!.Value.Term });
    }

    /// <summary>Hands over what was not, or (of a connection that broke) may be lost.</summary>
    public void Submit(bool isAnew)
    {
        for (var node = _steps.First; node is not null; node = node.Next)
        {
            var step = node.Value;
            if (step.EntryId is null) step.Term = node.Previous?.Value.Term ?? 0;
            else if ((step.Term == 0 || isAnew) && !submit(step)) return;
        }
    }

    /// <summary>A transaction is in the log.</summary>
    /// <returns>False if it is somebody else's: what is here has to be withdrawn.</returns>
    public bool HearApplied(Guid entryId)
    {
        _lastApplied = entryId;
        if (_steps.First?.Value.EntryId != entryId)
        {
            if (IsEmpty) _tail = entryId;
            return false;
        }

        do
        {
            var step = _steps.First!.Value;
            _steps.RemoveFirst();
            step.Done();
        }
        while (_steps.First is { Value.EntryId: null });
        return true;
    }

    /// <summary>
    /// A leader's first entry is committed: what was handed to one before it, and is not in the
    /// log by now, never will be.
    /// </summary>
    public bool IsOutdated(long term) =>
        _steps.First is { } first && first.Value.Term != 0 && first.Value.Term < term;

    /// <summary>Forgets what is on its way.</summary>
    public void Clear() => Reset(_lastApplied);

    /// <summary>The same; the log has gone on to a transaction meanwhile.</summary>
    public void Reset(Guid entryId)
    {
        _steps.Clear();
        _tail = _lastApplied = entryId;
    }
}
