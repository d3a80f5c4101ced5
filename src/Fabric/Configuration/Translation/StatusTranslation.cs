using System.Collections.Immutable;
using Fabric.Switching;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What came of bridges and interfaces to rows of Open_vSwitch: a pure function.</summary>
/// <remarks>Only columns that differ from what the row holds make an operation.</remarks>
public static class StatusTranslation
{
    /// <summary>One transaction: all rows, then cur_cfg.</summary>
    public static ImmutableArray<Operation> Translate(
        DatabaseSnapshot database, BridgesReconciled reconciled, InterfaceFacts facts)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var (name, status) in reconciled.Bridges)
        {
            if (database.Table("Bridge").Find("name", name) is { } row)
            {
                AddBridge(row, status, operations);
            }

            AddInterfaces(database, status.Interfaces, facts, operations);
            AddBonds(database, status.ActiveMembers, operations);
        }

        if (database.Table("Open_vSwitch").First is not { } root) return operations.ToImmutable();
        AddDatapaths(database, root, reconciled, operations);
        if (root.GetInteger("cur_cfg") != reconciled.Revision)
        {
            operations.Add(Operation.UpdateRow(
                "Open_vSwitch", root.Uuid, new ColumnValue("cur_cfg", reconciled.Revision)));
        }

        return operations.ToImmutable();
    }

    public static ImmutableArray<Operation> Translate(
        DatabaseSnapshot database, InterfacesObserved observed, InterfaceFacts facts,
        bool withCounters = true)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        AddInterfaces(database, observed.Interfaces, facts, operations, withCounters);
        AddBonds(database, observed.ActiveMembers, operations);
        return operations.ToImmutable();
    }

    private static void AddBridge(
        Row row, BridgeStatus status, ImmutableArray<Operation>.Builder operations)
    {
        var values = ImmutableArray.CreateBuilder<ColumnValue>();
        SetIfDifferent(row, "datapath_id", $"{status.DatapathId:x16}", values);
        SetIfDifferent(row, "datapath_version", VersionOf(row), values);
        // Keys of a spanning tree are others' to write.
        var others = row.GetMap("status").Where(
            pair => pair.Key.StartsWith("stp_", StringComparison.Ordinal));
        SetIfDifferent(row, "status", Datum.Map(status.Status.SetItems(others)), values);
        Add(row, values, operations);
    }

    /// <summary>Rows of Datapath, which others make: what their type can do.</summary>
    private static void AddDatapaths(
        DatabaseSnapshot database, Row root, BridgesReconciled reconciled,
        ImmutableArray<Operation>.Builder operations)
    {
        foreach (var (type, can) in reconciled.Capabilities)
        {
            if (!root["datapaths"].TryGetValue(Atom.Of(type), out var reference)) continue;
            if (database.Find("Datapath", reference.Uuid) is not { } row) continue;
            var values = ImmutableArray.CreateBuilder<ColumnValue>();
            SetIfDifferent(row, "capabilities", Datum.Map(can), values);
            Add(row, values, operations);
        }
    }

    private static void AddBonds(
        DatabaseSnapshot database, ImmutableSortedDictionary<string, MacBytes> activeMembers,
        ImmutableArray<Operation>.Builder operations)
    {
        foreach (var (port, mac) in activeMembers)
        {
            if (database.Table("Port").Find("name", port) is not { } row) continue;
            var values = ImmutableArray.CreateBuilder<ColumnValue>();
            SetIfDifferent(row, "bond_active_slave", mac.ToString(), values);
            Add(row, values, operations);
        }
    }

    /// <summary>Datapaths of the process itself; the kernel's have none to tell.</summary>
    private static string VersionOf(Row bridge) =>
        bridge.GetString("datapath_type") is "" or "system" ? "<unknown>" : "<built-in>";

    private static void AddInterfaces(
        DatabaseSnapshot database, ImmutableArray<InterfaceStatus> interfaces, InterfaceFacts facts,
        ImmutableArray<Operation>.Builder operations, bool withCounters = true)
    {
        foreach (var status in interfaces)
        {
            if (database.Find("Interface", status.Row) is { } row)
            {
                AddInterface(row, status, facts, operations, withCounters);
            }
        }
    }

    private static void AddInterface(
        Row row, InterfaceStatus status, InterfaceFacts facts,
        ImmutableArray<Operation>.Builder operations, bool withCounters)
    {
        var values = ImmutableArray.CreateBuilder<ColumnValue>();
        SetIfDifferent(row, "ofport", status.OpenFlowPort, values);
        SetIfDifferent(row, "error", status.Error is { } error ? error : Datum.EmptySet, values);
        SetIfDifferent(
            row, "mac_in_use",
            status.MacInUse is { } mac ? mac.ToString() : Datum.EmptySet, values);
        var isOpen = status.OpenFlowPort >= 0;
        SetIfDifferent(
            row, "ifindex", OptionalOf(status.InterfaceIndex ?? (isOpen ? 0 : null)), values);
        SetIfDifferent(row, "link_resets", OptionalOf(isOpen ? facts.ResetsOf(status) : null),
            values);
        SetIfDifferent(row, "mtu", OptionalOf(status.Mtu), values);
        SetIfDifferent(row, "admin_state", StateOf(status.IsAdminUp), values);
        SetIfDifferent(row, "link_state", StateOf(status.IsLinkUp), values);
        var device = facts.DeviceOf(status);
        SetIfDifferent(
            row, "link_speed", OptionalOf(device.BitsPerSecond ?? status.LinkSpeed), values);
        SetIfDifferent(
            row, "duplex", device.Duplex is { } duplex ? duplex : Datum.EmptySet, values);
        SetIfDifferent(
            row, "status", Datum.Map(status.Status.SetItems(device.Driver)), values);
        if (withCounters)
        {
            SetIfDifferent(row, "statistics", Datum.Map(status.Statistics), values);
        }

        Add(row, values, operations);
    }

    private static Datum OptionalOf(long? number) => number is { } value ? value : Datum.EmptySet;

    private static Datum StateOf(bool? isUp) => isUp switch
    {
        true => "up",
        false => "down",
        _ => Datum.EmptySet,
    };

    private static void SetIfDifferent(
        Row row, string column, Datum value, ImmutableArray<ColumnValue>.Builder values)
    {
        if (!row[column].Equals(value)) values.Add(new ColumnValue(column, value));
    }

    private static void Add(
        Row row, ImmutableArray<ColumnValue>.Builder values,
        ImmutableArray<Operation>.Builder operations)
    {
        if (values.Count == 0) return;
        operations.Add(new Operation.Update(
            row.Schema.Name, [Condition.RowIs(row.Uuid)], values.ToImmutable()));
    }
}
