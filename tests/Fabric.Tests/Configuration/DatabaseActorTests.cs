using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

/// <summary>A database on the SQLite journal.</summary>
public sealed class DatabaseActorTests : TestKit
{
    private readonly string _directory;

    public DatabaseActorTests()
        : this(Directory.CreateTempSubdirectory("fabric-journal-").FullName)
    {
    }

    private DatabaseActorTests(string directory)
        : base(ConfigOf($"{directory}/journal.db")) => _directory = directory;

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void A_transaction_is_told_to_subscribers_before_its_answer()
    {
        var database = Start("order");
        database.Tell(new SubscribeDatabase(TestActor));
        ExpectMsg<DatabaseChanged>(changed => changed.Changes.IsEmpty);

        database.Tell(Insert(1, "ls0"));

        ExpectMsg<DatabaseChanged>(changed => changed.Changes.Length == 1);
        ExpectMsg<TransactCompleted>(completed => completed is { RequestId: 1, Error: null });
    }

    [Fact]
    public void What_was_acknowledged_is_there_after_a_restart()
    {
        var database = Start("restart");
        for (var i = 0; i < 50; i++) database.Tell(Insert(i, $"ls{i}"));
        ReceiveN(50, TimeSpan.FromSeconds(10));
        Watch(database);
        Sys.Stop(database);
        ExpectTerminated(database);

        var again = Start("restart");
        again.Tell(new SubscribeDatabase(TestActor));

        var state = ExpectMsg<DatabaseChanged>(TimeSpan.FromSeconds(10)).After;
        Assert.Equal(50, state.Table("Logical_Switch").Count);
        Assert.NotEqual(Guid.Empty, state.TransactionId);
    }

    [Fact]
    public void Snapshots_take_the_place_of_old_events()
    {
        var database = Start("snapshots");
        for (var i = 0; i < 4500; i++) database.Tell(Insert(i, $"ls{i % 10}"));
        ReceiveN(4500, TimeSpan.FromSeconds(60));
        Watch(database);
        Sys.Stop(database);
        ExpectTerminated(database);

        Start("snapshots").Tell(new SubscribeDatabase(TestActor));

        var state = ExpectMsg<DatabaseChanged>(TimeSpan.FromSeconds(20)).After;
        Assert.Equal(4500, state.Table("Logical_Switch").Count);
    }

    [Fact]
    public void A_wait_times_out_and_another_is_met_by_a_later_transaction()
    {
        var database = Start("wait");
        database.Tell(new Transact(1, [WaitFor("x", 50)]));
        ExpectMsg<TransactCompleted>(completed => completed.Error?.Tag == "timed out");

        database.Tell(new Transact(2, [WaitFor("y", null)]));
        database.Tell(Insert(3, "y"));

        ExpectMsg<TransactCompleted>(completed => completed is { RequestId: 3, Error: null });
        ExpectMsg<TransactCompleted>(completed => completed is { RequestId: 2, Error: null });
    }

    [Fact]
    public void Refused_transactions_leave_nothing_and_keep_their_place_in_line()
    {
        var database = Start("refused");
        database.Tell(Insert(1, "a"));
        database.Tell(new Transact(2, [Operation.Abort.Instance]));
        database.Tell(Insert(3, "b"));

        Assert.Equal(
            [1L, 2L, 3L],
            ReceiveN(3, TimeSpan.FromSeconds(5)).Cast<TransactCompleted>()
                .Select(completed => completed.RequestId));
    }

    private static Operation.Wait WaitFor(string name, long? timeout) => new(
        "Logical_Switch", [Condition.Equal("name", name)], ["name"], IsEqual: true,
        [[new ColumnValue("name", name)]], timeout);

    private IActorRef Start(string name) => Sys.ActorOf(DatabaseActor.Props(
        NorthboundSchema.Schema, name, TimeProvider.System, Guid.NewGuid));

    private static Transact Insert(long requestId, string name) =>
        new(requestId, [new Operation.Insert("Logical_Switch", [new ColumnValue("name", name)])]);

    private static Config ConfigOf(string path) => ConfigurationFactory.ParseString(
        NorthboundStore.Sqlite(path) + DatabaseSerializer.Configuration);
}
