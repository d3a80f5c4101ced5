using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>Columns that name the files of key, certificate and authorities.</summary>
/// <param name="Authority">"" where nobody's certificate is checked.</param>
public sealed record TlsRows(
    string Database, string Table, string PrivateKey, string Certificate, string Authority)
{
    /// <summary>The SSL table of Open_vSwitch and of OVN's databases.</summary>
    public static TlsRows Of(string database) =>
        new(database, "SSL", "private_key", "certificate", "ca_cert");

    /// <summary>Of options as stock scripts give them: db:DATABASE,TABLE,COLUMN each.</summary>
    public static bool TryParse(DaemonOptions options, out TlsRows rows)
    {
        var isWell = DatabaseRemotes.TryParse(options.PrivateKey ?? "", out var key);
        isWell &= DatabaseRemotes.TryParse(options.Certificate ?? "", out var certificate);
        DatabaseRemotes.TryParse(options.Authority ?? "", out var authority);
        rows = new TlsRows(
            key.Database, key.Table, key.Column, certificate.Column, authority.Column);
        return isWell;
    }
}

/// <summary>Keeps a <see cref="TlsSource"/> at what the rows of a database name.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/>.
/// Says:   nothing.
/// Holds:  the files that it has read.
/// Fails:  files that cannot be read are told to the log once; until they can be there is no
///         identity. Ends with the database; its parent starts it against the next one.
/// </remarks>
internal sealed class TlsRowsActor : ReceiveActor
{
    private readonly TlsRows _place;
    private readonly IActorRef _database;
    private readonly TlsSource _source;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private (string Key, string Certificate, string Authority) _files = ("", "", "");

    public static Props Props(TlsRows place, IActorRef database, TlsSource source) =>
        Akka.Actor.Props.Create(() => new TlsRowsActor(place, database, source));

    public TlsRowsActor(TlsRows place, IActorRef database, TlsSource source)
    {
        _place = place;
        _database = database;
        _source = source;
        Receive<DatabaseChanged>(changed => Follow(changed.After));
        Receive<Terminated>(_ => Context.Stop(Self));
    }

    protected override void PreStart()
    {
        Context.Watch(_database);
        _database.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
    }

    private void Follow(DatabaseSnapshot database)
    {
        if (!database.Schema.TryTable(_place.Table, out var table)) return;
        var row = database.Table(table).First;
        var files = (TextOf(row, _place.PrivateKey), TextOf(row, _place.Certificate),
            TextOf(row, _place.Authority));
        if (files == _files) return;
        _files = files;
        _source.Current = null;
        if (files.Item1.Length == 0 || files.Item2.Length == 0) return;
        var authority = files.Item3.Length == 0 ? null : files.Item3;
        if (TlsFiles.TryLoad(files.Item2, files.Item1, authority, out var own, out var problem))
        {
            _source.Current = own;
        }
        else
        {
            _log.Warning("{0}: {1}", _place.Table, problem);
        }
    }

    private static string TextOf(Row? row, string column) =>
        row is not null && column.Length > 0 && row.Schema.TryColumn(column, out var found)
            && found.Type.Key.Type == Wire.Ovsdb.AtomType.String && !row[found].IsEmpty
                ? row[found].Keys[0].String
                : "";
}
