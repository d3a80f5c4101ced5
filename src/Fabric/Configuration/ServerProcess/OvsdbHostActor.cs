using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The drop-in ovsdb-server: database files and remotes from the command line.</summary>
/// <remarks>
/// Hears:  <see cref="HostRequest"/> from the command line and the control socket;
///         <see cref="RemoteOpened"/>, <see cref="RemoteFailed"/> of remotes;
///         <see cref="ReplicationStatus"/> while it is a backup; <see cref="ActorIdentity"/> of a
///         database that has told the server of itself.
/// Says:   <see cref="HostAnswer"/>; <see cref="ServeDatabase"/>, <see cref="OpenRemote"/> and
///         their opposites to its server; <see cref="SetBackup"/> to databases.
/// Holds:  which files and remotes were added, and whether it is a backup, of whom.
/// Fails:  a database whose file cannot be written any more ends and is not served; clients are
///         disconnected from it.
/// </remarks>
internal sealed partial class OvsdbHostActor : ReceiveActor
{
    private readonly TimeProvider _time;
    private readonly TlsSource _tls;
    private readonly TlsRows? _tlsRows;
    private readonly IActorRef _server;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ILoggingAdapter _serverLog =
        Logging.GetLogger(Context.System, "ovsdb_server");
    private readonly SortedDictionary<string, HostedFile> _files = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, IActorRef?> _remotes = new(StringComparer.Ordinal);

    // Who waits for the answer that its remote listens.
    private readonly SortedDictionary<string, IActorRef> _opening = new(StringComparer.Ordinal);
    private readonly string _folder = Directory.GetCurrentDirectory();
    private readonly SortedDictionary<string, int> _sessions = new(StringComparer.Ordinal);
    private readonly Guid _serverId = Guid.NewGuid();
    private long _next;

    private sealed record HostedFile(
        string Path, DatabaseSchema Schema, IActorRef Actor, bool IsClustered);

    public static Props Props(TimeProvider time, TlsSource tls, TlsRows? tlsRows) =>
        Akka.Actor.Props.Create(() => new OvsdbHostActor(time, tls, tlsRows));

