using Akka.Actor;
using Akka.Persistence;

namespace Fabric.ActorRuntime.Tests.Persistence;

internal sealed record Add(string Text);

internal sealed record AddAll(string[] Texts);

internal sealed record AddLater(string Text);

internal sealed record GetAll;

internal sealed record TakeSnapshot;

/// <summary>Keeps what it is told; the simplest persistent actor.</summary>
/// <remarks>
/// Hears:  <see cref="Add"/>, <see cref="AddAll"/>, <see cref="AddLater"/>, <see cref="GetAll"/>.
/// Says:   the text, once it is on disk; all texts; why recovery failed, to 'observer'.
/// Holds:  the texts.
/// Fails:  never by itself.
/// </remarks>
internal sealed class LedgerActor : ReceivePersistentActor
{
    private readonly IActorRef _observer;
    private List<string> _texts = [];

    public LedgerActor(string id, IActorRef observer)
    {
        PersistenceId = id;
        _observer = observer;
        Recover<string>(text => _texts.Add(text));
        Recover<SnapshotOffer>(offer => _texts = [.. ((string)offer.Snapshot).Split('|')]);
        Command<Add>(add => Persist(add.Text, Stored));
        Command<AddAll>(add => PersistAll(add.Texts, Stored));
        Command<AddLater>(add =>
        {
            PersistAsync(add.Text, Stored);
            DeferAsync("deferred " + add.Text, text => Sender.Tell(text));
        });
        Command<GetAll>(_ => Sender.Tell(string.Join(",", _texts)));
        Command<TakeSnapshot>(_ => SaveSnapshot(string.Join("|", _texts)));
        Command<SaveSnapshotSuccess>(done =>
        {
            DeleteMessages(done.Metadata.SequenceNr);
            _observer.Tell("snapshot " + done.Metadata.SequenceNr);
        });
        Command<DeleteMessagesSuccess>(done => _observer.Tell("deleted " + done.ToSequenceNr));
    }

    public override string PersistenceId { get; }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
        _observer.Tell(reason);

    private void Stored(string text)
    {
        _texts.Add(text);
        Sender.Tell(text);
    }
}
