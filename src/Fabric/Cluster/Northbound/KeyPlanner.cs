using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;

namespace Fabric.Cluster;

/// <summary>Gives tunnel keys to rows that a transaction made, at the writer only.</summary>
/// <remarks>
/// The rules are ovn-northd's: a requested key (Logical_Switch other_config, and options of
/// routers and ports: requested-tnl-key) is given first and bumps whoever was given it without
/// asking; of two that ask for one key the first keeps it; all others get the next free key behind
/// the last one given. A row for which no key is left gets none, and its flows are not compiled.
/// The work is in proportion to the datapaths that the transaction touches.
/// </remarks>
public sealed class KeyPlanner
{
    private const string Requested = "requested-tnl-key";

    private readonly DatabaseSnapshot _database;
    private readonly ImmutableArray<KeyChange>.Builder _changes =
        ImmutableArray.CreateBuilder<KeyChange>();
    private KeyState _state;

    private KeyPlanner(KeyState state, DatabaseSnapshot database)
    {
        _state = state;
        _database = database;
    }

    /// <param name="after">The database with 'changes' applied.</param>
    public static ImmutableArray<KeyChange> Plan(
        KeyState state, DatabaseSnapshot after, ImmutableArray<RowChange> changes)
    {
        var planner = new KeyPlanner(state, after);
        planner.Release(changes);
        planner.PlanDatapaths(changes);
        foreach (var (table, datapath) in planner.Touched(changes))
            planner.PlanPorts(table, datapath);
        return planner._changes.ToImmutable();
    }

