using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>Asks the host to do something; <see cref="HostAnswer"/> answers.</summary>
internal abstract record HostRequest
{
    public sealed record AddDatabase(string Path) : HostRequest;

    public sealed record RemoveDatabase(string Name) : HostRequest;

    public sealed record ListDatabases : HostRequest;

    public sealed record Compact(string? Name) : HostRequest;

    public sealed record AddRemote(string Text) : HostRequest;

    public sealed record RemoveRemote(string Text) : HostRequest;

    public sealed record ListRemotes : HostRequest;

    public sealed record Status(string Name) : HostRequest;
}

internal sealed record HostAnswer(string Text, string? Error);

/// <summary>The drop-in ovsdb-server: database files and remotes from the command line.</summary>
/// <remarks>
/// Hears:  <see cref="HostRequest"/> from the command line and the control socket;
///         <see cref="RemoteOpened"/>, <see cref="RemoteFailed"/> of remotes.
/// Says:   <see cref="HostAnswer"/>; <see cref="ServeDatabase"/>, <see cref="OpenRemote"/> and
///         their opposites to its server.
/// Holds:  which files and remotes were added.
/// Fails:  a database whose file cannot be written any more ends and is not served; clients are
///         disconnected from it.
/// </remarks>
internal sealed class OvsdbHostActor : ReceiveActor
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
    private long _next;

    private sealed record HostedFile(string Path, IActorRef Actor);

    public static Props Props(TimeProvider time, TlsSource tls, TlsRows? tlsRows) =>
        Akka.Actor.Props.Create(() => new OvsdbHostActor(time, tls, tlsRows));

    public OvsdbHostActor(TimeProvider time, TlsSource tls, TlsRows? tlsRows)
    {
        _time = time;
        _tls = tls;
        _tlsRows = tlsRows;
        _server = Context.ActorOf(OvsdbServerActor.Props(time, Guid.NewGuid), "server");

        Receive<HostRequest.AddDatabase>(add => Sender.Tell(Noted(Add(add.Path))));
        Receive<HostRequest.RemoveDatabase>(
            remove => Sender.Tell(Noted(Remove(remove.Name))));
        Receive<HostRequest.ListDatabases>(_ => Sender.Tell(
            new HostAnswer(string.Concat(_files.Keys.Append("_Server").Order(StringComparer.Ordinal)
                .Select(name => name + "\n")), null)));
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
        Receive<HostRequest.Status>(status => Sender.Tell(_files.ContainsKey(status.Name)
            ? new HostAnswer("status: ok\n", null)
            : new HostAnswer("", "Failed to find the database.")));
        Receive<RemoteOpened>(opened =>
        {
            _log.Info("{0}: listening", opened.Text);
            AnswerOpener(opened.Text);
        });
        Receive<RemoteFailed>(failed =>
        {
            _log.Warning("{0}: {1}", failed.Text, failed.Problem);
            AnswerOpener(failed.Text);
        });
        Receive<RemoteStatus>(_ => { });
        Receive<DatabaseCompacted>(_ => { });
        Receive<Terminated>(terminated =>
        {
            foreach (var (name, file) in _files.ToArray())
            {
                if (file.Actor.Equals(terminated.ActorRef)) _files.Remove(name);
            }
        });
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.StoppingStrategy;

    /// <summary>What is served now a successor shall serve too.</summary>
    private HostAnswer? Noted(HostAnswer? answer)
    {
        MonitorState.Write(
            DetachedProcess.StateFile, _files.Values.Select(file => file.Path), _remotes.Keys);
        return answer;
    }

    /// <param name="given">Relative to where the daemon was started, or to OVS_DBDIR.</param>
    private HostAnswer Add(string given)
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

        if (!OvsdbLogFile.TryOpen(path, isReadOnly: false, out var file, out var problem))
        {
            return new HostAnswer(
                "", problem.Replace(path, given, StringComparison.Ordinal));
        }

        var name = file.Snapshot.Schema.Name;
        if (_files.ContainsKey(name))
        {
            file.Dispose();
            return new HostAnswer(
                "", $"ovsdb error: {given}: duplicate database name '{name}'");
        }

        if (file.Repair is { } repair) _serverLog.Error("{0}", repair);
        var actor = Context.ActorOf(
            LogDatabaseActor.Props(file, _server, _time), $"database-{_next++}");
        Context.Watch(actor);
        _files.Add(name, new HostedFile(path, actor));
        if (_tlsRows is { } rows && rows.Database == name)
        {
            Context.ActorOf(TlsRowsActor.Props(rows, actor, _tls), $"tls-{_next++}");
        }

        return new HostAnswer("", null);
    }

    private HostAnswer Remove(string name)
    {
        if (!_files.Remove(name, out var file))
        {
            return new HostAnswer("", "Failed to find the database.");
        }

        _server.Tell(new StopServingDatabase(name));
        Context.Unwatch(file.Actor);
        Context.Stop(file.Actor);
        return new HostAnswer("", null);
    }

    private void Compact(HostRequest.Compact compact)
    {
        if (compact.Name is { } name && !_files.ContainsKey(name))
        {
            Sender.Tell(new HostAnswer("", "no database by that name"));
            return;
        }

        foreach (var (key, file) in _files)
        {
            if (compact.Name is null || compact.Name == key) file.Actor.Tell(new CompactDatabase());
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
        if (DatabaseRemotes.TryParse(text, out var place))
        {
            if (!_files.TryGetValue(place.Database, out var file))
            {
                return new HostAnswer("", $"\"{text}\": no database named {place.Database}");
            }

            _remotes[text] = Context.ActorOf(
                DatabaseRemotesActor.Props(place, _server, file.Actor, _tls), $"remotes-{_next++}");
            return new HostAnswer("", null);
        }

        if (!OvsdbRemote.TryParse(text, out var remote))
        {
            return new HostAnswer("", $"{text}: not a valid remote");
        }

        if (remote.IsUnix)
        {
            remote = remote with { Path = OvsFolders.Under(OvsFolders.Run, remote.Path) };
        }

        _remotes[text] = null;
        _server.Tell(new OpenRemote(remote) { Tls = remote.IsTls ? _tls : null });
        return remote.IsPassive ? null : new HostAnswer("", null);
    }

    private HostAnswer RemoveRemote(string text)
    {
        if (!_remotes.Remove(text, out var follower)) return new HostAnswer("", "no such remote");
        if (follower is not null) Context.Stop(follower);
        else _server.Tell(new CloseRemote(text));
        return new HostAnswer("", null);
    }
}
