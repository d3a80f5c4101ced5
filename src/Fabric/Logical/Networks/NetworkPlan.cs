using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>One line of what applying a document will do.</summary>
/// <param name="Kind">'+' create, '~' change, '-' remove.</param>
/// <param name="What">"switch front", "port web1 of front" ...</param>
public sealed record NetworkPlanStep(char Kind, string What)
{
    public override string ToString() => $"{Kind} {What}";
}

/// <summary>What must be written so that the northbound says what a document says.</summary>
/// <param name="Operations">One transaction; empty when nothing differs.</param>
public sealed record NetworkPlan(
    ImmutableArray<Operation> Operations, ImmutableArray<NetworkPlanStep> Steps)
{
    public bool IsEmpty => Operations.IsEmpty;

    /// <summary>The difference between the document and what is there.</summary>
    /// <remarks>
    /// Rows are found by name (ACLs, routes and NAT by what they say). A row that carries this
    /// network's mark and that the document no longer has is removed; rows of others stay.
    /// </remarks>
    public static NetworkPlan Of(NetworkDocument document, DatabaseSnapshot database) =>
        new NetworkPlanner(document, database).Plan();
}

/// <summary>Works out a <see cref="NetworkPlan"/>.</summary>
internal sealed class NetworkPlanner
{
    private static readonly string[] Tables =
    [
        "Logical_Switch", "Logical_Router", "Port_Group", "Address_Set", "Load_Balancer",
        "Logical_Switch_Port", "Logical_Router_Port", "ACL", "Logical_Router_Static_Route", "NAT",
    ];

    private readonly NetworkDocument _document;
    private readonly DatabaseSnapshot _database;
    private readonly ImmutableArray<NetworkRow> _wanted;
    private readonly Dictionary<NetworkRow, (Guid Uuid, Row? Found)> _rows = [];
    private readonly ImmutableArray<Operation>.Builder _operations =
        ImmutableArray.CreateBuilder<Operation>();
    private readonly ImmutableArray<NetworkPlanStep>.Builder _steps =
        ImmutableArray.CreateBuilder<NetworkPlanStep>();

    public NetworkPlanner(NetworkDocument document, DatabaseSnapshot database)
    {
        _document = document;
        _database = database;
        _wanted = NetworkRows.Of(document);
    }

    public NetworkPlan Plan()
    {
        foreach (var row in _wanted)
        {
            var found = Find(row);
            _rows[row] = (found?.Uuid ?? row.UuidIn(_document.Name), found);
        }

        RemoveStale();
        foreach (var row in _wanted) PutRow(row);
        PutMembers();
        PutAttachments();
        return new NetworkPlan(_operations.ToImmutable(), _steps.ToImmutable());
    }

    private Row? Find(NetworkRow wanted)
    {
        if (wanted.Parent is null || wanted.Columns.ContainsKey("name") && wanted.Table != "ACL")
        {
            // Own rows first: names of switches and routers need not be unique.
            var named = _database.Table(wanted.Table).Rows
                .Where(row => row.GetString("name") == wanted.Identity);
            return named.OrderByDescending(IsOurs).FirstOrDefault();
        }

        if (!_rows.TryGetValue(wanted.Parent, out var parent) || parent.Found is null) return null;
        return parent.Found.GetReferences(wanted.ParentColumn)
            .Select(uuid => _database.Find(wanted.Table, uuid))
            .OfType<Row>()
            .FirstOrDefault(row => IdentityOf(wanted.Table, row) == wanted.Identity);
    }

    private static string IdentityOf(string table, Row row) => table switch
    {
        "ACL" => $"{row.GetString("direction")} {row.GetInteger("tier")} "
            + $"{row.GetInteger("priority")} {row.GetString("match")}",
        "Logical_Router_Static_Route" =>
            $"{row.GetString("ip_prefix")} {row.GetString("nexthop")}",
        "NAT" => $"{row.GetString("type")} {row.GetString("external_ip")} "
            + row.GetString("logical_ip"),
        _ => row.GetString("name"),
    };

    private bool IsOurs(Row row) =>
        row.GetMapValue("external_ids", NetworkRows.NetworkKey) == _document.Name;

    private static bool IsRoot(string table) => table
        is "Logical_Switch" or "Logical_Router" or "Port_Group" or "Address_Set" or "Load_Balancer";

    private void RemoveStale()
    {
        var kept = _rows.Values.Where(row => row.Found is not null).Select(row => row.Uuid)
            .ToHashSet();
        foreach (var table in Tables)
        {
            foreach (var row in _database.Table(table).Rows)
            {
                if (!IsOurs(row) || kept.Contains(row.Uuid)) continue;
                _steps.Add(new NetworkPlanStep('-', $"{KindOf(table)} {IdentityOf(table, row)}"));
                if (IsRoot(table)) _operations.Add(Operation.DeleteRow(table, row.Uuid));
                else Detach(table, row.Uuid);
            }
        }
    }

