using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Simulation;

/// <summary>
/// One host of the simulated log: a journal that survives, and what a crash takes.
/// </summary>
internal sealed class SimulatedHost(string id)
{
    private readonly List<ILogEvent> _journal = [];
    private readonly Queue<(string From, ILogMessage Message)> _inbox = new();

    public string Id { get; } = id;

    public bool IsAlive { get; private set; } = true;

    public LogReplica Replica { get; private set; } = new();

    public LogWriter? Writer { get; set; }

    /// <summary>Digest of the state at <see cref="Applied"/>.</summary>
    public ulong State { get; private set; }

    public long Applied { get; private set; }

    /// <summary>When the journal has written what it is writing.</summary>
    public TimeSpan? WrittenAt { get; private set; }

    private LogDecision _writing;
    private string _asker = "";

    public void Found(ILogEvent founded)
    {
        _journal.Add(founded);
        Replica.Apply(founded);
    }

    public void Crash()
    {
        IsAlive = false;
        Writer = null;
        WrittenAt = null;
        _inbox.Clear();
    }

    /// <summary>
    /// Replays the journal; what was being written in the crash may be there or not.
    /// </summary>
    public void Restart(bool isLastWriteThere)
    {
        if (isLastWriteThere) Journal(_writing.Events);
        _writing = default;
        Replica = new LogReplica();
        State = 0;
        Applied = 0;
        foreach (var change in _journal) Replica.Apply(change);
        Advance();
        IsAlive = true;
    }

    public void Receive(string from, ILogMessage message) => _inbox.Enqueue((from, message));

    /// <summary>Decides the next message unless the journal is busy.</summary>
    public void Work(TimeSpan now, Random random)
    {
        if (WrittenAt is not null || !_inbox.TryDequeue(out var next)) return;
        _asker = next.From;
        _writing = Replica.Decide(next.Message);
        var isQuick = _writing.Events.IsDefaultOrEmpty;
        WrittenAt = isQuick ? now : now + TimeSpan.FromMilliseconds(5) * random.NextDouble();
    }

    /// <summary>The journal is done: the replica changes and the answer leaves.</summary>
    public (string To, ILogMessage? Reply) Written()
    {
        Journal(_writing.Events);
        foreach (var change in _writing.Events) Replica.Apply(change);
        var reply = (_asker, _writing.Reply);
        _writing = default;
        WrittenAt = null;
        Advance();
        return reply;
    }

    public bool IsIdle => WrittenAt is null && _inbox.Count == 0;

    public void Compact(int kept)
    {
        var sequence = Applied - kept;
        if (sequence <= Replica.Base.Sequence || sequence > Replica.Committed) return;
        Replica.Compact(sequence, new LogImageBytes(StateAt(sequence)));
        _journal.Clear(); // A snapshot stands for all that was journaled.
        _journal.Add(new LogFounded(Replica.LogId, VoterSet.None));
        _journal.Add(new PromiseMade(Replica.PromisedTerm, Replica.PromisedWriter));
        _journal.Add(new ImageInstalled(Replica.Base, Replica.BaseVoters, Replica.Image));
        if (Replica.Entries.Count > 0)
            _journal.Add(new EntriesJournaled(Replica.Base.Sequence, [.. Replica.Entries]));
    }

    public LogView View() => new(
        Replica.LogId, Replica.PromisedTerm, Replica.Base, Replica.BaseVoters, Replica.Image,
        [.. Replica.Entries], Replica.Voters, null);

    /// <summary>Digest after 'entry'.</summary>
    public static ulong Mix(ulong state, LogEntry entry)
    {
        var mixed = (state ^ (ulong)entry.Id.Term) * 1_099_511_628_211;
        mixed = (mixed ^ (ulong)entry.Kind) * 1_099_511_628_211;
        foreach (var one in entry.Body.Span) mixed = (mixed ^ one) * 1_099_511_628_211;
        return mixed;
    }

    private byte[] StateAt(long sequence)
    {
        var state = BitConverterOf(Replica.Image);
        for (var i = Replica.Base.Sequence + 1; i <= sequence; i++)
            state = Mix(state, Replica[i]);
        return BitConverter.GetBytes(state);
    }

    private void Journal(ImmutableArray<ILogEvent> events)
    {
        if (events.IsDefaultOrEmpty) return;
        _journal.AddRange(events.Where(change => change is not CommitAdvanced));
    }

    private void Advance()
    {
        if (Replica.Base.Sequence > Applied)
        {
            State = BitConverterOf(Replica.Image);
            Applied = Replica.Base.Sequence;
        }

        while (Applied < Replica.Committed) State = Mix(State, Replica[++Applied]);
    }

    private static ulong BitConverterOf(ILogImage image) =>
        image.ToBytes() is { Length: 8 } bytes ? BitConverter.ToUInt64(bytes.Span) : 0;
}
