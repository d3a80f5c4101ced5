using System.Collections.Immutable;
using System.Text.Json;
using Fabric.Configuration;

namespace Fabric.Tests.Configuration;

/// <summary>A server of a <see cref="RaftSimulation"/>, with a disk that outlives it.</summary>
/// <remarks>The first one made the cluster; the others join it.</remarks>
internal sealed class SimulatedServer(RaftSimulation world, int number) : IRaftOutside
{
    private static readonly JsonElement Data = JsonDocument.Parse("[{},{}]").RootElement;

    private readonly List<ClusterRecord> _disk = [];
    private RaftSnapshot? _snapshot;
    private ImmutableArray<string> _remotes = [RaftSimulation.AddressOf(0)];

    public int Number => number;
    public RaftMember? Member { get; private set; }
    public bool HasLeft { get; private set; }
    private Guid Id => RaftSimulation.IdOf(number);

    public void Start()
    {
        var nobody = ImmutableSortedDictionary<Guid, string>.Empty;
        if (number == 0)
        {
            _remotes = [];
            _snapshot = new RaftSnapshot(
                1, 1, Guid.Empty, nobody.Add(Id, RaftSimulation.AddressOf(0)), 1000, Data);
        }

        Restart();
    }

    public void Crash() => Member = null;

    /// <summary>With what is on disk, as ClusterLog reads it from a file.</summary>
    public void Restart()
    {
        if (Member is not null || HasLeft) return;
        var snapshot = _snapshot ?? new RaftSnapshot(
            0, 0, Guid.Empty, ImmutableSortedDictionary<Guid, string>.Empty, 1000, default);
        var entries = new List<ClusterRecord>();
        long term = snapshot.Term, commit = snapshot.Index;
        Guid? vote = null;
        foreach (var record in _disk)
        {
            if (record.Term > term) (term, vote) = (record.Term.Value, null);
            if (record.Term == term) vote = record.Vote ?? vote;
            commit = Math.Max(commit, record.CommitIndex ?? 0);
            if (record.Index is not { } index) continue;
            var place = (int)(index - snapshot.Index - 1);
            entries.RemoveRange(place, entries.Count - place);
            entries.Add(record);
        }

        var memory = new RaftMemory(
            Id, RaftSimulation.AddressOf(number), new RaftLog(snapshot, entries), term, commit,
            1000)
        {
            Vote = vote,
            Remotes = _snapshot is null ? _remotes : [],
        };
        Member = new RaftMember(memory, this, world.Random);
        Member.Start(world.Now);
    }

    public void Tick()
    {
        if (Member is { } member && world.Now >= member.NextTick) member.Tick(world.Now);
    }

    public void Hear(Guid from, RaftMessage message) => Member?.Hear(from, message, world.Now);

    public void HearConnected(Guid server) => Member?.HearConnected(server, world.Now);

    public void Propose(ClusterRecord entry) => Member?.TryPropose(entry, world.Now);

    public void Compact()
    {
        if (Member is { IsJoining: false, Applied: > 1 } member) member.Compact(Data);
    }

    public void Leave() => Member?.BeginLeaving(world.Now);

    void IRaftOutside.Send(Guid server, RaftMessage message) => world.Send(
        number, world.IndexOf(server), new RaftEnvelope(Id, server, null, message));

    void IRaftOutside.Ask(RaftMessage message)
    {
        foreach (var other in world.Servers)
        {
            if (Member!.Remotes.Contains(RaftSimulation.AddressOf(other.Number)))
            {
                world.Send(number, other.Number, new RaftEnvelope(Id, null, null, message));
            }
        }
    }

    void IRaftOutside.Keep(ReadOnlySpan<ClusterRecord> records, bool isDurable) =>
        _disk.AddRange(records);

    void IRaftOutside.KeepSnapshot(RaftLog log, ReadOnlySpan<ClusterRecord> records)
    {
        _snapshot = log.Snapshot;
        _disk.Clear();
        _disk.AddRange(records);
        for (var index = log.First; index <= log.Last; index++) _disk.Add(log[index]);
    }

    void IRaftOutside.Apply(ClusterRecord entry) => world.HearApplied(entry);

    void IRaftOutside.Restore(RaftSnapshot snapshot)
    {
    }

    void IRaftOutside.ServersChanged()
    {
    }

    void IRaftOutside.StateChanged()
    {
    }

    void IRaftOutside.Left()
    {
        HasLeft = true;
        Member = null;
    }

    void IRaftOutside.Say(string text)
    {
    }
}
