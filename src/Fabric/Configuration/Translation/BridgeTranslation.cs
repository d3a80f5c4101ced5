using System.Collections.Immutable;
using Fabric.Switching;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Configuration;

/// <summary>Rows of Open_vSwitch to the bridges that shall exist: a pure function.</summary>
/// <remarks>
/// Nothing is judged here that ovs-vswitchd would not refuse either: a port with a strange type
/// becomes a spec, and whoever cannot open it says so in Interface.error.
/// </remarks>
public static class BridgeTranslation
{
    // Columns that a spec is made of. Others, such as statistics, make no new specs.
    private static readonly SortedDictionary<string, string[]> Columns =
        new(StringComparer.Ordinal)
        {
            ["Open_vSwitch"] = ["bridges", "next_cfg"],
            ["Bridge"] =
            [
                "name", "datapath_type", "fail_mode", "protocols", "controller", "ports", "mirrors",
                "other_config", "external_ids", "flow_tables", "flood_vlans", "sflow", "netflow",
                "ipfix", "mcast_snooping_enable",
            ],
            ["Port"] =
            [
                "name", "interfaces", "vlan_mode", "tag", "trunks", "cvlans", "bond_mode", "lacp",
                "bond_updelay", "bond_downdelay", "other_config", "protected", "qos",
            ],
            ["Interface"] =
            [
                "name", "type", "options", "ofport_request", "mtu_request", "mac", "other_config",
                "external_ids", "ingress_policing_rate", "ingress_policing_burst",
                "ingress_policing_kpkts_rate", "ingress_policing_kpkts_burst",
            ],
            ["Controller"] =
            [
                "target", "connection_mode", "max_backoff", "inactivity_probe",
                "controller_rate_limit", "controller_burst_limit", "type", "other_config",
            ],
            ["Mirror"] =
            [
                "name", "select_all", "select_src_port", "select_dst_port", "select_vlan",
                "output_port", "output_vlan", "snaplen",
            ],
            ["QoS"] = ["type", "other_config", "queues"],
            ["Queue"] = ["other_config"],
            ["Flow_Table"] = ["name", "flow_limit", "overflow_policy", "groups"],
            ["sFlow"] = ["targets", "header", "sampling", "polling", "agent"],
            ["NetFlow"] =
            [
                "targets", "active_timeout", "engine_type", "engine_id", "add_id_to_interface",
            ],
            ["IPFIX"] =
            [
                "targets", "sampling", "obs_domain_id", "obs_point_id", "cache_active_timeout",
                "cache_max_flows", "other_config",
            ],
            ["Flow_Sample_Collector_Set"] = ["id", "bridge", "ipfix"],
        };

    /// <summary>True if 'change' makes the specs different.</summary>
    public static bool IsRelevant(RowChange change)
    {
        if (!Columns.TryGetValue(change.Table, out var columns)) return false;
        if (change.IsInsert || change.IsDelete) return true;
        foreach (var column in columns)
        {
            if (change.Touches(column)) return true;
        }

        return false;
    }

    /// <summary>All bridges; Revision is next_cfg. None without a root row.</summary>
    public static BridgesWanted Translate(DatabaseSnapshot database)
    {
        var bridges = ImmutableSortedDictionary.CreateBuilder<string, BridgeSpec>(
            StringComparer.Ordinal);
        if (database.Table("Open_vSwitch").First is not { } root)
        {
            return new BridgesWanted(0, bridges.ToImmutable());
        }

        foreach (var uuid in root.GetReferences("bridges"))
        {
            if (database.Find("Bridge", uuid) is { } row)
            {
                bridges[row.GetString("name")] = BridgeOf(database, row);
            }
        }

        return new BridgesWanted(root.GetInteger("next_cfg"), bridges.ToImmutable());
    }

