using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using static System.Threading.Tasks.TaskCreationOptions;

namespace Fabric.ActorRuntime.Tests.Persistence;

/// <summary>In which order a journal answers.</summary>
public sealed class JournalOrderTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <remarks>
    /// Goal: a batch with nothing to store is not answered before the write ahead of it. Method:
    /// the store is still busy with the first batch when the journal has seen the second one.
    /// </remarks>
    [Fact]
    public async Task Deferred_handlers_never_overtake_the_answers_to_writes()
    {
        using var system = ActorSystem.Create("order", ConfigurationFactory.ParseString(
            $"slow.class = \"{typeof(SlowJournal).AssemblyQualifiedName}\""));
        var journal = Akka.Persistence.Persistence.Instance.Apply(system).JournalFor("slow");
        var heard = new BlockingCollection<object>();
        var writer = system.ActorOf(Props.Create(() => new Writer(heard)));

        journal.Tell(new WriteMessages([new AtomicWrite(
            new Persistent("event", 1, "writer", null, false, writer))], writer, 1));
        journal.Tell(new WriteMessages([new NonPersistentMessage("deferred", writer)], writer, 1));
        await journal.Ask<ActorIdentity>(new Identify(1), Patience);
        SlowJournal.Stored.SetResult(null);

        object[] order =
        [
            typeof(WriteMessagesSuccessful), typeof(WriteMessageSuccess),
            typeof(WriteMessagesSuccessful), typeof(LoopMessageSuccess),
        ];
        foreach (var answer in order)
        {
            Assert.True(heard.TryTake(out var message, Patience));
            Assert.Equal(answer, message.GetType());
        }
    }

    /// <summary>A store that is as slow as the test wants.</summary>
    private sealed class SlowJournal : AsyncWriteJournal
    {
        public static TaskCompletionSource<IImmutableList<Exception>?> Stored { get; } =
            new(RunContinuationsAsynchronously);

        public override Task ReplayMessagesAsync(
            IActorContext context,
            string persistenceId,
            long fromSequenceNr,
            long toSequenceNr,
            long max,
            Action<IPersistentRepresentation> recoveryCallback) => Task.CompletedTask;

        public override Task<long> ReadHighestSequenceNrAsync(
            string persistenceId, long fromSequenceNr) => Task.FromResult(0L);

        protected override Task<IImmutableList<Exception>> WriteMessagesAsync(
            IEnumerable<AtomicWrite> messages) => Stored.Task!;

        protected override Task DeleteMessagesToAsync(
            string persistenceId, long toSequenceNr) => Task.CompletedTask;
    }

    private sealed class Writer : ReceiveActor
    {
        public Writer(BlockingCollection<object> heard) => ReceiveAny(heard.Add);
    }
}