    private void Release(ImmutableArray<RowChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.IsDelete && OwnerOf(change.Table) is { } owner)
            {
                Give(owner, change.Uuid, 0, default);
                if (owner == KeyOwner.Port)
                    Give(KeyOwner.ChassisRedirect, change.Uuid, 0, default);
            }
        }
    }

    private void PlanDatapaths(ImmutableArray<RowChange> changes)
    {
        var fresh = new List<Row>();
        foreach (var change in changes)
        {
            if (change.After is not { } row || OwnerOf(row.Schema.Name) != KeyOwner.Datapath)
                continue;
            var wanted = RequestOf(row, KeyRange.DatapathKeyMax);
            if (wanted is { } key && TryTakeDatapathKey(row, key, fresh)) continue;
            if (_state.KeyOf(KeyOwner.Datapath, row.Uuid) is null) fresh.Add(row);
        }

        if (fresh.Count == 0) return;
        var taken = _state.Keys.Datapaths.Values.ToHashSet();
        foreach (var row in fresh)
        {
            var next = KeyRange.Next(
                _state.DatapathHint, KeyRange.DatapathKeyMax, taken.Contains);
            if (next is not { } key) return;
            taken.Add(key);
            Give(KeyOwner.Datapath, row.Uuid, key, default);
        }
    }

    private bool TryTakeDatapathKey(Row row, uint key, List<Row> fresh)
    {
        var holder = _state.Keys.Datapaths.FirstOrDefault(pair => pair.Value == key).Key;
        if (holder == row.Uuid) return true;
        if (holder != Guid.Empty)
        {
            var other = Datapath(holder);
            if (other is not null && RequestOf(other, KeyRange.DatapathKeyMax) == key)
                return false;
            Give(KeyOwner.Datapath, holder, 0, default);
            if (other is not null) fresh.Add(other);
        }

        Give(KeyOwner.Datapath, row.Uuid, key, default);
        return true;
    }

    private Row? Datapath(Guid row) =>
        _database.Find("Logical_Switch", row) ?? _database.Find("Logical_Router", row);

    /// <summary>Datapaths whose ports, or whose ports' requests, the transaction changed.</summary>
    private List<(string Table, Row Datapath)> Touched(ImmutableArray<RowChange> changes)
    {
        var touched = new SortedDictionary<Guid, (string, Row)>();
        var ports = new HashSet<Guid>();
        foreach (var change in changes)
        {
            if (change.After is not { } row) continue;
            var isDatapath = OwnerOf(change.Table) == KeyOwner.Datapath;
            if (isDatapath && change.Touches("ports"))
                touched[change.Uuid] = (change.Table, row);
            if (IsPortTouched(change)) ports.Add(change.Uuid);
        }

        if (ports.Count > 0)
        {
            foreach (var table in new[] { "Logical_Switch", "Logical_Router" })
            {
                foreach (var row in _database.Table(table).Rows)
                {
                    if (row.GetReferences("ports").Any(ports.Contains))
                        touched[row.Uuid] = (table, row);
                }
            }
        }

        return [.. touched.Values];
    }

    private static bool IsPortTouched(RowChange change)
    {
        if (change.IsInsert) return false; // Its datapath's column 'ports' says so already.
        return change.Table switch
        {
            "Logical_Switch_Port" => change.Touches("options"),
            "Logical_Router_Port" => change.Touches("options")
                || change.Touches("gateway_chassis") || change.Touches("ha_chassis_group"),
            _ => false,
        };
    }

    private void PlanPorts(string table, Row datapath)
    {
        var ports = datapath.GetReferences("ports")
            .Select(port => _database.Find(table + "_Port", port)).OfType<Row>().ToList();
        var holders = new Dictionary<uint, (KeyOwner Owner, Guid Row)>();
        foreach (var port in ports)
        {
            Hold(KeyOwner.Port, port.Uuid);
            Hold(KeyOwner.ChassisRedirect, port.Uuid);
        }

        foreach (var port in ports) TakeRequested(port, datapath.Uuid, holders);
        foreach (var port in ports) TakeNext(KeyOwner.Port, port, datapath.Uuid, holders);
        if (table != "Logical_Router") return;
        foreach (var port in ports)
        {
            if (IsGateway(port))
                TakeNext(KeyOwner.ChassisRedirect, port, datapath.Uuid, holders);
            else if (_state.KeyOf(KeyOwner.ChassisRedirect, port.Uuid) is not null)
                Give(KeyOwner.ChassisRedirect, port.Uuid, 0, default);
        }

        // A port that came from another datapath may bring a key that is taken here.
        void Hold(KeyOwner owner, Guid row)
        {
            if (_state.KeyOf(owner, row) is { } key && !holders.TryAdd(key, (owner, row)))
                Give(owner, row, 0, default);
        }
    }

    private void TakeRequested(
        Row port, Guid datapath, Dictionary<uint, (KeyOwner Owner, Guid Row)> holders)
    {
        if (RequestOf(port, KeyRange.PortKeyMax) is not { } key) return;
        if (_state.KeyOf(KeyOwner.Port, port.Uuid) == key) return;
        if (holders.TryGetValue(key, out var holder))
        {
            var other = holder.Owner == KeyOwner.Port ? Port(holder.Row) : null;
            if (other is not null && RequestOf(other, KeyRange.PortKeyMax) == key) return;
            Give(holder.Owner, holder.Row, 0, default);
        }

        if (_state.KeyOf(KeyOwner.Port, port.Uuid) is { } old) holders.Remove(old);
        holders[key] = (KeyOwner.Port, port.Uuid);
        Give(KeyOwner.Port, port.Uuid, key, datapath);
    }

    private Row? Port(Guid row) =>
        _database.Find("Logical_Switch_Port", row) ?? _database.Find("Logical_Router_Port", row);

    private void TakeNext(
        KeyOwner owner, Row port, Guid datapath,
        Dictionary<uint, (KeyOwner Owner, Guid Row)> holders)
    {
        if (_state.KeyOf(owner, port.Uuid) is not null) return;
        var hint = _state.PortHints.GetValueOrDefault(datapath);
        if (KeyRange.Next(hint, KeyRange.PortKeyMax, holders.ContainsKey) is not { } key) return;
        holders[key] = (owner, port.Uuid);
        Give(owner, port.Uuid, key, datapath);
    }

    private void Give(KeyOwner owner, Guid row, uint key, Guid datapath)
    {
        if (key == 0 && _state.KeyOf(owner, row) is null) return;
        var change = new KeyChange(owner, row, key, datapath);
        _changes.Add(change);
        _state = _state.Apply([change]);
    }

    private static bool IsGateway(Row port) => !port["gateway_chassis"].IsEmpty
        || !port["ha_chassis_group"].IsEmpty
        || port.GetMapValue("options", "redirect-chassis") is not null;

    private static uint? RequestOf(Row row, uint max)
    {
        var column = row.Schema.Name == "Logical_Switch" ? "other_config" : "options";
        return uint.TryParse(
            row.GetMapValue(column, Requested), NumberStyles.None,
            CultureInfo.InvariantCulture, out var key) && key >= 1 && key <= max ? key : null;
    }

    private static KeyOwner? OwnerOf(string table) => table switch
    {
        "Logical_Switch" or "Logical_Router" => KeyOwner.Datapath,
        "Logical_Switch_Port" or "Logical_Router_Port" => KeyOwner.Port,
        _ => null,
    };
}