    private static BridgeSpec BridgeOf(DatabaseSnapshot database, Row row)
    {
        var ports = ImmutableSortedDictionary.CreateBuilder<string, PortSpec>(
            StringComparer.Ordinal);
        foreach (var uuid in row.GetReferences("ports"))
        {
            if (database.Find("Port", uuid) is { } port)
            {
                ports[port.GetString("name")] = PortOf(database, port);
            }
        }

        var controllers = ImmutableSortedDictionary.CreateBuilder<string, ControllerSpec>(
            StringComparer.Ordinal);
        foreach (var uuid in row.GetReferences("controller"))
        {
            if (database.Find("Controller", uuid) is { } controller)
            {
                controllers[controller.GetString("target")] = ControllerOf(controller);
            }
        }

        var mirrors = ImmutableSortedDictionary.CreateBuilder<string, MirrorSpec>(
            StringComparer.Ordinal);
        foreach (var uuid in row.GetReferences("mirrors"))
        {
            if (database.Find("Mirror", uuid) is { } mirror)
            {
                // Mirrors need no name, and may share one.
                mirrors[$"{mirror.GetString("name")} {uuid:D}"] = MirrorOf(database, mirror);
            }
        }

        return new BridgeSpec(
            row.GetString("name"), row.GetString("datapath_type"),
            row.GetStringOrNull("fail_mode"), row.GetStringSet("protocols"),
            controllers.ToImmutable(), ports.ToImmutable(), mirrors.ToImmutable(),
            row.GetMap("other_config"), row.GetMap("external_ids"))
        {
            FlowTables = FlowTablesOf(database, row),
            FloodVlans = IntegersOf(row, "flood_vlans"),
            SnoopsMulticast = row.GetBoolean("mcast_snooping_enable"),
            Sflow = SflowOf(database, row),
            Netflow = NetflowOf(database, row),
            Ipfix = row.GetReferences("ipfix")
                .Select(uuid => database.Find("IPFIX", uuid)).OfType<Row>()
                .Select(IpfixOf).FirstOrDefault(),
            CollectorSets = CollectorSetsOf(database, row.Uuid),
        };
    }

    private static ImmutableSortedDictionary<uint, IpfixSpec> CollectorSetsOf(
        DatabaseSnapshot database, Guid bridge)
    {
        var sets = ImmutableSortedDictionary<uint, IpfixSpec>.Empty;
        foreach (var set in database.Table("Flow_Sample_Collector_Set").Rows)
        {
            if (!set.GetReferences("bridge").Contains(bridge)) continue;
            foreach (var uuid in set.GetReferences("ipfix"))
            {
                if (database.Find("IPFIX", uuid) is not { } row) continue;
                sets = sets.SetItem((uint)set.GetInteger("id"), IpfixOf(row));
            }
        }

        return sets;
    }

    /// <summary>With OVS's values where the row has none.</summary>
    private static IpfixSpec IpfixOf(Row row)
    {
        const int Sampling = 400;
        var other = row.GetMap("other_config");
        return new IpfixSpec(
            EquatableArray.Create<string>([.. row.GetStringSet("targets")]),
            Math.Max(1, LongOf(row, "sampling") ?? Sampling), LongOf(row, "obs_domain_id") ?? 0,
            LongOf(row, "obs_point_id") ?? 0, IntegerOf(row, "cache_active_timeout") ?? 0,
            LongOf(row, "cache_max_flows") ?? 0,
            other.GetValueOrDefault("enable-input-sampling") != "false",
            other.GetValueOrDefault("enable-output-sampling") != "false");
    }

    private static long? LongOf(Row row, string column) =>
        row[column] is { Count: > 0 } value ? value.Keys[0].Integer : null;

    /// <summary>With OVS's values where the row has none.</summary>
    private static SflowSpec? SflowOf(DatabaseSnapshot database, Row bridge)
    {
        const int Header = 128, Sampling = 400, Polling = 30;
        foreach (var uuid in bridge.GetReferences("sflow"))
        {
            if (database.Find("sFlow", uuid) is not { } row) continue;
            return new SflowSpec(
                EquatableArray.Create<string>([.. row.GetStringSet("targets")]),
                Math.Clamp(IntegerOf(row, "header") ?? Header, 0, 256),
                Math.Max(1, IntegerOf(row, "sampling") ?? Sampling),
                Math.Max(0, IntegerOf(row, "polling") ?? Polling), row.GetStringOrNull("agent"));
        }

        return null;
    }

    private static NetflowSpec? NetflowOf(DatabaseSnapshot database, Row bridge)
    {
        const int ActiveTimeout = 600;
        foreach (var uuid in bridge.GetReferences("netflow"))
        {
            if (database.Find("NetFlow", uuid) is not { } row) continue;
            var timeout = row.GetInteger("active_timeout");
            return new NetflowSpec(
                EquatableArray.Create<string>([.. row.GetStringSet("targets")]),
                timeout == 0 ? ActiveTimeout : (int)Math.Clamp(timeout, -1, int.MaxValue),
                (byte)(IntegerOf(row, "engine_type") ?? 0),
                (byte)(IntegerOf(row, "engine_id") ?? 0), row.GetBoolean("add_id_to_interface"));
        }

        return null;
    }

