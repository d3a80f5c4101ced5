using Akka.Actor;
using Akka.Event;

namespace Fabric.Cluster;

/// <summary>Lets PostgreSQL answer the writer beside it.</summary>
/// <remarks>
/// Hears:  <see cref="ILogMessage"/> from the writer, its parent; its own results.
/// Says:   <see cref="HostDelivered"/> with the answer, to its parent.
/// Holds:  at most 64 messages that wait; what comes while they do is dropped, for the writer says
///         everything again.
/// Fails:  never: while the database cannot be reached there are no answers, and so no majority.
///         An entry that was changed in the database is logged with its number, and not answered.
/// </remarks>
public sealed class SqlVoterActor : ReceiveActor
{
    private const int WaitingCountMax = 64;

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<ILogMessage> _waiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SqlLogStore _store;
    private string? _problem;
    private bool _isBusy;

    public SqlVoterActor(string connection, string name, Func<Guid> newUuid)
    {
        _store = new SqlLogStore(connection, name, newUuid);
        Receive<ILogMessage>(message =>
        {
            if (_waiting.Count < WaitingCountMax) _waiting.Enqueue(message);
            Continue();
        });
        Receive<Answered>(answered =>
        {
            if (answered.Message is { } message)
                Context.Parent.Tell(new HostDelivered(
                    SqlVoter.HostId, Addressee.Writer, message));
            Report(null);
            _isBusy = false;
            Continue();
        });
        Receive<Status.Failure>(failure =>
        {
            Report(failure.Cause.Message);
            _isBusy = false;
            Continue();
        });
    }

    public static Props Props(string connection, string name, Func<Guid> newUuid) =>
        Akka.Actor.Props.Create(() => new SqlVoterActor(connection, name, newUuid));

    private sealed record Answered(ILogMessage? Message);

    protected override void PostStop()
    {
        _stop.Cancel();
        _ = _store.DisposeAsync();
    }

    private void Continue()
    {
        if (_isBusy || !_waiting.TryDequeue(out var next)) return;
        _isBusy = true;
        _store.DecideAsync(next, _stop.Token).PipeTo(
            Self, success: message => new Answered(message));
    }

    /// <summary>Once for each problem, and once when it is over.</summary>
    private void Report(string? problem)
    {
        if (problem == _problem) return;
        _problem = problem;
        if (problem is null) _log.Info("The northbound's PostgreSQL answers");
        else _log.Error("The northbound's PostgreSQL: {0}", problem);
    }
}
