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
                ["name", "datapath_type", "ports", "mirrors", "stp_enable", "other_config"]),
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
            if (!bridge.GetBoolean("stp_enable")) continue;
            var name = bridge.GetString("name");
            var config = bridge.GetMap("other_config");
            all[name] = new TreeWanted(
                bridge.Uuid, name, bridge.GetString("datapath_type"), new TreeSettings(
                    MacBytes.TryParse(config.GetValueOrDefault("stp-system-id", ""), out var id)
                        && !id.IsZero ? id : null,
                    (ushort)NumberOf(config, "stp-priority",
                        TreeSettings.PriorityDefault, 0, ushort.MaxValue),
                    NumberOf(config, "stp-hello-time", TreeSettings.HelloTimeDefault, 1, 10),
                    NumberOf(config, "stp-max-age", TreeSettings.MaxAgeDefault, 6, 40),
                    NumberOf(config, "stp-forward-delay",
                        TreeSettings.ForwardDelayDefault, 4, 30)),
                PortsOf(database, bridge, name));
        }

        return all.ToImmutable();
    }

    /// <summary>Bonds, mirrors' outputs and the host's own devices are not of the tree.</summary>
    private static ImmutableSortedDictionary<string, TreePortSettings> PortsOf(
        DatabaseSnapshot database, Row bridge, string bridgeName)
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
            if (config.GetValueOrDefault("stp-enable") == "false") continue;
            ports[name] = new TreePortSettings(
                port.Uuid, port.GetString("name"), name,
                NumberOf(config, "stp-port-num", 0, 1, 255),
                (byte)NumberOf(config, "stp-port-priority",
                    TreePortSettings.PriorityDefault, 0, byte.MaxValue),
                NumberOf(config, "stp-path-cost", 0, 1, ushort.MaxValue));
        }

        return ports.ToImmutable();
    }

    /// <summary>What is missing or out of range is as usual.</summary>
    private static int NumberOf(
        ImmutableSortedDictionary<string, string> config, string key, int usual, int min,
        int max) =>
        int.TryParse(
            config.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture,
            out var number) && number >= min && number <= max ? number : usual;
}
