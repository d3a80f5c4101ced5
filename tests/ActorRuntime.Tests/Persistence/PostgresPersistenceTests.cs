using Akka.Actor;
using Akka.Configuration;
using Npgsql;

namespace Fabric.ActorRuntime.Tests.Persistence;

public sealed class PostgresPersistenceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [PostgresFact]
    public async Task Events_and_snapshots_survive_a_restart()
    {
        using var server = new PostgresServer();
        await Run(server, async ledger =>
        {
            for (var i = 0; i < 20; i++)
            {
                await ledger.Ask<string>(new Add("e" + i), Patience);
            }
        });
        await Run(server, async ledger =>
        {
            var all = await ledger.Ask<string>(new GetAll(), Patience);
            Assert.Equal(20, all.Split(',').Length);
            ledger.Tell(new TakeSnapshot());
            await ledger.Ask<string>(new Add("last"), Patience);
        });
        await Run(server, async ledger =>
        {
            var all = await ledger.Ask<string>(new GetAll(), Patience);
            Assert.Equal(21, all.Split(',').Length);
            Assert.EndsWith("last", all, StringComparison.Ordinal);
        });
    }

    /// <remarks>Goal: a connection that broke is opened again for the next event.</remarks>
    [PostgresFact]
    public async Task A_lost_connection_is_opened_again()
    {
        using var server = new PostgresServer();
        await Run(server, async ledger => await ledger.Ask<string>(new Add("a"), Patience));
        await Run(server, async ledger =>
        {
            await ledger.Ask<string>(new GetAll(), Patience);
            await using var connection = new NpgsqlConnection(server.ConnectionString);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                + "WHERE pid <> pg_backend_pid() AND usename = 'fabric'", connection);
            await command.ExecuteNonQueryAsync();
            // The write that meets the broken connection fails, and its actor stops; what it
            // had acknowledged is there when it is started again.
            ledger.Tell(new Add("lost"));
        });
        await Run(server, async ledger =>
        {
            await ledger.Ask<string>(new Add("b"), Patience);
            var all = await ledger.Ask<string>(new GetAll(), Patience);
            Assert.StartsWith("a", all, StringComparison.Ordinal);
            Assert.EndsWith("b", all, StringComparison.Ordinal);
        });
    }

    private static async Task Run(PostgresServer server, Func<IActorRef, Task> test)
    {
        var sql = $"{{ connection-string = \"{server.ConnectionString}\", "
            + "provider-name = \"PostgreSQL.15\" }";
        var system = ActorSystem.Create("p", ConfigurationFactory.ParseString($"""
            akka.loglevel = OFF
            akka.persistence.journal.plugin = "akka.persistence.journal.sql"
            akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.sql"
            akka.persistence.journal.sql {sql}
            akka.persistence.snapshot-store.sql {sql}
            """));
        try
        {
            var nobody = system.DeadLetters;
            await test(system.ActorOf(Props.Create(() => new LedgerActor("pg", nobody))));
        }
        finally
        {
            await system.Terminate();
        }
    }
}