    /// <summary>A row of a table that is no root goes when nothing refers to it.</summary>
    private void Detach(string table, Guid uuid)
    {
        (string Table, string Column)[] owners = table switch
        {
            "Logical_Switch_Port" => [("Logical_Switch", "ports")],
            "Logical_Router_Port" => [("Logical_Router", "ports")],
            "ACL" => [("Logical_Switch", "acls"), ("Port_Group", "acls")],
            "NAT" => [("Logical_Router", "nat")],
            _ => [("Logical_Router", "static_routes")],
        };
        foreach (var (owner, column) in owners)
        {
            foreach (var row in _database.Table(owner).Rows)
            {
                if (!row.GetReferences(column).Contains(uuid)) continue;
                _operations.Add(Operation.MutateRow(
                    owner, row.Uuid,
                    new Mutation(column, Mutator.Delete, Datum.References([uuid]))));
            }
        }
    }

    private void PutRow(NetworkRow wanted)
    {
        var (uuid, found) = _rows[wanted];
        if (found is null)
        {
            var values = wanted.Columns.Select(pair => new ColumnValue(pair.Key, pair.Value));
            _operations.Add(new Operation.Insert(wanted.Table, [.. values], uuid));
            _steps.Add(new NetworkPlanStep('+', Describe(wanted)));
        }
        else
        {
            Change(wanted, found);
        }

        if (wanted.Parent is not { } parent) return;
        var (owner, ownerRow) = _rows[parent];
        if (ownerRow?.GetReferences(wanted.ParentColumn).Contains(uuid) == true) return;
        _operations.Add(Operation.MutateRow(
            parent.Table, owner,
            new Mutation(wanted.ParentColumn, Mutator.Insert, Datum.References([uuid]))));
    }

    private void Change(NetworkRow wanted, Row found)
    {
        var changed = new List<ColumnValue>();
        foreach (var (column, value) in wanted.Columns)
        {
            var target = column == "external_ids" ? Merged(found[column], value) : value;
            if (!found[column].Equals(target)) changed.Add(new ColumnValue(column, target));
        }

        if (changed.Count == 0) return;
        _operations.Add(Operation.UpdateRow(wanted.Table, found.Uuid, [.. changed]));
        var columns = string.Join(", ", changed.Select(value => value.Column));
        _steps.Add(new NetworkPlanStep('~', $"{Describe(wanted)} ({columns})"));
    }

    /// <summary>Keys of others in external_ids stay.</summary>
    private static Datum Merged(Datum before, Datum wanted)
    {
        var map = before.ToStringMap();
        return Datum.Map(map.SetItems(wanted.ToStringMap()));
    }

    private void PutMembers()
    {
        foreach (var group in _document.Groups)
        {
            var (uuid, found) = RowOf("Port_Group", group.Name);
            var ports = group.Ports.Select(port => RowOf("Logical_Switch_Port", port).Uuid);
            PutSet("Port_Group", uuid, found, "ports", ports, $"group {group.Name} (ports)");
        }
    }

    private void PutAttachments()
    {
        foreach (var owner in _document.Switches)
        {
            var (uuid, found) = RowOf("Logical_Switch", owner.Name);
            var wanted = _document.LoadBalancers
                .Where(balancer => balancer.Switches.Contains(owner.Name))
                .Select(balancer => RowOf("Load_Balancer", balancer.Name).Uuid);
            var foreign = (found?.GetReferences("load_balancer") ?? [])
                .Where(other => _database.Find("Load_Balancer", other) is { } row && !IsOurs(row));
            PutSet(
                "Logical_Switch", uuid, found, "load_balancer", wanted.Concat(foreign),
                $"switch {owner.Name} (load_balancer)");
        }
    }

    private void PutSet(
        string table, Guid uuid, Row? found, string column, IEnumerable<Guid> wanted, string what)
    {
        var set = Datum.References(wanted.Distinct());
        var before = found?[column] ?? Datum.EmptySet;
        if (before.Equals(set)) return;
        _operations.Add(Operation.UpdateRow(table, uuid, new ColumnValue(column, set)));
        if (found is not null) _steps.Add(new NetworkPlanStep('~', what));
    }

    private (Guid Uuid, Row? Found) RowOf(string table, string identity) =>
        _rows.First(row => row.Key.Table == table && row.Key.Identity == identity).Value;

    private static string Describe(NetworkRow row)
    {
        var of = row.Parent is { } parent ? $" of {parent.Identity}" : "";
        return $"{KindOf(row.Table)} {row.Identity}{of}";
    }

    private static string KindOf(string table) => table switch
    {
        "Logical_Switch" => "switch",
        "Logical_Switch_Port" => "port",
        "Logical_Router" => "router",
        "Logical_Router_Port" => "router port",
        "Logical_Router_Static_Route" => "route",
        "Port_Group" => "group",
        "Address_Set" => "address set",
        "Load_Balancer" => "load balancer",
        "NAT" => "nat",
        _ => "acl",
    };
}
