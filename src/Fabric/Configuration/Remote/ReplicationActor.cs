using System.Collections.Immutable;
using System.Text.Json;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What a backup server is to follow.</summary>
/// <param name="ServerId">Our own; a server with the same one is ourselves.</param>
/// <param name="Databases">What we serve, by name.</param>
/// <param name="Excluded">"DATABASE:TABLE" that stay as they are here.</param>
internal sealed record ReplicationPlan(
    OvsdbRemote Source, TlsSource Tls, Guid ServerId,
    ImmutableSortedDictionary<string, ServedDatabase> Databases,
    ImmutableSortedSet<string> Excluded)
{
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(60);

    public ImmutableHashSet<string> ExcludedOf(string database) =>
    [
        .. Excluded.Where(each => each.StartsWith(database + ":", StringComparison.Ordinal))
            .Select(each => each[(database.Length + 1)..]),
    ];
}

/// <summary>How the following goes, for sync-status.</summary>
internal enum ReplicationState : byte
{
    NotConnected,
    Connecting,
    Replicating,
    Failed,
}

/// <summary>Told to the parent whenever it changes.</summary>
internal sealed record ReplicationStatus(
    ReplicationState State, ImmutableSortedSet<string> Databases);

/// <summary>Follows another server's databases: the backup of an active-backup pair.</summary>
/// <remarks>
/// Hears:  its connection.
/// Says:   <see cref="FollowWhole"/> and then <see cref="FollowDelta"/> to each database that both
///         servers have with the same schema; <see cref="ReplicationStatus"/> to its parent.
/// Holds:  the connection, and which databases are followed.
/// Fails:  never by the source: while it is away databases stay as they were, and it connects
///         again after 1 to 8 s. A source that is this very server is not followed.
/// </remarks>
internal sealed class ReplicationActor : RemoteClientActor
{
    private const string ServerIdRequest = "server-id";
    private const string ListRequest = "list";
    private const string SchemaRequest = "schema:";
    private const string MonitorRequest = "monitor:";

    private readonly ReplicationPlan _plan;
    private readonly SortedSet<string> _awaited = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _followed = new(StringComparer.Ordinal);

    public static Props Props(ReplicationPlan plan) =>
        Akka.Actor.Props.Create(() => new ReplicationActor(plan));

    public ReplicationActor(ReplicationPlan plan)
        : base(Logging.GetLogger(Context.System, "replication")) => _plan = plan;

    protected override TimeSpan ProbeInterval => _plan.ProbeInterval;

    protected override (OvsdbRemote Remote, TlsIdentity? Tls) Next() =>
        (_plan.Source, _plan.Tls.Current);

    protected override void Begin()
    {
        _awaited.Clear();
        _followed.Clear();
        Tell(ReplicationState.Connecting);
        Connection!.Call(ServerIdRequest, "get_server_id");
    }

    protected override void Miss() => Tell(ReplicationState.NotConnected);

    protected override void Hear(JsonRpcMessage message)
    {
        switch (message.Kind)
        {
            case JsonRpcKind.Notification when message.Method == "update2"
                && message.Params.GetArrayLength() == 2:
                HearUpdate(message.Params[0].ToString(), message.Params[1]);
                break;
            case JsonRpcKind.Notification when message.Method == "monitor_canceled":
                Lose("a database was converted or removed");
                break;
            case JsonRpcKind.Reply or JsonRpcKind.Error:
                HearReply(message.Id.ToString(), message);
                break;
        }
    }

    private void Tell(ReplicationState state) => Context.Parent.Tell(new ReplicationStatus(
        state, _followed.ToImmutableSortedSet(StringComparer.Ordinal)));

    private void Fail(string problem)
    {
        Log.Warning("{0}: {1}", _plan.Source.Text, problem);
        Hang();
        Tell(ReplicationState.Failed);
    }

