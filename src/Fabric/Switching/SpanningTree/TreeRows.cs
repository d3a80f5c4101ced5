using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>Spanning trees as the Open_vSwitch database wants them.</summary>
internal static class TreeRows
{
    private static readonly ImmutableSortedDictionary<string, string[]> Columns =
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal,
        [
            KeyValuePair.Create<string, string[]>("Open_vSwitch", ["bridges"]),
            KeyValuePair.Create<string, string[]>(
                "Bridge",
                [
                    "name", "datapath_type", "ports", "mirrors", "stp_enable", "rstp_enable",
                    "other_config",
                ]),
            KeyValuePair.Create<string, string[]>(
                "Port", ["name", "interfaces", "other_config"]),
            KeyValuePair.Create<string, string[]>("Interface", ["name", "type"]),
            KeyValuePair.Create<string, string[]>("Mirror", ["output_port"]),
        ]);

    public static bool Concern(RowChange change) =>
        Columns.TryGetValue(change.Table, out var columns) && columns.Any(change.Touches);

    /// <summary>By bridge.</summary>
    public static ImmutableSortedDictionary<string, TreeWanted> Wanted(DatabaseSnapshot database)
    {
        var all = ImmutableSortedDictionary.CreateBuilder<string, TreeWanted>(
            StringComparer.Ordinal);
        foreach (var bridge in database.Table("Bridge").Rows)
        {
            var isRapid = bridge.GetBoolean("rstp_enable");
            if (!isRapid && !bridge.GetBoolean("stp_enable")) continue;
            var name = bridge.GetString("name");
            var config = bridge.GetMap("other_config");
            all[name] = new TreeWanted(
                bridge.Uuid, name, bridge.GetString("datapath_type"), isRapid,
                isRapid ? RapidSettingsOf(config) : SettingsOf(config),
                PortsOf(database, bridge, name, isRapid));
        }

        return all.ToImmutable();
    }

    /// <summary>Both are asked for: RSTP it is.</summary>
    public static bool AsksForBoth(Row bridge) =>
        bridge.GetBoolean("stp_enable") && bridge.GetBoolean("rstp_enable");

    private static TreeSettings SettingsOf(ImmutableSortedDictionary<string, string> config) =>
        new(
            AddressOf(config, "stp-system-id"),
            (ushort)NumberOf(
                config, "stp-priority", TreeSettings.PriorityDefault, 0, ushort.MaxValue),
            NumberOf(config, "stp-hello-time", TreeSettings.HelloTimeDefault, 1, 10),
            NumberOf(config, "stp-max-age", TreeSettings.MaxAgeDefault, 6, 40),
            NumberOf(config, "stp-forward-delay", TreeSettings.ForwardDelayDefault, 4, 30));

    private static TreeSettings RapidSettingsOf(
        ImmutableSortedDictionary<string, string> config) =>
        new(
            AddressOf(config, "rstp-address"),
            (ushort)(NumberOf(config, "rstp-priority", TreeSettings.PriorityDefault, 0, 0xF000)
                & 0xF000),
            TreeSettings.HelloTimeDefault,
            NumberOf(config, "rstp-max-age", TreeSettings.MaxAgeDefault, 6, 40),
            NumberOf(config, "rstp-forward-delay", TreeSettings.ForwardDelayDefault, 4, 30),
            NumberOf(config, "rstp-force-protocol-version",
                TreeSettings.ForceVersionDefault, 0, TreeSettings.ForceVersionDefault),
            NumberOf(
                config, "rstp-transmit-hold-count", TreeSettings.HoldCountDefault, 1, 10));

    private static MacBytes? AddressOf(
        ImmutableSortedDictionary<string, string> config, string key) =>
        MacBytes.TryParse(config.GetValueOrDefault(key, ""), out var id) && !id.IsZero
            ? id : null;

    /// <summary>Bonds, mirrors' outputs and the host's own devices are not of the tree.</summary>
    private static ImmutableSortedDictionary<string, TreePortSettings> PortsOf(
        DatabaseSnapshot database, Row bridge, string bridgeName, bool isRapid)
    {
        var ports = ImmutableSortedDictionary.CreateBuilder<string, TreePortSettings>(
            StringComparer.Ordinal);
        var outputs = bridge.GetReferences("mirrors")
            .Select(each => database.Find("Mirror", each))
            .SelectMany(each => each?.GetReferences("output_port") ?? []).ToHashSet();
        foreach (var id in bridge.GetReferences("ports"))
        {
            if (database.Find("Port", id) is not { } port || outputs.Contains(id)) continue;
            var faces = port.GetReferences("interfaces").ToArray();
            if (faces.Length != 1) continue;
            if (database.Find("Interface", faces[0]) is not { } face) continue;
            var name = face.GetString("name");
            if (name == bridgeName || face.GetString("type") == "internal") continue;
            var config = port.GetMap("other_config");
            if (config.GetValueOrDefault(isRapid ? "rstp-enable" : "stp-enable") == "false")
            {
                continue;
            }

            ports[name] = isRapid
                ? RapidPortOf(port, name, config) : StpPortOf(port, name, config);
        }

        return ports.ToImmutable();
    }

    private static TreePortSettings StpPortOf(
        Row port, string name, ImmutableSortedDictionary<string, string> config) =>
        new(
            port.Uuid, port.GetString("name"), name,
            NumberOf(config, "stp-port-num", 0, 1, 255),
            (byte)NumberOf(config, "stp-port-priority",
                TreePortSettings.PriorityDefault, 0, byte.MaxValue),
            NumberOf(config, "stp-path-cost", 0, 1, ushort.MaxValue));

    private static TreePortSettings RapidPortOf(
        Row port, string name, ImmutableSortedDictionary<string, string> config) =>
        new(
            port.Uuid, port.GetString("name"), name,
            NumberOf(config, "rstp-port-num", 0, 1, 4095),
            (byte)NumberOf(config, "rstp-port-priority",
                TreePortSettings.PriorityDefault, 0, 240),
            NumberOf(config, "rstp-path-cost", 0, 1, 200_000_000),
            config.GetValueOrDefault("rstp-port-admin-edge") == "true",
            config.GetValueOrDefault("rstp-port-auto-edge") != "false",
            config.GetValueOrDefault("rstp-port-mcheck") == "true");

    /// <summary>What is missing or out of range is as usual.</summary>
    private static int NumberOf(
        ImmutableSortedDictionary<string, string> config, string key, int usual, int min,
        int max) =>
        int.TryParse(
            config.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture,
            out var number) && number >= min && number <= max ? number : usual;
}
