using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Snapshot;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Persistence;

/// <summary>What follows when a store says no.</summary>
public sealed class FailedWriteTests() : TestKit(ConfigurationFactory.ParseString(
    $$"""
    akka.loglevel = OFF
    akka.persistence.journal.plugin = refusing
    refusing.class = "{{typeof(RefusingJournal).AssemblyQualifiedName}}"
    throwing.class = "{{typeof(ThrowingStore).AssemblyQualifiedName}}"
    """))
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static Akka.Persistence.PersistenceExtension Stores(ActorSystem system) =>
        Akka.Persistence.Persistence.Instance.Apply(system);

    /// <remarks>
    /// Goal: no event is written behind one that failed, which would leave a gap. Method: another
    /// command comes between the journal's word that the write failed and that of its event.
    /// </remarks>
    [Fact]
    public void Nothing_is_written_behind_an_event_that_failed()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Counter()));
        Watch(actor);
        actor.Tell("one");
        ExpectTerminated(actor, Patience);
        var journal = Stores(Sys).JournalFor("refusing");
        journal.Tell("how many writes?", TestActor);
        ExpectMsg(1, Patience);
    }

    [Fact]
    public void A_snapshot_store_that_throws_at_once_answers_that_it_failed()
    {
        var store = Stores(Sys).SnapshotStoreFor("throwing");
        var metadata = new SnapshotMetadata("id", 1);
        store.Tell(new SaveSnapshot(metadata, "state"), TestActor);
        Assert.IsType<IOException>(ExpectMsg<SaveSnapshotFailure>(Patience).Cause);
        store.Tell(new LoadSnapshot("id", SnapshotSelectionCriteria.Latest, 1), TestActor);
        Assert.IsType<IOException>(ExpectMsg<LoadSnapshotFailed>(Patience).Cause);
    }

    private sealed class Counter : ReceivePersistentActor
    {
        public override string PersistenceId => "counter";

        public Counter()
        {
            Command<string>(text => PersistAsync(text, _ => { }));
            Recover<string>(_ => { });
        }
    }

    private sealed class RefusingJournal : ReceiveActor
    {
        public RefusingJournal()
        {
            var writeCount = 0;
            Receive<ReplayMessages>(replay =>
                replay.PersistentActor.Tell(new RecoverySuccess(0)));
            Receive<WriteMessages>(write =>
            {
                writeCount++;
                var (to, id) = (write.PersistentActor, write.ActorInstanceId);
                var full = new IOException("No space left on device");
                to.Tell(new WriteMessagesFailed(full, id));
                to.Tell("another");
                foreach (var one in write.Messages.OfType<AtomicWrite>().SelectMany(w => w.Events))
                    to.Tell(new WriteMessageFailure(one, full, id));
            });
            Receive<string>(_ => Sender.Tell(writeCount));
        }
    }

    private sealed class ThrowingStore : SnapshotStore
    {
        private static IOException Full => new("No space left on device");

        protected override Task<SelectedSnapshot> LoadAsync(
            string persistenceId, SnapshotSelectionCriteria criteria) => throw Full;

        protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot) =>
            throw Full;

        protected override Task DeleteAsync(SnapshotMetadata metadata) => throw Full;

        protected override Task DeleteAsync(
            string persistenceId, SnapshotSelectionCriteria criteria) => throw Full;
    }
}