    private static ImmutableSortedDictionary<int, FlowTableSpec> FlowTablesOf(
        DatabaseSnapshot database, Row row)
    {
        var tables = ImmutableSortedDictionary.CreateBuilder<int, FlowTableSpec>();
        var rows = row["flow_tables"];
        for (var i = 0; i < rows.Count; i++)
        {
            if (database.Find("Flow_Table", rows.Values[i].Uuid) is not { } table) continue;
            tables[(int)rows.Keys[i].Integer] = new FlowTableSpec(
                table.GetString("name"), IntegerOf(table, "flow_limit"),
                table.GetStringOrNull("overflow_policy") == "evict",
                table.GetStringSet("groups"));
        }

        return tables.ToImmutable();
    }

    private static PortSpec PortOf(DatabaseSnapshot database, Row row)
    {
        var interfaces = ImmutableSortedDictionary.CreateBuilder<string, InterfaceSpec>(
            StringComparer.Ordinal);
        foreach (var uuid in row.GetReferences("interfaces"))
        {
            if (database.Find("Interface", uuid) is { } one)
            {
                interfaces[one.GetString("name")] = InterfaceOf(one);
            }
        }

        return new PortSpec(
            row.GetString("name"), row.GetStringOrNull("vlan_mode"), IntegerOf(row, "tag"),
            IntegersOf(row, "trunks"), IntegersOf(row, "cvlans"),
            row.GetStringOrNull("bond_mode"), row.GetStringOrNull("lacp"),
            (int)Math.Clamp(row.GetInteger("bond_updelay"), 0, int.MaxValue),
            (int)Math.Clamp(row.GetInteger("bond_downdelay"), 0, int.MaxValue),
            row.GetMap("other_config"), interfaces.ToImmutable())
        {
            IsProtected = row.GetBoolean("protected"),
        };
    }

    private static InterfaceSpec InterfaceOf(Row row)
    {
        MacBytes? mac = MacBytes.TryParse(row.GetString("mac"), out var parsed) ? parsed : null;
        var last = IntegerOf(row, "ofport");
        return new InterfaceSpec(
            row.Uuid, row.GetString("name"), row.GetString("type"), row.GetMap("options"),
            IntegerOf(row, "ofport_request"), IntegerOf(row, "mtu_request"), mac,
            row.GetMap("other_config"), row.GetMap("external_ids"),
            OpenFlowPortLast: last > 0 ? last : null);
    }

    private static ControllerSpec ControllerOf(Row row) => new(
        row.GetString("target"), row.GetStringOrNull("connection_mode"),
        IntegerOf(row, "max_backoff"), IntegerOf(row, "inactivity_probe"),
        IntegerOf(row, "controller_rate_limit"), IntegerOf(row, "controller_burst_limit"),
        row.GetStringOrNull("type") ?? "primary", row.GetMap("other_config"));

    private static MirrorSpec MirrorOf(DatabaseSnapshot database, Row row) => new(
        row.GetString("name"), row.GetBoolean("select_all"),
        PortNamesOf(database, row, "select_src_port"),
        PortNamesOf(database, row, "select_dst_port"), IntegersOf(row, "select_vlan"),
        PortNamesOf(database, row, "output_port").FirstOrDefault(),
        IntegerOf(row, "output_vlan"), IntegerOf(row, "snaplen"));

    private static ImmutableSortedSet<string> PortNamesOf(
        DatabaseSnapshot database, Row row, string column)
    {
        var names = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var uuid in row.GetReferences(column))
        {
            if (database.Find("Port", uuid) is { } port) names.Add(port.GetString("name"));
        }

        return names.ToImmutable();
    }

    private static int? IntegerOf(Row row, string column) =>
        row.GetIntegerOrNull(column) is { } number
            ? (int)Math.Clamp(number, int.MinValue, int.MaxValue)
            : null;

    private static ImmutableSortedSet<int> IntegersOf(Row row, string column)
    {
        var numbers = ImmutableSortedSet.CreateBuilder<int>();
        foreach (var key in row[column].Keys) numbers.Add((int)key.Integer);
        return numbers.ToImmutable();
    }
}
