using Fabric.Cluster;

namespace Fabric.Simulation;

/// <summary>What must hold at every instant, whatever fails.</summary>
internal sealed class SafetyChecks
{
    private readonly Dictionary<long, WriterId> _writers = [];
    private readonly Dictionary<EntryId, LogEntry> _entries = [];
    private readonly Dictionary<long, LogEntry> _committed = [];
    private readonly Dictionary<long, Guid> _transactions = [];
    private readonly Dictionary<string, long> _promised = [];
    private readonly Dictionary<string, long> _checked = [];

    public int TermCount => _writers.Count;

    /// <summary>At most one writer serves in a term, and all agree on what is committed.</summary>
    public void Writer(string host, LogWriter log)
    {
        if (log.Phase != LogWriterPhase.Serving) return;
        if (!_writers.TryAdd(log.Term, log.Id) && _writers[log.Term] != log.Id)
            throw new SimulationException($"{host} and {_writers[log.Term]} write in {log.Term}.");
        var from = Math.Max(log.Base.Sequence, _checked.GetValueOrDefault($"{host} {log.Term}"));
        for (var i = from + 1; i <= log.Committed; i++)
        {
            if (!_committed.TryAdd(i, log[i]) && !_committed[i].Equals(log[i]))
                throw new SimulationException($"Committed entry {i} was changed at {host}.");
        }

        _checked[$"{host} {log.Term}"] = log.Committed;
    }

    /// <summary>
    /// What one term wrote at one place is the same in every journal; promises are kept.
    /// </summary>
    public void Stored(string host, object change)
    {
        if (change is PromiseMade promise)
        {
            if (promise.Term < _promised.GetValueOrDefault(host))
                throw new SimulationException($"{host} went back to term {promise.Term}.");
            _promised[host] = promise.Term;
        }

        if (change is not EntriesJournaled journaled) return;
        foreach (var entry in journaled.Entries)
        {
            if (!_entries.TryAdd(entry.Id, entry) && !_entries[entry.Id].Equals(entry))
                throw new SimulationException($"Two entries are {entry.Id}; one at {host}.");
        }
    }

    /// <summary>The same place of the log is the same database, with keys of its own.</summary>
    public void Applied(string host, NorthboundChanged changed)
    {
        var transaction = changed.Database.TransactionId;
        if (!_transactions.TryAdd(changed.Sequence, transaction))
        {
            if (_transactions[changed.Sequence] != transaction)
                throw new SimulationException($"{host} differs at {changed.Sequence}.");
            return;
        }

        var datapaths = changed.Keys.Datapaths;
        if (datapaths.Values.Distinct().Count() != datapaths.Count)
            throw new SimulationException($"Two datapaths share a key at {changed.Sequence}.");
    }
}
