using System.Text.Json.Nodes;
using Fabric.Configuration;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>Takes the configuration of an OVS conf.db (2.x, 3.x) over, in one transaction.
/// </summary>
/// <remarks>
/// Bridges with their ports and interfaces, and external_ids and other_config of Open_vSwitch.
/// Columns in which daemons report (ofport, statistics, status) are theirs and are left out, and
/// so are bridges that are there already. Managers, controllers, mirrors, queues and certificates
/// are named, and not taken over.
/// </remarks>
internal static class ConfDbImport
{
    private static readonly string[] s_interface =
    [
        "name", "type", "options", "external_ids", "other_config", "mtu_request",
        "ofport_request", "ingress_policing_rate", "ingress_policing_burst", "lldp", "mac",
    ];

    private static readonly string[] s_port =
    [
        "name", "tag", "trunks", "cvlans", "vlan_mode", "bond_mode", "bond_updelay",
        "bond_downdelay", "lacp", "external_ids", "other_config", "protected",
    ];

    private static readonly string[] s_bridge =
    [
        "name", "datapath_type", "fail_mode", "protocols", "external_ids", "other_config",
        "stp_enable", "rstp_enable", "mcast_snooping_enable", "flood_vlans",
    ];

    private static readonly string[] s_others =
        ["Manager", "Controller", "Mirror", "QoS", "NetFlow", "sFlow", "IPFIX", "SSL"];

    /// <summary>Operations for the running database, and what is left to the operator.</summary>
    /// <param name="present">Names of bridges that are there already.</param>
    /// <param name="columns">Whether the running schema has a column.</param>
    /// <exception cref="ToolException">The file cannot be read.</exception>
    public static (List<JsonObject> Operations, List<string> Remarks) Plan(
        string file, string root, IReadOnlySet<string> present, Func<string, string, bool> columns)
    {
        var operations = new List<JsonObject>();
        var remarks = new List<string>();
        var interfaces = Read(file, "Interface").ToDictionary(VsctlSession.UuidOf);
        var ports = Read(file, "Port").ToDictionary(VsctlSession.UuidOf);
        var bridges = new JsonArray();
        foreach (var bridge in Read(file, "Bridge"))
        {
            var name = (string)bridge["name"]!;
            if (present.Contains(name))
            {
                remarks.Add($"bridge {name} is there already and was left as it is");
                continue;
            }

            var portNames = new JsonArray();
            foreach (var port in Follow(bridge["ports"], ports))
            {
                var faces = new JsonArray();
                foreach (var face in Follow(port["interfaces"], interfaces))
                {
                    faces.Add(Insert(operations, "Interface", face, s_interface, columns));
                }

                portNames.Add(Insert(operations, "Port", port, s_port, columns,
                    ("interfaces", faces)));
            }

            bridges.Add(Insert(operations, "Bridge", bridge, s_bridge, columns,
                ("ports", portNames)));
        }

        operations.Add(VsctlSession.Mutate(
            "Open_vSwitch", root, "bridges", "insert", new JsonArray("set", bridges)));
        foreach (var column in (string[])["external_ids", "other_config"])
        {
            if (Read(file, "Open_vSwitch").FirstOrDefault()?[column] is not { } map) continue;
            operations.Add(VsctlSession.Mutate(
                "Open_vSwitch", root, column, "insert", map.DeepClone()));
        }

        foreach (var table in s_others)
        {
            if (Read(file, table).Count > 0) remarks.Add($"rows of {table} were not taken over");
        }

        return (operations, remarks);
    }

    private static List<JsonNode> Read(string file, string table)
    {
        var query = new JsonArray("Open_vSwitch", new JsonObject
        {
            ["op"] = "select", ["table"] = table, ["where"] = new JsonArray(),
        });
        using var output = new StringWriter();
        using var error = new StringWriter();
        if (OvsdbTool.Run(["query", file, query.ToJsonString()], output, error) != 0)
        {
            throw new ToolException(error.ToString().Trim());
        }

        var result = JsonNode.Parse(output.ToString())?[0];
        return result?["rows"] is JsonArray rows ? [.. rows.Select(row => row!)] : [];
    }

    private static IEnumerable<JsonNode> Follow(
        JsonNode? references, Dictionary<string, JsonNode> rows) =>
        OvsdbText.References(references).Where(rows.ContainsKey).Select(uuid => rows[uuid])
            .OrderBy(row => (string?)row["name"], StringComparer.Ordinal);

    private static JsonArray Insert(
        List<JsonObject> operations, string table, JsonNode row, string[] wanted,
        Func<string, string, bool> columns, params (string Column, JsonArray Named)[] references)
    {
        var copy = new JsonObject();
        foreach (var column in wanted)
        {
            if (!columns(table, column) || row[column] is not { } value) continue;
            copy[column] = value.DeepClone();
        }

        foreach (var (column, named) in references) copy[column] = new JsonArray("set", named);
        var name = $"row{operations.Count}";
        operations.Add(VsctlSession.Insert(table, copy, name));
        return new JsonArray("named-uuid", name);
    }
}
