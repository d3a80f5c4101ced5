using System.Data.Common;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Sql;
using Microsoft.Data.Sqlite;

namespace Fabric.ActorRuntime.Tests.Persistence;

public sealed class SqlitePersistenceTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("journal").FullName;

    private string File1 => Path.Combine(_directory, "state.db");

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        await Run(async system =>
        {
            var ledger = Ledger(system, "a");
            Assert.Equal("one", await ledger.Ask<string>(new Add("one"), Patience));
            Assert.Equal("two", await ledger.Ask<string>(new Add("two"), Patience));
        });
        await Run(async system =>
        {
            var ledger = Ledger(system, "a");
            Assert.Equal("one,two", await ledger.Ask<string>(new GetAll(), Patience));
            await ledger.Ask<string>(new Add("three"), Patience);
        });
        await Run(async system => Assert.Equal(
            "one,two,three", await Ledger(system, "a").Ask<string>(new GetAll(), Patience)));
    }

    [Fact]
    public async Task Snapshots_replace_the_events_that_they_hold()
    {
        await Run(StoreASnapshotAndAnEvent);
        Assert.Equal(1L, Scalar("SELECT COUNT(*) FROM journal"));
        await Run(async system => Assert.Equal(
            "a,b,c", await Ledger(system, "s").Ask<string>(new GetAll(), Patience)));
    }

    [Fact]
    public async Task Deferred_handlers_run_after_the_events_before_them()
    {
        await Run(async system =>
        {
            var ledger = Ledger(system, "d");
            var first = await ledger.Ask<string>(new AddLater("x"), Patience);
            Assert.Equal("x", first);
        });
    }

    [Theory]
    [InlineData("UPDATE journal SET message = X'00' WHERE sequence_number = 2", "checksum")]
    [InlineData("UPDATE journal SET manifest = 'L' WHERE sequence_number = 2", "checksum")]
    [InlineData("UPDATE journal SET message = 'text' WHERE sequence_number = 2", "checksum")]
    [InlineData("UPDATE journal SET identifier = 'x' WHERE sequence_number = 2", "checksum")]
    [InlineData("DELETE FROM journal WHERE sequence_number = 2", "missing")]
    public async Task A_corrupted_row_stops_recovery_and_says_where(string damage, string reason)
    {
        await Run(async system =>
        {
            var ledger = Ledger(system, "c");
            foreach (var text in new[] { "1", "2", "3" })
            {
                await ledger.Ask<string>(new Add(text), Patience);
            }
        });
        Scalar(damage);
        await Run(async system =>
        {
            var failure = new TaskCompletionSource<Exception>();
            var observer = system.ActorOf(Props.Create(() => new FailureRelay(failure)));
            Ledger(system, "c", observer);
            var cause = await failure.Task.WaitAsync(Patience);
            var corrupted = Assert.IsType<CorruptedEventException>(cause);
            Assert.Equal(2, corrupted.SequenceNr);
            Assert.Contains(reason, corrupted.Message, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("UPDATE snapshot SET snapshot = X'00'")]
    [InlineData("UPDATE snapshot SET snapshot = 'text'")]
    [InlineData("UPDATE snapshot SET manifest = 'L'")]
    [InlineData("UPDATE snapshot SET checksum = 1")]
    public async Task A_damaged_snapshot_stops_recovery_and_says_where(string damage)
    {
        await Run(StoreASnapshotAndAnEvent);
        Scalar(damage);
        await Run(async system =>
        {
            var failure = new TaskCompletionSource<Exception>();
            var observer = system.ActorOf(Props.Create(() => new FailureRelay(failure)));
            Ledger(system, "s", observer);
            var cause = await failure.Task.WaitAsync(Patience);
            var corrupted = Assert.IsType<CorruptedEventException>(cause);
            Assert.Equal(2, corrupted.SequenceNr);
            Assert.Contains("has a snapshot", corrupted.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Events_without_serializer_are_rejected_and_the_actor_goes_on()
    {
        await Run(async system =>
        {
            var rejected = new TaskCompletionSource<string>();
            var actor = system.ActorOf(Props.Create(() => new Unserialisable(rejected)));
            actor.Tell("bad");
            Assert.Contains("No serializer", await rejected.Task.WaitAsync(Patience),
                StringComparison.Ordinal);
            Assert.Equal("good", await actor.Ask<string>("good", Patience));
        });
    }

    [Fact]
    public async Task Databases_are_not_readable_by_others()
    {
        if (OperatingSystem.IsWindows()) return;
        await Run(async system => await Ledger(system, "m").Ask<string>(new Add("x"), Patience));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
            File.GetUnixFileMode(File1));
    }

    /// <remarks>
    /// Goal: however many wait, the disk is flushed once for all of them. Method: while one
    /// transaction is held open, fifty writes come.
    /// </remarks>
    [Fact]
    public async Task Writers_that_wait_share_commits()
    {
        using var worker = new SqlWorker(
            new SqlDialect("SQLite.MS", $"Data Source={File1}"), "test");
        using var gate = new ManualResetEventSlim();
        var isBusy = new TaskCompletionSource();
        var first = worker.Write((_, _) =>
        {
            isBusy.SetResult();
            gate.Wait(Patience);
        });
        await isBusy.Task.WaitAsync(Patience);
        var others = Enumerable.Range(0, 50).Select(number => worker.Write(
            (connection, transaction) => Execute(
                connection, transaction, $"CREATE TABLE t{number} (x INTEGER)"))).ToList();
        gate.Set();
        await Task.WhenAll([first, .. others]).WaitAsync(Patience);
        Assert.Equal(2, worker.CommitCount);
        Assert.Equal(50, Scalar(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name GLOB 't[0-9]*'"));
    }

    /// <summary>
    /// Of ledger "s": a snapshot of "a" and "b", whose events are deleted, and "c".
    /// </summary>
    private static async Task StoreASnapshotAndAnEvent(ActorSystem system)
    {
        var inbox = new TaskCompletionSource<string>();
        var observer = system.ActorOf(Props.Create(() => new Relay(inbox, "deleted 2")));
        var ledger = Ledger(system, "s", observer);
        await ledger.Ask<string>(new AddAll(["a", "b"]), Patience);
        ledger.Tell(new TakeSnapshot());
        await inbox.Task.WaitAsync(Patience);
        await ledger.Ask<string>(new Add("c"), Patience);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static IActorRef Ledger(ActorSystem system, string id, IActorRef? observer = null)
    {
        var to = observer ?? system.DeadLetters;
        return system.ActorOf(Props.Create(() => new LedgerActor(id, to)), id);
    }

    private async Task Run(Func<ActorSystem, Task> test)
    {
        var system = ActorSystem.Create("p", ConfigurationFactory.ParseString($$"""
            akka.loglevel = WARNING
            akka.persistence.journal.plugin = "akka.persistence.journal.sql"
            akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.sql"
            akka.persistence.journal.sql {
              connection-string = "Data Source={{File1}}", provider-name = "SQLite.MS" }
            akka.persistence.snapshot-store.sql {
              connection-string = "Data Source={{File1}}", provider-name = "SQLite.MS" }
            """));
        try
        {
            await test(system);
        }
        finally
        {
            await system.Terminate();
        }
    }

    private long Scalar(string text)
    {
        using var connection = new SqliteConnection($"Data Source={File1};Pooling=False");
        connection.Open();
        return Execute(connection, null, text) is long value ? value : 0;
    }

    private static object? Execute(
        DbConnection connection, DbTransaction? transaction, string text)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = text;
        return command.ExecuteScalar();
    }

    private sealed class Relay : ReceiveActor
    {
        public Relay(TaskCompletionSource<string> inbox, string wanted) =>
            Receive<string>(text =>
            {
                if (text == wanted) inbox.TrySetResult(text);
            });
    }

    private sealed class FailureRelay : ReceiveActor
    {
        public FailureRelay(TaskCompletionSource<Exception> inbox) =>
            Receive<Exception>(cause => inbox.TrySetResult(cause));
    }

    private sealed class Unserialisable : ReceivePersistentActor
    {
        private readonly TaskCompletionSource<string> _rejected;

        public Unserialisable(TaskCompletionSource<string> rejected)
        {
            _rejected = rejected;
            Recover<string>(_ => { });
            Command<string>(text =>
            {
                if (text == "bad") Persist(new object(), _ => { });
                else Persist(text, stored => Sender.Tell(stored));
            });
        }

        public override string PersistenceId => "unserialisable";

        protected override void OnPersistRejected(Exception cause, object @event,
            long sequenceNr) =>
            _rejected.TrySetResult(cause.Message);
    }
}
