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
    private const string RapidPrefix = "rstp_";

    public static string Of(string bridge, StpBridge tree)
    {
        var settings = tree.Settings;
        var text = Head(
            bridge, "  ", new TreeIdentity(
                tree.DesignatedRoot, tree.HelloTime / 1000, tree.MaxAge / 1000,
                tree.ForwardDelay / 1000),
            new TreeIdentity(
                tree.Id, settings.HelloTime, settings.MaxAge, settings.ForwardDelay),
            tree.RootPort?.Name, tree.RootPathCost);
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

    /// <summary>What stp/show and rstp/show begin with.</summary>
    /// <param name="gap">After "stp-priority": STP has two blanks, RSTP four.</param>
    /// <param name="rootPort">Null: this bridge is the root.</param>
    public static StringBuilder Head(
        string bridge, string gap, TreeIdentity root, TreeIdentity own, string? rootPort,
        uint rootPathCost)
    {
        var text = new StringBuilder($"---- {bridge} ----\n");
        Add(text, "Root ID:", gap, root);
        if (rootPort is not null)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"  root-port       {rootPort}\n  root-path-cost  {rootPathCost}\n");
        }
        else
        {
            text.Append("  This bridge is the root\n");
        }

        text.Append('\n');
        Add(text, "Bridge ID:", gap, own);
        return text;
    }

    private static void Add(StringBuilder text, string title, string gap, TreeIdentity of)
    {
        var mac = MacBytes.FromUInt64(of.Id & 0xFFFF_FFFF_FFFF);
        text.Append(CultureInfo.InvariantCulture,
            $"{title}\n  stp-priority{gap}{of.Id >> 48}\n  stp-system-id   {mac}\n");
        text.Append(CultureInfo.InvariantCulture,
            $"  stp-hello-time  {of.HelloTime}s\n  stp-max-age     {of.MaxAge}s\n");
        text.Append(CultureInfo.InvariantCulture, $"  stp-fwd-delay   {of.ForwardDelay}s\n");
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
        key.StartsWith(Prefix, StringComparison.Ordinal)
        || key.StartsWith(RapidPrefix, StringComparison.Ordinal);

    public static Datum Map(params ReadOnlySpan<(string Key, string Value)> pairs)
    {
        var map = ImmutableSortedDictionary<string, string>.Empty;
        foreach (var (key, value) in pairs) map = map.Add(key, value);
        return Datum.Map(map);
    }
}

/// <summary>A bridge and its times, in seconds.</summary>
internal readonly record struct TreeIdentity(
    ulong Id, long HelloTime, long MaxAge, long ForwardDelay);