    private void HearReply(string id, JsonRpcMessage message)
    {
        var isError = message.Kind == JsonRpcKind.Error;
        if (id == ServerIdRequest)
        {
            // Servers before 2.9 do not know the question.
            var isOurself = !isError && Guid.TryParse(message.Result.ToString(), out var theirs)
                && theirs == _plan.ServerId;
            if (isOurself) Fail("this server cannot be its own backup");
            else Connection!.Call(ListRequest, "list_dbs");
        }
        else if (isError)
        {
            Fail($"{id}: {message.Result}");
        }
        else if (id == ListRequest)
        {
            HearList(message.Result);
        }
        else if (id.StartsWith(SchemaRequest, StringComparison.Ordinal))
        {
            HearSchema(id[SchemaRequest.Length..], message.Result);
        }
        else if (id.StartsWith(MonitorRequest, StringComparison.Ordinal))
        {
            HearRows(id[MonitorRequest.Length..], message.Result);
        }
    }

    private void HearList(JsonElement list)
    {
        if (list.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in list.EnumerateArray())
            {
                if (_plan.Databases.ContainsKey(item.ToString())) _awaited.Add(item.ToString());
            }
        }

        foreach (var name in _awaited)
        {
            Connection!.Call(SchemaRequest + name, "get_schema", Quoted(name));
        }

        if (_awaited.Count == 0) Fail("no database in common");
    }

    private void HearSchema(string name, JsonElement json)
    {
        if (!_plan.Databases.TryGetValue(name, out var served)) return;
        var isSame = SchemaReader.TryRead(json, out var theirs, out _)
            && SchemaText(theirs) == SchemaText(served.Schema);
        if (isSame)
        {
            Connection!.Call(
                MonitorRequest + name, "monitor_cond", Quoted(name), Quoted(name),
                Tables(served.Schema, _plan.ExcludedOf(name)));
            return;
        }

        Log.Warning("{0}: database {1} has another schema", _plan.Source.Text, name);
        _awaited.Remove(name);
        if (_awaited.Count > 0) return;
        if (_followed.Count == 0) Fail("no database has the same schema");
        else Tell(ReplicationState.Replicating);
    }

    private static string SchemaText(DatabaseSchema schema) =>
        OvsdbText.ToText(writer => SchemaWriter.Write(writer, schema));

    private static byte[] Tables(DatabaseSchema schema, ImmutableHashSet<string> excluded) =>
        OvsdbText.ToUtf8(writer =>
        {
            writer.WriteStartObject();
            foreach (var table in schema.Tables)
            {
                if (excluded.Contains(table.Name)) continue;
                writer.WriteStartArray(table.Name);
                writer.WriteStartObject();
                writer.WriteEndObject();
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        });

    private void HearRows(string name, JsonElement rows)
    {
        if (!_plan.Databases.TryGetValue(name, out var served)) return;
        if (!RemoteUpdates.TryRead(
            rows, served.Schema, Guid.NewGuid(), out var delta, out var problem))
        {
            Fail($"{name}: {problem}");
            return;
        }

        var whole = DatabaseSnapshot.EmptyOf(served.Schema).Apply(delta);
        served.Endpoint.Tell(new FollowWhole(whole, _plan.ExcludedOf(name)));
        _awaited.Remove(name);
        _followed.Add(name);
        if (_awaited.Count == 0) Tell(ReplicationState.Replicating);
    }

    private void HearUpdate(string name, JsonElement updates)
    {
        if (!_followed.Contains(name) || !_plan.Databases.TryGetValue(name, out var served))
        {
            return;
        }

        if (RemoteUpdates.TryRead(
            updates, served.Schema, Guid.NewGuid(), out var delta, out var problem))
        {
            served.Endpoint.Tell(new FollowDelta(delta));
        }
        else
        {
            Fail($"{name}: {problem}");
        }
    }

    private static byte[] Quoted(string text) =>
        OvsdbText.ToUtf8(writer => writer.WriteStringValue(text));
}
