using Akka.Actor.Setup;

namespace Fabric.Simulation;

/// <summary>What a journal row is on disk.</summary>
internal sealed record DiskRow(
    string PersistenceId, long Sequence, int Serializer, string Manifest, byte[] Bytes);

/// <summary>What a host keeps over crashes: journals and snapshots.</summary>
/// <remarks>
/// A write takes time, and is acknowledged when it is done. A crash in the middle leaves nothing
/// of it, all of it, or its first transactions: the rest is the torn end that a database discards
/// when it is opened. A failing disk answers with an error, and has the write or not.
/// </remarks>
internal sealed class SimulatedDisk(Random random)
{
    private readonly SortedDictionary<string, SortedDictionary<long, DiskRow>> _journals =
        new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _highest = new(StringComparer.Ordinal);
    private readonly SortedDictionary<(string Id, long Sequence), DiskRow> _snapshots = [];
    private readonly List<IReadOnlyList<IReadOnlyList<DiskRow>>> _inFlight = [];

    private TimeSpan _freeAt;

    /// <summary>Share of writes that fail, 0 to 1.</summary>
    public double FailureRatio { get; set; }

    public TimeSpan DelayMax { get; set; } = TimeSpan.FromMilliseconds(4);

    public long FailedCount { get; private set; }

    public long TornCount { get; private set; }

    /// <summary>Is told of every row that is on disk.</summary>
    public Action<DiskRow>? Stored { get; set; }

    /// <param name="transactions">Each is there as a whole or not at all.</param>
    public Task Write(
        IReadOnlyList<IReadOnlyList<DiskRow>> transactions, TimeProvider clock)
    {
        var done = new TaskCompletionSource();
        _inFlight.Add(transactions);
        var isFailing = random.NextDouble() < FailureRatio;
        var now = clock.GetElapsedTime(0);
        _freeAt = (_freeAt > now ? _freeAt : now) + DelayMax * random.NextDouble();
        ITimer? timer = null;
        timer = clock.CreateTimer(
            _ =>
            {
                timer?.Dispose();
                _inFlight.Remove(transactions);
                if (!isFailing || random.Next(2) == 0) Store(transactions, transactions.Count);
                if (isFailing) FailedCount++;
                if (!isFailing) done.SetResult();
                else done.SetException(new IOException("Input/output error (simulated)"));
            },
            null, _freeAt - now, Timeout.InfiniteTimeSpan);
        return done.Task;
    }

    /// <summary>The power is off: of what was being written there is some prefix.</summary>
    public void Crash()
    {
        foreach (var transactions in _inFlight)
        {
            var there = random.Next(transactions.Count + 1);
            Store(transactions, there);
            if (there == transactions.Count) continue;
            TornCount++;
            break; // What was to be written after it is lost, too.
        }

        _inFlight.Clear();
    }

    public long HighestOf(string id) => _highest.GetValueOrDefault(id);

    public IEnumerable<DiskRow> Read(string id, long from, long to) =>
        _journals.TryGetValue(id, out var rows)
            ? rows.Values.Where(row => row.Sequence >= from && row.Sequence <= to).ToList()
            : [];

    public void DeleteTo(string id, long sequence)
    {
        if (!_journals.TryGetValue(id, out var rows)) return;
        foreach (var one in rows.Keys.Where(key => key <= sequence).ToList()) rows.Remove(one);
    }

    public DiskRow? NewestSnapshot(string id, long sequenceMax) => _snapshots.Values.LastOrDefault(
        row => row.PersistenceId == id && row.Sequence <= sequenceMax);

    public void Save(DiskRow snapshot) =>
        _snapshots[(snapshot.PersistenceId, snapshot.Sequence)] = snapshot;

    public void DeleteSnapshots(string id, long sequenceMax)
    {
        foreach (var key in _snapshots.Keys
            .Where(key => key.Id == id && key.Sequence <= sequenceMax).ToList())
            _snapshots.Remove(key);
    }

    private void Store(IReadOnlyList<IReadOnlyList<DiskRow>> transactions, int count)
    {
        foreach (var row in transactions.Take(count).SelectMany(rows => rows))
        {
            if (!_journals.TryGetValue(row.PersistenceId, out var rows))
                _journals.Add(row.PersistenceId, rows = []);
            rows[row.Sequence] = row;
            _highest[row.PersistenceId] =
                Math.Max(_highest.GetValueOrDefault(row.PersistenceId), row.Sequence);
            Stored?.Invoke(row);
        }
    }
}

/// <summary>Gives the disk to the journal and the snapshot store of a system.</summary>
internal sealed class DiskSetup(SimulatedDisk disk, TimeProvider clock) : Setup
{
    public SimulatedDisk Disk => disk;

    public TimeProvider Clock => clock;
}
