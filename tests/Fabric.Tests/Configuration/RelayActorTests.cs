using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

/// <summary>A relay whose source changes under the hands of its clients.</summary>
public sealed class RelayActorTests : TestKit
{
    /// <remarks>
    /// Goal: nobody waits for ever. Method: a transaction and, right behind it, the news that the
    /// source has another schema, which ends the connection that the transaction went to.
    /// </remarks>
    [Fact]
    public void Every_transaction_is_answered_also_when_the_schema_changes()
    {
        const int Count = 200;
        Assert.True(OvsdbRemote.TryParse("unix:/nowhere/db.sock", out var remote));
        var relay = Sys.ActorOf(RelayActor.Props(
            "db", [remote], new TlsSource(), CreateTestProbe().Ref, TimeProvider.System));
        for (var i = 0; i < Count; i++)
        {
            relay.Tell(new Transact(i, [new Operation.Delete("Table", [])]));
            relay.Tell(new RemoteSchemaFound(new DatabaseSchema("db", "1.0.0", [])));
        }

        var answered = ReceiveN(Count, TimeSpan.FromSeconds(20)).Cast<TransactCompleted>()
            .Select(answer => answer.RequestId).Order();

        Assert.Equal(Enumerable.Range(0, Count).Select(i => (long)i), answered);
    }
}
