using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Coordination;
using Fabric.ActorRuntime.Tests.Persistence;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;
using Npgsql;

namespace Fabric.Tests;

/// <summary>The northbound's log in a real PostgreSQL, its fence, and the lease.</summary>
public sealed class PostgresNorthboundTests
{
    private static readonly WriterId First = new("h1", 1);
    private static readonly WriterId Second = new("h2", 2);

    /// <remarks>
    /// Goal: to the protocol the table is a replica. Method: the same random messages to it and to
    /// a replica in memory; the answers must be of the same kind, with the same terms and places.
    /// </remarks>
    [PostgresFact]
    public async Task The_table_answers_as_a_replica_does()
    {
        using var server = new PostgresServer();
        await using var store = new SqlLogStore(server.ConnectionString, "fabric", Guid.NewGuid);
        var described = (LogDescribed)await Ask(store, DescribeLog.Instance);
        var replica = new LogReplica();
        replica.Apply(new LogFounded(described.LogId, SqlVoter.Alone));
        var random = new Random(5);
        var kinds = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 400; i++)
        {
            var message = Random(random, replica);
            var decision = replica.Decide(message);
            foreach (var change in decision.Events) replica.Apply(change);
            var answer = await Ask(store, message);
            // How far back a writer has to go may be said in smaller steps.
            if (decision.Reply is AppendGap && answer is AppendGap) continue;
            Assert.Equal(TextOf(decision.Reply), TextOf(answer));
            kinds.Add(answer.GetType().Name);
        }

