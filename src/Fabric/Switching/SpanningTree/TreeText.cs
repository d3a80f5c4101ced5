using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>A spanning tree as stp/show prints it and as rows have it.</summary>
internal static class TreeText
{
    private const string Prefix = "stp_";

    public static string Of(TreeWanted wanted, StpBridge tree)
    {
        var text = new StringBuilder($"---- {wanted.Bridge} ----\n");
        var settings = tree.Settings;
        Add(text, "Root ID:", tree.DesignatedRoot, tree.HelloTime, tree.MaxAge,
            tree.ForwardDelay);
        if (tree.RootPort is { } root)
        {
            text.Append($"  root-port       {root.Name}\n");
            text.Append(
                CultureInfo.InvariantCulture, $"  root-path-cost  {tree.RootPathCost}\n");
        }
        else
        {
            text.Append("  This bridge is the root\n");
        }

        text.Append('\n');
        Add(text, "Bridge ID:", tree.Id, settings.HelloTime * 1000, settings.MaxAge * 1000,
            settings.ForwardDelay * 1000);
        text.Append("\n  Interface  Role       State      Cost  Pri.Nbr \n");
        text.Append("  ---------- ---------- ---------- ----- -------\n");
        foreach (var port in tree.Ports.Where(each => each.State != TreePortState.None))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"  {port.Name,-10} {RoleOf(tree, port),-10} {StateOf(port),-10} ");
            text.Append(CultureInfo.InvariantCulture,
                $"{port.PathCost,-5} {port.Priority}.{port.Number}\n");
        }

        return text.Append('\n').ToString();
    }

    private static void Add(
        StringBuilder text, string title, ulong id, long helloTime, long maxAge, long forwardDelay)
    {
        var mac = MacBytes.FromUInt64(id & 0xFFFF_FFFF_FFFF);
        text.Append(CultureInfo.InvariantCulture,
            $"{title}\n  stp-priority  {id >> 48}\n  stp-system-id   {mac}\n");
        text.Append(CultureInfo.InvariantCulture,
            $"  stp-hello-time  {helloTime / 1000}s\n  stp-max-age     {maxAge / 1000}s\n");
        text.Append(
            CultureInfo.InvariantCulture, $"  stp-fwd-delay   {forwardDelay / 1000}s\n");
    }

    private static string RoleOf(StpBridge tree, StpPort port) =>
        tree.RoleOf(port).ToString().ToLowerInvariant();

    private static string StateOf(StpPort port) => port.State == TreePortState.None
        ? "disabled" : port.State.ToString().ToLowerInvariant();

    private static string IdOf(ulong id) => $"{id >> 48:x4}.{id & 0xFFFF_FFFF_FFFF:x12}";

    /// <summary>Bridge.status.</summary>
    public static Datum StatusOf(StpBridge tree) => Map(
        ("stp_bridge_id", IdOf(tree.Id)), ("stp_designated_root", IdOf(tree.DesignatedRoot)),
        ("stp_root_path_cost", $"{tree.RootPathCost}"));

    /// <summary>Port.status.</summary>
    public static Datum StatusOf(StpBridge tree, StpPort port, long seconds) => Map(
        ("stp_port_id", $"{port.Id}"), ("stp_role", RoleOf(tree, port)),
        ("stp_sec_in_state", $"{seconds}"), ("stp_state", StateOf(port)));

    /// <summary>Port.statistics.</summary>
    public static Datum CountsOf(StpPort port) => Datum.Map(
        ImmutableSortedDictionary<string, long>.Empty
            .Add("stp_error_count", port.ErrorCount).Add("stp_rx_count", port.HeardCount)
            .Add("stp_tx_count", port.SentCount));

    /// <summary>True if the map has keys of a spanning tree.</summary>
    public static bool HasTree(Datum map)
    {
        foreach (var key in map.Keys)
        {
            if (IsOfTree(key.String)) return true;
        }

        return false;
    }

    /// <summary>The tree's keys in a map that others write too.</summary>
    public static Datum Beside(Datum before, Datum tree)
    {
        var all = tree.ToStringMap();
        foreach (var (key, value) in before.ToStringMap())
        {
            if (!IsOfTree(key)) all = all.SetItem(key, value);
        }

        return Datum.Map(all);
    }

    private static bool IsOfTree(string key) =>
        key.StartsWith(Prefix, StringComparison.Ordinal);

    private static Datum Map(params ReadOnlySpan<(string Key, string Value)> pairs)
    {
        var map = ImmutableSortedDictionary<string, string>.Empty;
        foreach (var (key, value) in pairs) map = map.Add(key, value);
        return Datum.Map(map);
    }
}
