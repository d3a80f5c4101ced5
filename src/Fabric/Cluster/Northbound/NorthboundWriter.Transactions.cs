using System.Collections.Immutable;
using System.Text.Json;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

public sealed partial class NorthboundWriter
{
    private const string NbGlobalTable = "NB_Global";

    private void Submit(string host, SubmitTransaction submission, TimeSpan now)
    {
        var request = submission.Request;
        if (_head is { } head && head.Origins.Contains(request)) return; // The log answers.
        var isKnown = _waiting.ContainsKey(NameOf(request));
        var isServing = _head is not null && _log.Phase == LogWriterPhase.Serving;
        if (isKnown || !isServing || !_log.HasQuorum(now))
        {
            Say(host, new SubmissionHeld(
                request, isKnown, _log.ReachableVoterCount(now), _log.Voters.Count));
            return;
        }

        if (TryRead(submission.Operations, out var operations))
        {
            Execute(host, new Waiting(submission, operations, now, now), now);
            return;
        }

        var error = new OvsdbError("syntax error", "The operations are not a JSON array.");
        Answer(host, request, [new OperationResult.Failed(error)], error);
    }

    private bool TryRead(ReadOnlyMemory<byte> json, out ImmutableArray<Operation> operations)
    {
        operations = [];
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Array) return false;
            JsonElement[] elements = [.. document.RootElement.EnumerateArray()];
            operations = OperationReader.Read(_around.Schema, elements, _around.NewUuid);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void Execute(string host, Waiting waiting, TimeSpan now)
    {
        var (submission, request) = (waiting.Submission, waiting.Submission.Request);
        var outcome = TransactionExecutor.Execute(
            _head!.Database, waiting.Operations,
            new TransactionContext(_around.NewUuid(), _around.NewUuid)
            {
                Origin = submission.Origin,
                WaitedMilliseconds = (long)(now - waiting.Since).TotalMilliseconds,
            });

        if (outcome.WaitMilliseconds is { } patience)
        {
            var due = waiting.Since + TimeSpan.FromMilliseconds(Math.Min(patience, int.MaxValue));
            _waiting[NameOf(request)] = waiting with { Due = due };
            Say(host, new SubmissionHeld(
                request, true, _log.ReachableVoterCount(now), _log.Voters.Count));
            return;
        }

        _waiting.Remove(NameOf(request));
        if (outcome.Delta is null) Answer(host, request, outcome.Results, outcome.Error);
        else Append(host, request, outcome, now);
    }

    private void Append(
        string host, RequestId request, TransactionOutcome outcome, TimeSpan now)
    {
        var keys = KeyPlanner.Plan(_head!.Keys, outcome.Snapshot, outcome.Changes);
        var entry = new TransactionEntry(request, outcome.Delta!, outcome.Results, keys);
        var body = entry.ToBytes();
        if (body.Length > LogLimits.BodySizeMax)
        {
            var error = new OvsdbError(
                "resources exhausted",
                $"transaction of {body.Length} bytes, at most {LogLimits.BodySizeMax} are taken");
            Answer(host, request, [new OperationResult.Failed(error)], error);
            return;
        }

        _log.Append(EntryKind.Transaction, body, now);
        _head = new NorthboundState(
            outcome.Snapshot, _head.Keys.Apply(keys), _head.Origins.Add(request));
        if (outcome.Changes.Any(change => change.Table == NbGlobalTable)) FollowNbCfg(now);
        Retry(now, isOnlyDue: false);
    }

    /// <summary>
    /// "wait" operations look again: after every change, or when their time is over.
    /// </summary>
    private void Retry(TimeSpan now, bool isOnlyDue)
    {
        foreach (var waiting in _waiting.Values.ToList())
        {
            var name = NameOf(waiting.Submission.Request);
            if ((isOnlyDue && waiting.Due > now) || !_waiting.ContainsKey(name)) continue;
            Execute(waiting.Submission.Request.HostId, waiting, now);
        }
    }

    /// <summary>A transaction of the writer itself.</summary>
    private void Decide(ImmutableArray<Operation> operations, TimeSpan now)
    {
        var outcome = TransactionExecutor.Execute(
            _head!.Database, operations,
            new TransactionContext(_around.NewUuid(), _around.NewUuid));
        if (outcome.Delta is not null)
            Append(_host, new RequestId("", 0, 0, 0), outcome, now);
    }

    private Row? NbGlobal() => _head?.Database.Table(NbGlobalTable).First;

    /// <summary>
    /// Keys are given in the transaction itself, so the southbound follows at once.
    /// </summary>
    private void FollowNbCfg(TimeSpan now)
    {
        if (NbGlobal() is not { } row) return;
        var wanted = row.GetInteger("nb_cfg");
        if (row.GetInteger("sb_cfg") != wanted)
        {
            var time = _around.UnixMilliseconds();
            Decide(
                [
                    Operation.UpdateRow(
                        NbGlobalTable, row.Uuid, new("sb_cfg", wanted),
                        new("nb_cfg_timestamp", time), new("sb_cfg_timestamp", time)),
                ],
                now);
        }

        CountApplied(now);
    }

    /// <summary>
    /// hv_cfg is what every host that is alive has applied; the dead do not count.
    /// </summary>
    private void CountApplied(TimeSpan now)
    {
        if (_log.Phase != LogWriterPhase.Serving || NbGlobal() is not { } row) return;
        var alive = _members.AliveHosts;
        if (alive.IsEmpty) return;
        var applied = Math.Min(
            row.GetInteger("nb_cfg"),
            alive.Min(host => _applied.GetValueOrDefault(host)));
        if (applied <= row.GetInteger("hv_cfg")) return;
        Decide(
            [
                Operation.UpdateRow(
                    NbGlobalTable, row.Uuid, new("hv_cfg", applied),
                    new("hv_cfg_timestamp", _around.UnixMilliseconds())),
            ],
            now);
    }

    private void Answer(
        string host, RequestId request, ImmutableArray<OperationResult> results,
        OvsdbError? error) =>
        Say(host, new SubmissionAnswered(request, results, error, _log.Last.Sequence));

    private void Say(string host, object message) =>
        _outbox.Add(new SendToHost(host, Addressee.Northbound, message));
}
