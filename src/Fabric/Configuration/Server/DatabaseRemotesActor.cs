using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Where a database keeps a server's remotes: "db:DATABASE,TABLE,COLUMN".</summary>
/// <remarks>
/// COLUMN holds either the remotes as texts, or references to rows with a "target" column
/// (Manager, Connection), whose is_connected and status are written back.
/// </remarks>
public sealed record DatabaseRemotes(string Database, string Table, string Column)
{
    public static bool TryParse(string text, out DatabaseRemotes remotes)
    {
        var parts = text.StartsWith("db:", StringComparison.Ordinal) ? text[3..].Split(',') : [];
        var isWell = parts.Length == 3;
        remotes = isWell ? new DatabaseRemotes(parts[0], parts[1], parts[2]) : new("", "", "");
        return isWell;
    }
}

/// <summary>Opens and closes a server's remotes as rows of a database come and go.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/>; <see cref="RemoteOpened"/>,
///         <see cref="RemoteFailed"/>, <see cref="RemoteStatus"/> of the remotes.
/// Says:   <see cref="OpenRemote"/>, <see cref="CloseRemote"/> to the server;
///         <see cref="Transact"/> with is_connected and status of rows.
/// Holds:  which remotes it has opened, and what it knows of each.
/// Fails:  ends with the database; its parent starts it against the next one.
/// </remarks>
internal sealed class DatabaseRemotesActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan WriteInterval = TimeSpan.FromMilliseconds(2500);

    private readonly DatabaseRemotes _place;
    private readonly IActorRef _server;
    private readonly IActorRef _database;
    private readonly TlsSource _tls;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SortedDictionary<string, RemoteStatus> _opened = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, OpenRemote> _asked = new(StringComparer.Ordinal);
    private DatabaseSnapshot? _snapshot;

    public static Props Props(
        DatabaseRemotes place, IActorRef server, IActorRef database, TlsSource tls) =>
        Akka.Actor.Props.Create(() => new DatabaseRemotesActor(place, server, database, tls));

    public DatabaseRemotesActor(
        DatabaseRemotes place, IActorRef server, IActorRef database, TlsSource tls)
    {
        _place = place;
        _server = server;
        _database = database;
        _tls = tls;
        Receive<DatabaseChanged>(changed =>
        {
            _snapshot = changed.After;
            Follow(changed.After);
        });
        Receive<RemoteOpened>(opened => Note(opened.Text, status => status with
        {
            Port = opened.Port,
            LastError = null,
            State = "ACTIVE",
        }));
        Receive<RemoteFailed>(failed => Note(failed.Text, status => status with
        {
            LastError = failed.Problem,
            State = "BACKOFF",
        }));
        Receive<RemoteStatus>(status => Note(status.Text, before => status with
        {
            Port = before.Port,
        }));
        Receive<WriteTime>(_ => WriteStatus());
        Receive<TransactCompleted>(_ => { });
        Receive<Terminated>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed class WriteTime
    {
        public static WriteTime Instance { get; } = new();
    }

    protected override void PreStart()
    {
        Context.Watch(_database);
        _database.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
        Timers.StartPeriodicTimer(nameof(WriteTime), WriteTime.Instance, WriteInterval);
    }

    protected override void PostStop()
    {
        foreach (var text in _opened.Keys) _server.Tell(new CloseRemote(text));
    }

    private void Note(string text, Func<RemoteStatus, RemoteStatus> change)
    {
        if (!_opened.TryGetValue(text, out var status)) return;
        _opened[text] = change(status);
        WriteStatus();
    }

    private void Follow(DatabaseSnapshot database)
    {
        var wanted = RemoteRows.Find(database, _place);
        foreach (var gone in _opened.Keys.Except(wanted.Keys).ToArray())
        {
            _opened.Remove(gone);
            _asked.Remove(gone);
            _server.Tell(new CloseRemote(gone));
        }

        foreach (var (text, row) in wanted)
        {
            if (!OvsdbRemote.TryParse(text, out var remote))
            {
                if (_opened.TryAdd(text, new RemoteStatus(text, 0, 0, null, "VOID")))
                {
                    _log.Info(
                        "{0},{1}: {2} is no remote", _place.Database, _place.Table, text);
                }

                continue;
            }

            var open = Describe(remote, row);
            if (_asked.TryGetValue(text, out var before) && before == open) continue;
            _asked[text] = open;
            _opened.TryAdd(text, new RemoteStatus(text, 0, 0, null, "VOID"));
            _server.Tell(open);
        }
    }

    private OpenRemote Describe(OvsdbRemote remote, Row? row) => new(remote)
    {
        ProbeInterval = row is not null && row.Schema.TryColumn("inactivity_probe", out _)
            && row.GetIntegerOrNull("inactivity_probe") is { } milliseconds
                ? TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, int.MaxValue))
                : null,
        Role = row is not null && row.Schema.TryColumn("role", out _) ? row.GetString("role") : "",
        Tls = remote.IsTls ? _tls : null,
    };

    private void WriteStatus()
    {
        if (_snapshot is not { } database) return;
        var operations = RemoteRows.StatusOf(database, _place, _opened);
        if (!operations.IsEmpty) _database.Tell(new Transact(0, operations));
    }
}

/// <summary>How a remote is doing, for is_connected and status.</summary>
/// <param name="SessionCount">Clients connected now.</param>
/// <param name="State">
/// VOID, BACKOFF, CONNECTING, ACTIVE or IDLE, as ovs-vswitchd.conf.db(5).
/// </param>
internal sealed record RemoteStatus(
    string Text, int Port, int SessionCount, string? LastError, string State);