        Assert.Superset(
            new HashSet<string>
            {
                nameof(EntriesAppended), nameof(TermRefused), nameof(TermPromised),
                nameof(EntriesFetched), nameof(LogDescribed),
            },
            new HashSet<string>(kinds));
    }

    [PostgresFact]
    public async Task A_writer_of_an_older_term_changes_nothing()
    {
        using var server = new PostgresServer();
        await using var one = new SqlLogStore(server.ConnectionString, "fabric", Guid.NewGuid);
        await using var two = new SqlLogStore(server.ConnectionString, "fabric", Guid.NewGuid);
        var log = ((LogDescribed)await Ask(one, DescribeLog.Instance)).LogId;
        Assert.IsType<TermPromised>(await Ask(one, new PrepareTerm(log, 1, First)));
        Assert.IsType<EntriesAppended>(await Ask(one, Append(log, 1, First, default, 1, 1)));
        Assert.IsType<TermPromised>(await Ask(two, new PrepareTerm(log, 2, Second)));
        var late = Append(log, 1, First, new EntryId(1, 1), 1, 1);
        Assert.Equal(new TermRefused(1, 2), await Ask(one, late));
        Assert.Equal(new TermRefused(2, 2), await Ask(one, new PrepareTerm(log, 2, First)));
        var state = (LogDescribed)await Ask(two, DescribeLog.Instance);
        Assert.Equal(new EntryId(1, 1), state.Last);
        Assert.Equal(2, state.PromisedTerm);
    }

    [PostgresFact]
    public async Task A_changed_row_is_named_and_not_read()
    {
        using var server = new PostgresServer();
        await using var store = new SqlLogStore(server.ConnectionString, "fabric", Guid.NewGuid);
        var log = ((LogDescribed)await Ask(store, DescribeLog.Instance)).LogId;
        await Ask(store, Append(log, 1, First, default, 1, 3));
        await ExecuteAsync(
            server, "UPDATE northbound_entry SET body = 'x'::bytea WHERE sequence = 2");
        var damaged = await Assert.ThrowsAsync<DamagedLogException>(
            () => Ask(store, new FetchEntries(1, 0)));
        Assert.Contains("Entry 2 of the northbound 'fabric'", damaged.Message);
    }

    [PostgresFact]
    public async Task An_image_stands_for_the_entries_before_it()
    {
        using var server = new PostgresServer();
        await using var store = new SqlLogStore(server.ConnectionString, "fabric", Guid.NewGuid);
        var log = ((LogDescribed)await Ask(store, DescribeLog.Instance)).LogId;
        await Ask(store, Append(log, 1, First, default, 1, 5));
        byte[] image = [1, 2, 3];
        Assert.Equal(
            new EntriesAppended(1, 3),
            await Ask(store, new InstallImage(
                log, 1, First, new EntryId(1, 3), SqlVoter.Alone, image)));
        var fetched = (ImageFetched)await Ask(store, new FetchEntries(1, 0));
        Assert.Equal(image, fetched.Image.ToArray());
        var rest = (EntriesFetched)await Ask(store, new FetchEntries(1, 3));
        Assert.Equal([4L, 5L], rest.Entries.Select(entry => entry.Id.Sequence));
    }

    [PostgresFact]
    public async Task Hosts_write_through_the_database_and_survive_the_writers_death()
    {
        using var server = new PostgresServer();
        using var hosts = new ClusteredHosts("a", "b", "c")
        {
            NorthboundConnection = server.ConnectionString,
        };
        foreach (var host in new[] { "a", "b", "c" }) hosts.Start(host);
        await UntilWritableAsync(hosts, "b", "one");
        // Its replica hears who votes a moment after another host was answered.
        await NorthboundHosts.UntilAsync(async () => (await hosts.QueryAsync("a", "status"))
            .Contains("(postgresql)", StringComparison.Ordinal), 30);
        await NorthboundHosts.UntilAsync(async () => await IsThereAsync(hosts, "c", "one"), 30);

        await hosts.KillAsync("a");
        await UntilWritableAsync(hosts, "c", "two");
        await NorthboundHosts.UntilAsync(async () => await IsThereAsync(hosts, "b", "two"), 30);
        Assert.True(await IsThereAsync(hosts, "c", "one"));
    }

    /// <remarks>Goal: of two that ask one has it, and only while it says so in time.</remarks>
    [PostgresFact]
    public async Task A_lease_has_one_owner_at_a_time()
    {
        using var server = new PostgresServer();
        using var system = (ExtendedActorSystem)ActorSystem.Create(
            "lease", ConfigurationFactory.ParseString("akka.loglevel = OFF"));
        var (one, other) = (Lease(server, system, "one"), Lease(server, system, "other"));
        Assert.True(await one.Acquire());
        Assert.False(await other.Acquire());
        Assert.True(await one.Acquire());
        Assert.True(one.CheckLease());
        Assert.True(await one.RenewAsync());
        Assert.True(await one.Release());
        Assert.False(await one.RenewAsync()); // On its way while it was released.
        Assert.True(await other.Acquire());
        Assert.False(await one.Acquire());

        // Its owner is gone without a word: the database lets it expire.
        await ExecuteAsync(server, "UPDATE fabric_lease SET expires = now() - interval '1 s'");
        Assert.True(await one.Acquire());
        await system.Terminate();
    }

    private static PostgresLease Lease(
        PostgresServer server, ExtendedActorSystem system, string owner) =>
        new(
            new LeaseSettings(
                "sbr", owner,
                new TimeoutSettings(
                    TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5)),
                ConfigurationFactory.ParseString(
                    $"connection-string = \"{server.ConnectionString}\"")),
            system);

    private static async Task<ILogMessage> Ask(SqlLogStore store, ILogMessage message) =>
        (await store.DecideAsync(message, CancellationToken.None))!;

    private static async Task ExecuteAsync(PostgresServer server, string text)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(text, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task UntilWritableAsync(ClusteredHosts hosts, string host, string name) =>
        await NorthboundHosts.UntilAsync(
            async () => (await hosts.TransactAsync(host, new Operation.Insert(
                "Logical_Switch", [new ColumnValue("name", name)], Guid.NewGuid()))).Error is null,
            60);

    private static async Task<bool> IsThereAsync(ClusteredHosts hosts, string host, string name) =>
        (await hosts.Northbound(host).Ask<NorthboundChanged>(
            probe => new SubscribeNorthbound(probe), TimeSpan.FromSeconds(5),
            CancellationToken.None))
        .Database.Table("Logical_Switch").Rows.Any(row => row.GetString("name") == name);

    private static AppendEntries Append(
        Guid log, long term, WriterId writer, EntryId previous, long entryTerm, int count,
        long committed = 0) => new(
            log, term, writer, previous,
            [
                .. Enumerable.Range(1, count).Select(i => new LogEntry(
                    new EntryId(entryTerm, previous.Sequence + i), EntryKind.Transaction,
                    new byte[] { (byte)entryTerm, (byte)i })),
            ],
            committed);

    /// <summary>Something that a writer of a term near the promised one may say.</summary>
    private static ILogMessage Random(Random random, LogReplica replica)
    {
        var term = Math.Max(1, replica.PromisedTerm + random.Next(-1, 2));
        var writer = new WriterId("h", term); // One writer for each term, as promises make it.
        switch (random.Next(6))
        {
            case 0: return DescribeLog.Instance;
            case 1: return new PrepareTerm(replica.LogId, term, writer);
            case 2:
                return new FetchEntries(term, random.NextInt64(
                    replica.Base.Sequence, replica.Last.Sequence + 1));
            default:
                var from = random.NextInt64(replica.Committed, replica.Last.Sequence + 1);
                var previous = from == 0 ? default : replica[from].Id;
                if (random.Next(10) == 0) previous = previous with { Term = previous.Term + 1 };
                if (random.Next(10) == 0) previous = new EntryId(term, from + 5);
                var newest = Math.Max(term, replica.Last.Term);
                return Append(
                    replica.LogId, term, writer, previous, newest, random.Next(4),
                    random.Next(3) == 0 ? replica.Committed + 1 : 0);
        }
    }

    private static string TextOf(ILogMessage? message) => message switch
    {
        EntriesFetched fetched => $"fetched {fetched.Term} {fetched.After} {fetched.Last} "
            + string.Join(",", fetched.Entries.Select(
                entry => $"{entry.Id}:{Convert.ToHexString(entry.Body.Span)}")),
        null => "nothing",
        _ => message.ToString()!,
    };
}
