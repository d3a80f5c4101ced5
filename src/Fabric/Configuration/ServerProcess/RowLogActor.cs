using System.Collections.Immutable;
using System.Text;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Configuration;

/// <summary>Writes the row changes of some tables to the log, as tlog-set asks.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/>.
/// Says:   nothing.
/// Holds:  which tables.
/// Fails:  never by what it hears; it ends with its database.
/// </remarks>
internal sealed class RowLogActor : ReceiveActor
{
    private readonly IActorRef _database;
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context.System, "transaction");

    public static Props Props(IActorRef database, ImmutableSortedSet<string> tables) =>
        Akka.Actor.Props.Create(() => new RowLogActor(database, tables));

    public RowLogActor(IActorRef database, ImmutableSortedSet<string> tables)
    {
        _database = database;
        Receive<DatabaseChanged>(changed =>
        {
            foreach (var change in changed.Changes)
            {
                if (tables.Contains(change.Table)) _log.Info("{0}", TextOf(change));
            }
        });
        Receive<Terminated>(_ => Context.Stop(Self));
    }

    protected override void PreStart()
    {
        Context.Watch(_database);
        _database.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
    }

    private static string TextOf(RowChange change)
    {
        var word = change.Before is null ? "inserted"
            : change.After is null ? "deleted" : "updated";
        var row = (change.After ?? change.Before)!;
        var text = new StringBuilder($"table:{change.Table},op:{word}");
        foreach (var column in row.Schema.Columns)
        {
            var isSame = change.Before is not null && change.After is not null
                && change.Before[column].Equals(change.After[column]);
            if (!isSame) text.Append($",{column.Name}:{row[column]}");
        }

        return text.Append($",_uuid:{change.Uuid:D}").ToString();
    }
}
