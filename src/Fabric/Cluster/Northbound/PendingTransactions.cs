using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>One transaction that a client of this endpoint waits for.</summary>
/// <param name="Client">Whom to answer; of no meaning here.</param>
/// <param name="ClientRequest">The client's own number.</param>
public sealed record PendingTransaction(
    long Number, object Client, long ClientRequest, int OperationCount,
    ReadOnlyMemory<byte> Operations, TransactionOrigin Origin, TimeSpan Since)
{
    /// <summary>When it was last sent to the writer.</summary>
    public TimeSpan? SentAt { get; init; }

    /// <summary>What the writer said last.</summary>
    public SubmissionHeld? Held { get; init; }

    /// <summary>Answered; the client hears it when this endpoint has applied as much.</summary>
    public SubmissionAnswered? Answer { get; init; }
}

/// <summary>What an endpoint knows when it decides that waiting is over.</summary>
/// <param name="ReachableVoters">By this host's own view of membership.</param>
public readonly record struct QuorumView(int ReachableVoters, int Voters)
{
    public bool HasMajority => ReachableVoters > Voters / 2;
}

/// <summary>
/// The transactions of one endpoint that are not answered yet. No clock of its own.
/// </summary>
public sealed class PendingTransactions(string host, LogTimes times)
{
    private readonly SortedDictionary<long, PendingTransaction> _open = [];
    private long _last;

    /// <summary>Of this endpoint; higher than that of any before it.</summary>
    public long Incarnation { get; set; }

    public int Count => _open.Count;

    /// <returns>Null when the endpoint is full.</returns>
    public PendingTransaction? Add(
        object client, Transact transact, ReadOnlyMemory<byte> operations, TimeSpan now)
    {
        if (_open.Count >= LogLimits.PendingTransactionCountMax) return null;
        var pending = new PendingTransaction(
            ++_last, client, transact.RequestId, transact.Operations.Length, operations,
            transact.Origin, now);
        _open.Add(pending.Number, pending);
        return pending;
    }

    public RequestId IdOf(long number) => new(
        host, Incarnation, number, _open.Count == 0 ? _last + 1 : _open.Keys.First());

    public bool IsOwn(RequestId id) => id.HostId == host && id.Incarnation == Incarnation;

    public PendingTransaction? Find(object client, long clientRequest) => _open.Values
        .FirstOrDefault(one => one.ClientRequest == clientRequest && one.Client.Equals(client));

    public PendingTransaction? Take(RequestId id)
    {
        if (!IsOwn(id) || !_open.Remove(id.Number, out var pending)) return null;
        return pending;
    }

    public void Hold(SubmissionHeld held)
    {
        if (IsOwn(held.Request) && _open.TryGetValue(held.Request.Number, out var pending))
            _open[pending.Number] = pending with { Held = held };
    }

    public void Answer(SubmissionAnswered answer)
    {
        if (IsOwn(answer.Request) && _open.TryGetValue(answer.Request.Number, out var pending))
            _open[pending.Number] = pending with { Answer = answer };
    }

    /// <summary>Those whose answer may be given now, in order; they are taken out.</summary>
    public ImmutableArray<PendingTransaction> TakeAnswered(long applied)
    {
        var ready = _open.Values
            .Where(one => one.Answer is { } answer && answer.AfterSequence <= applied)
            .ToImmutableArray();
        foreach (var one in ready) _open.Remove(one.Number);
        return ready;
    }

    /// <summary>Those to send, for the first time or again; they count as sent.</summary>
    public ImmutableArray<PendingTransaction> TakeDue(TimeSpan now)
    {
        var due = _open.Values
            .Where(one => one.Answer is null
                && (one.SentAt is not { } sent || now - sent >= times.Retry))
            .ToImmutableArray();
        foreach (var one in due) _open[one.Number] = one with { SentAt = now };
        return due;
    }

    /// <summary>Those that an image already holds; they are taken out.</summary>
    public ImmutableArray<PendingTransaction> TakeUnder(Origins origins)
    {
        var held = _open.Values.Where(one => origins.Contains(IdOf(one.Number)))
            .ToImmutableArray();
        foreach (var one in held) _open.Remove(one.Number);
        return held;
    }

    /// <summary>All shall be sent at once: there is a new writer.</summary>
    public void SendAllAgain()
    {
        foreach (var one in _open.Values.ToList()) _open[one.Number] = one with { SentAt = null };
    }

    /// <summary>Those that have waited too long, with the reason; they are taken out.</summary>
    public ImmutableArray<(PendingTransaction, OvsdbError)> TakeExpired(
        QuorumView view, TimeSpan now)
    {
        var expired = ImmutableArray.CreateBuilder<(PendingTransaction, OvsdbError)>();
        foreach (var one in _open.Values.ToList())
        {
            if (one.Answer is not null || one.Held is { IsWaiting: true }) continue;
            var seen = one.Held is { Voters: > 0 } held
                && held.ReachableVoters < view.ReachableVoters
                ? new QuorumView(held.ReachableVoters, held.Voters)
                : view;
            var patience = seen.HasMajority ? times.NoWriter : times.NoQuorum;
            if (now - one.Since < patience) continue;
            _open.Remove(one.Number);
            expired.Add((one, ErrorOf(seen)));
        }

        return expired.ToImmutable();
    }

    private static OvsdbError ErrorOf(QuorumView view) => new(
        "resources exhausted",
        view.Voters == 0
            ? "no quorum: this host has not joined a cluster yet"
            : view.HasMajority
                ? $"no writer: {view.ReachableVoters} of {view.Voters} voters reachable"
                : $"no quorum: {view.ReachableVoters} of {view.Voters} voters reachable");
}