    public OvsdbHostActor(TimeProvider time, TlsSource tls, TlsRows? tlsRows)
    {
        _time = time;
        _tls = tls;
        _tlsRows = tlsRows;
        _server = Context.ActorOf(OvsdbServerActor.Props(time, Guid.NewGuid, _serverId), "server");

        Receive<HostRequest.AddDatabase>(add =>
        {
            if (Noted(add.Path.StartsWith(RelayPrefix, StringComparison.Ordinal)
                ? AddRelay(add.Path) : Add(add.Path)) is { } answer) Sender.Tell(answer);
        });
        Receive<ActorIdentity>(
            started => ((IActorRef)started.MessageId).Tell(new HostAnswer("", null)));
        Receive<HostRequest.RemoveDatabase>(
            remove => Sender.Tell(Noted(Remove(remove.Name))));
        Receive<HostRequest.ListDatabases>(_ => Sender.Tell(
            new HostAnswer(string.Concat(_files.Keys.Concat(_relays.Keys).Append("_Server")
                .Order(StringComparer.Ordinal).Select(name => name + "\n")), null)));
        Receive<HostRequest.Compact>(Compact);
        Receive<HostRequest.AddRemote>(add =>
        {
            if (Noted(AddRemote(add.Text)) is { } answer) Sender.Tell(answer);
            else _opening[add.Text] = Sender;
        });
        Receive<HostRequest.RemoveRemote>(
            remove => Sender.Tell(Noted(RemoveRemote(remove.Text))));
        Receive<HostRequest.ListRemotes>(_ => Sender.Tell(
            new HostAnswer(string.Concat(_remotes.Keys.Select(text => text + "\n")), null)));
        Receive<HostRequest.Status>(status => Sender.Tell(IsKnown(status.Name)
            ? new HostAnswer("status: ok\n", null)
            : new HostAnswer("", "Failed to find the database.")));
        ReceiveBackup();
        Receive<HostRequest.Reconnect>(_ =>
        {
            _server.Tell(new CloseSessions());
            Sender.Tell(new HostAnswer("", null));
        });
        Receive<HostRequest.DisableMonitorCond>(_ =>
        {
            _server.Tell(new DisableMonitorCond());
            Sender.Tell(new HostAnswer("", null));
        });
        Receive<HostRequest.Describe>(_ => Sender.Tell(new HostAnswer("", null)
        {
            Databases =
            [
                (ServerSchema.Name, _server),
                .. _files.Select(pair => (pair.Key, pair.Value.Actor)),
            ],
            HasClusters = _files.Values.Any(file => file.IsClustered),
            SessionCount = _sessions.Values.Sum(),
        }));
        Receive<HostRequest.OfCluster>(asked =>
        {
            if (_files.TryGetValue(asked.Database, out var file))
            {
                file.Actor.Forward(asked.Request);
            }
            else
            {
                Sender.Tell(new HostAnswer("", "unknown cluster"));
            }
        });
        Receive<HostRequest.LogTable>(log => Sender.Tell(SetTableLog(log)));
        Receive<HostRequest.ListTableLogs>(_ => Sender.Tell(new HostAnswer(TableLogs(), null)));
        Receive<RemoteOpened>(opened =>
        {
            _log.Debug("{0}: listening", opened.Text);
            AnswerOpener(opened.Text);
        });
        Receive<RemoteFailed>(failed =>
        {
            _log.Warning("{0}: {1}", failed.Text, failed.Problem);
            AnswerOpener(failed.Text);
        });
        Receive<RemoteStatus>(status => _sessions[status.Text] = status.SessionCount);
        Receive<DatabaseCompacted>(_ => { });
        Receive<ClusterSchemaKnown>(known =>
        {
            if (!_files.TryGetValue(known.Name, out var file)) return;
            _files[known.Name] = file with { Schema = known.Schema };
        });
        Receive<ClusterLeft>(left => Noted(Remove(left.Name)));
        Receive<Terminated>(terminated =>
        {
            foreach (var (name, file) in _files.ToArray())
            {
                if (file.Actor.Equals(terminated.ActorRef)) _files.Remove(name);
            }

            FollowAnew();
        });
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.StoppingStrategy;

    /// <summary>What is served now a successor shall serve too.</summary>
    private HostAnswer? Noted(HostAnswer? answer)
    {
        MonitorState.Write(
            DetachedProcess.StateFile,
            [
                .. _files.Values.Select(file => file.Path),
                .. _relays.Values.Select(relay => relay.Given),
            ],
            _remotes.Keys);
        return answer;
    }

    /// <param name="given">Relative to where the daemon was started, or to OVS_DBDIR.</param>
    /// <returns>
    /// Null if the answer comes when the database has told the server of itself: a remote that is
    /// opened next has it from the first client on.
    /// </returns>
    private HostAnswer? Add(string given)
    {
        var path = Path.GetFullPath(given, _folder);
        if (!File.Exists(path))
        {
            var other = OvsFolders.Under(OvsFolders.Database, given);
            if (File.Exists(other)) path = Path.GetFullPath(other);
        }

        if (_files.Values.Any(each => each.Path == path))
        {
            return new HostAnswer("", $"ovsdb error: {given}: already open");
        }

        if (!DatabaseFile.TryOpen(path, given, out var file, out var problem))
        {
            return new HostAnswer("", problem);
        }

        var schema = file.Snapshot.Schema;
        var name = schema.Name;
        if (IsKnown(name))
        {
            file.Dispose();
            return new HostAnswer("", $"ovsdb error: {name}: duplicate database name");
        }

        if (file.TornTail is { } torn)
        {
            _serverLog.Error("{0}", torn);
            _serverLog.Info(
                "{0}: {1} bytes after the last whole transaction were cut off", given,
                file.CutBytes);
        }

        var props = file is ClusterLogFile clustered
            ? ClusterDatabaseActor.Props(clustered, _server, _tls, _time)
            : LogDatabaseActor.Props((OvsdbLogFile)file, _server, _time);
        var actor = Context.ActorOf(props, $"database-{_next++}");
        Context.Watch(actor);
        _files.Add(name, new HostedFile(path, schema, actor, file is ClusterLogFile));
        if (_tlsRows is { } rows && rows.Database == name)
        {
            Context.ActorOf(TlsRowsActor.Props(rows, actor, _tls), $"tls-{_next++}");
        }

        FollowAnew();
        actor.Tell(new Identify(Sender));
        return null;
    }

    private HostAnswer Remove(string name)
    {
        if (name == ServerSchema.Name)
        {
            return new HostAnswer("", "Cannot remove reserved database.");
        }

        if (RemoveRelay(name)) return new HostAnswer("", null);
        if (!_files.Remove(name, out var file))
        {
            return new HostAnswer("", "Failed to find the database.");
        }

        _server.Tell(new StopServingDatabase(name));
        Context.Unwatch(file.Actor);
        Context.Stop(file.Actor);
        FollowAnew();
        return new HostAnswer("", null);
    }

    private void Compact(HostRequest.Compact compact)
    {
        if (compact.Name is { } name && !IsKnown(name))
        {
            Sender.Tell(new HostAnswer("", name == ServerSchema.Name
                ? "cannot compact built-in databases"
                : "no database by that name"));
            return;
        }

        foreach (var (key, file) in _files)
        {
            if (compact.Name is not null && compact.Name != key) continue;
            _serverLog.Info("compacting {0} database by user request", key);
            file.Actor.Tell(new CompactDatabase());
        }

        Sender.Tell(new HostAnswer("", null));
    }

    /// <remarks>A remote that cannot be opened yet is tried on: no error of the asker.</remarks>
    private void AnswerOpener(string text)
    {
        if (_opening.Remove(text, out var asker)) asker.Tell(new HostAnswer("", null));
    }

    /// <returns>Null if the answer has to wait until the remote listens.</returns>
    private HostAnswer? AddRemote(string text)
    {
        if (_remotes.ContainsKey(text)) return new HostAnswer("", null);
        if (text.StartsWith("db:", StringComparison.Ordinal))
        {
            if (ProblemOf(text) is { } wrong) return new HostAnswer("", $"\"{text}\": {wrong}\n");
            DatabaseRemotes.TryParse(text, out var place);
            var file = _files[place.Database];
            _remotes[text] = Context.ActorOf(
                DatabaseRemotesActor.Props(place, _server, file.Actor, _tls), $"remotes-{_next++}");
            return new HostAnswer("", null);
        }

        if (!OvsdbRemote.TryParse(text, out var remote))
        {
            // As ovsdb-server: it may be a method that another version has.
            _log.Info("{0}: unknown or malformed remote", text);
            _remotes[text] = null;
            return new HostAnswer("", null);
        }

        if (remote.IsUnix)
        {
            remote = remote with { Path = OvsFolders.Under(OvsFolders.Run, remote.Path) };
        }

        _remotes[text] = null;
        _server.Tell(new OpenRemote(remote) { Tls = remote.IsTls ? _tls : null });
        return remote.IsPassive ? null : new HostAnswer("", null);
    }

    /// <summary>What is wrong with "db:DATABASE,TABLE,COLUMN", in ovsdb-server's words.</summary>
    private string? ProblemOf(string text)
    {
        if (!DatabaseRemotes.TryParse(text, out var place)) return "invalid syntax";
        if (!_files.TryGetValue(place.Database, out var file))
        {
            return $"no database named {place.Database}";
        }

        // Which tables a database will have that is yet to come nobody knows.
        if (file.IsClustered && file.Schema.Tables.IsEmpty) return null;
        if (!file.Schema.TryTable(place.Table, out var table))
        {
            return $"no table named {place.Table}";
        }

        // Of whatever type: one that holds no remotes names none.
        return table.TryColumn(place.Column, out _)
            ? null : $"table \"{place.Table}\" has no column \"{place.Column}\"";
    }

    private HostAnswer RemoveRemote(string text)
    {
        _sessions.Remove(text);
        if (!_remotes.Remove(text, out var follower)) return new HostAnswer("", "no such remote");
        if (follower is not null) Context.Stop(follower);
        else _server.Tell(new CloseRemote(text));
        return new HostAnswer("", null);
    }
}
