using System.Collections.Immutable;
using System.Text;
using Akka.Actor;

namespace Fabric.Configuration;

/// <content>tlog-set and tlog-list: row changes of chosen tables in the log.</content>
internal sealed partial class OvsdbHostActor
{
    private readonly SortedDictionary<string, ImmutableSortedSet<string>> _loggedTables =
        new(StringComparer.Ordinal);

    private readonly SortedDictionary<string, IActorRef> _loggers = new(StringComparer.Ordinal);

    private HostAnswer SetTableLog(HostRequest.LogTable request)
    {
        var parts = request.Place.Split(':');
        if (parts.Length != 2) return new HostAnswer("", "invalid DB:TABLE argument");
        if (!_files.TryGetValue(parts[0], out var file))
        {
            return new HostAnswer("", "no such database");
        }

        if (!file.Schema.TryTable(parts[1], out _)) return new HostAnswer("", "no such table");
        if (request.OnOrOff is not ("on" or "off"))
        {
            return new HostAnswer("", "invalid command argument");
        }

        var tables = _loggedTables.GetValueOrDefault(
            parts[0], ImmutableSortedSet.Create<string>(StringComparer.Ordinal));
        tables = request.OnOrOff == "on" ? tables.Add(parts[1]) : tables.Remove(parts[1]);
        _loggedTables[parts[0]] = tables;
        if (_loggers.Remove(parts[0], out var before)) Context.Stop(before);
        if (!tables.IsEmpty)
        {
            _loggers[parts[0]] = Context.ActorOf(
                RowLogActor.Props(file.Actor, tables), $"log-{_next++}");
        }

        return new HostAnswer("", null);
    }

    private string TableLogs()
    {
        var text = new StringBuilder("database        table                       logging\n");
        text.Append("--------        -----                       -------\n");
        var all = _files.Select(pair => (pair.Key, pair.Value.Schema))
            .Append((ServerSchema.Name, ServerSchema.Schema))
            .OrderBy(pair => pair.Item1, StringComparer.Ordinal);
        foreach (var (name, schema) in all)
        {
            text.Append(name.PadRight(16)).Append(" \n");
            var logged = _loggedTables.GetValueOrDefault(name);
            foreach (var table in schema.Tables)
            {
                var isOn = logged?.Contains(table.Name) == true;
                text.Append("                ").Append(table.Name.PadRight(27));
                text.Append(isOn ? " ON\n" : " OFF\n");
            }
        }

        return text.ToString();
    }
}
