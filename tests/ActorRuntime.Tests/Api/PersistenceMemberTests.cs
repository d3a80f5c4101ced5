using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Akka.Persistence.Snapshot;
using Akka.Persistence.Sql.Journal;
using Akka.Persistence.Sql.Snapshot;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>Persistent actors' hooks and answers, and the protocol of plug-ins.</summary>
public sealed class PersistenceMemberTests() : TestKit(
    "akka.persistence.snapshot-store.plugin = \"akka.persistence.snapshot-store.inmem\"")
{
    [Fact]
    public void An_actor_tells_of_its_recovery_and_its_numbers()
    {
        Watch(Sys.ActorOf(Props.Create(() => new Diary("d", TestActor))));
        ExpectMsg("replayed");
        ExpectMsg((false, true, 0L, 0L));
        var diary = LastSender;
        diary.Tell("all");
        ExpectMsg(2L);
        diary.Tell("later");
        ExpectMsg("later");
        diary.Tell("snapshot");
        ExpectMsg<SaveSnapshotSuccess>(saved => saved.Metadata.PersistenceId == "d");
        diary.Tell("load");
        ExpectMsg(2L);
        diary.Tell("delete one");
        ExpectMsg<DeleteSnapshotSuccess>();
        diary.Tell("delete all");
        ExpectMsg<DeleteSnapshotsSuccess>();
        diary.Tell("switch");
        diary.Tell("x");
        ExpectMsg("on top");
        diary.Tell("y");
        ExpectMsg("below");
        diary.Tell(PoisonPill.Instance);
        ExpectMsg<Terminated>();
    }

    private sealed class Diary : ReceivePersistentActor
    {
        private readonly IActorRef _probe;

        public Diary(string id, IActorRef probe)
        {
            (PersistenceId, _probe) = (id, probe);
            JournalPluginId = "akka.persistence.journal.inmem";
            SnapshotPluginId = "akka.persistence.snapshot-store.inmem";
            RecoverAny(message =>
            {
                Assert.True(IsRecovering || message is RecoveryCompleted);
                if (message is RecoveryCompleted) Self.Tell("begin");
            });
            CommandAsync<string>(async text =>
            {
                await Task.Yield();
                Assert.Equal("akka.persistence.journal.inmem", JournalPluginId);
                Assert.EndsWith("inmem", SnapshotPluginId, StringComparison.Ordinal);
                _probe.Tell((IsRecovering, IsRecoveryFinished, LastSequenceNr, SnapshotSequenceNr));
            }, text => text == "begin");
            Command<string>(text => text == "all", _ => PersistAllAsync(["1", "2"], one =>
            {
                if (one == "2") _probe.Tell(LastSequenceNr);
            }));
            Command<string>(text => text == "later", text => DeferAsync(text, _probe.Tell));
            Command<string>(text => text == "snapshot", _ => SaveSnapshot("state"));
            Command<string>(text => text == "load", _ => LoadSnapshot(
                PersistenceId, SnapshotSelectionCriteria.Latest, long.MaxValue));
            Command<string>(text => text == "delete one", _ => DeleteSnapshot(2));
            Command<string>(text => text == "delete all", _ => DeleteSnapshots(
                SnapshotSelectionCriteria.Latest));
            Command<string>(text => text == "switch", _ =>
            {
                Become(() => CommandAny(_ => _probe.Tell("below")));
                BecomeStacked(() => CommandAnyAsync(async _ =>
                {
                    await Task.Yield();
                    _probe.Tell("on top");
                    UnbecomeStacked();
                }));
            });
            CommandAny(Answer);
        }

        public override string PersistenceId { get; }

        public override Recovery Recovery => Recovery.Default;

        private void Answer(object message)
        {
            Log.Debug("Hears {0}", message);
            if (message.GetType().Name.StartsWith("LoadSnapshot", StringComparison.Ordinal))
                _probe.Tell(LastSequenceNr);
            else _probe.Tell(message);
        }

        protected override void OnReplaySuccess() => _probe.Tell("replayed");
    }

    [Fact]
    public void An_untyped_actor_switches_too()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Plain(TestActor)));
        foreach (var hear in (string[])["first", "second", "third"])
        {
            actor.Tell("x");
            ExpectMsg(hear);
        }
    }

    private sealed class Plain(IActorRef probe) : UntypedPersistentActor
    {
        public override string PersistenceId => "plain";

        public override Recovery Recovery => Recovery.None;

        protected override void OnCommand(object message)
        {
            probe.Tell("first");
            Become(_ =>
            {
                probe.Tell("second");
                BecomeStacked(_ => probe.Tell("third"));
            });
            Assert.Same(Self, Context.Self);
        }

        protected override void OnRecover(object message) =>
            Assert.IsType<RecoveryCompleted>(message);
    }

    /// <remarks>Goal: another's journal fits. Method: one that fails every write.</remarks>
    [Fact]
    public void A_write_that_fails_stops_the_actor_after_its_hook()
    {
        var type = typeof(Refusing).AssemblyQualifiedName!.Split(", Version")[0];
        var system = ActorSystem.Create("refusing", ConfigurationFactory.ParseString(
            $"akka.persistence.journal {{ plugin = refusing }}\nrefusing.class = \"{type}\"")
            .WithFallback(Sys.Settings.Config));
        var probe = CreateTestProbe(system);
        probe.Watch(system.ActorOf(Props.Create(() => new Failing(probe.Ref))));
        probe.ExpectMsg("it is full");
        probe.ExpectMsg<Terminated>();
        Shutdown(system);
    }

    private sealed class Failing(IActorRef probe) : PersistentActor
    {
        public override string PersistenceId => "failing";

        protected override bool ReceiveRecover(object message)
        {
            if (message is RecoveryCompleted) Self.Tell("go");
            return true;
        }

        protected override bool ReceiveCommand(object message)
        {
            Persist("event", _ => { });
            return true;
        }

        protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
            probe.Tell(cause.Message);
    }

    private sealed class Refusing : AsyncWriteJournal
    {
        protected override bool ReceivePluginInternal(object message) =>
            message is string && ReceiveWriteJournal(message);

        protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr) =>
            Task.CompletedTask;

        public override Task<long> ReadHighestSequenceNrAsync(
            string persistenceId, long fromSequenceNr) => Task.FromResult(0L);

        public override Task ReplayMessagesAsync(
            IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr,
            long max, Action<IPersistentRepresentation> recoveryCallback) => Task.CompletedTask;

        protected override Task<System.Collections.Immutable.IImmutableList<Exception>>
            WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            var write = messages.Single();
            Assert.Equal("failing", write.PersistenceId);
            Assert.Equal((1L, 1L), (write.LowestSequenceNr, write.HighestSequenceNr));
            IPersistentEnvelope envelope = write;
            Assert.Equal(1, envelope.Size);
            Assert.NotNull(envelope.Payload);
            Assert.True(envelope.Sender.IsNobody());
            throw new IOException("it is full");
        }
    }

    private sealed class Store : SnapshotStore
    {
        protected override Task<SelectedSnapshot?> LoadAsync(
            string persistenceId, SnapshotSelectionCriteria criteria) =>
            Task.FromResult<SelectedSnapshot?>(null);

        protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot) =>
            Task.CompletedTask;

        protected override Task DeleteAsync(SnapshotMetadata metadata) => Task.CompletedTask;

        protected override Task DeleteAsync(
            string persistenceId, SnapshotSelectionCriteria criteria) => Task.CompletedTask;
    }

    [Fact]
    public void Plug_ins_are_actors()
    {
        var config = ConfigurationFactory.ParseString(
            "connection-string = \"Data Source=:memory:\", provider-name = \"SQLite.MS\"");
        foreach (var props in (Props[])
            [
                Props.Create(() => new MemoryJournal()), Props.Create(() => new Store()),
                Props.Create(() => new MemorySnapshotStore()),
                Props.Create(() => new LocalSnapshotStore(config)),
                Props.Create(() => new SqlWriteJournal(config)),
                Props.Create(() => new SqlSnapshotStore(config)),
            ])
        {
            Watch(Sys.ActorOf(props)).Tell(PoisonPill.Instance);
            ExpectMsg<Terminated>();
        }

        var extension = Akka.Persistence.Persistence.Instance.Apply(Sys);
        Assert.Same(extension.JournalFor(""), extension.JournalFor(null!));
        Assert.NotNull(extension.SnapshotStoreFor(""));
        Assert.Equal("/user/x", extension.PersistenceId(
            Sys.ActorOf(Props.Create(() => new Store()), "x")));
        Assert.NotNull(new PersistenceExtension((ExtendedActorSystem)Sys));
        Assert.Equal(0, SnapshotSelectionCriteria.None.MaxSequenceNr);
        IPersistentRepresentation one = new Persistent("p", 1, "id");
        Assert.Equal(("m", 5L, "q"), (one.WithManifest("m").Manifest,
            one.WithTimestamp(5).Timestamp, (string)one.WithPayload("q").Payload));
        Assert.Equal(7, one.Update(7, "id", false, TestActor, "w").SequenceNr);
    }
}
