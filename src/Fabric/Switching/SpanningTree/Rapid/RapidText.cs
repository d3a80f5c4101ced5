using System.Collections.Immutable;
using System.Globalization;
using Fabric.Pipeline;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>A rapid tree as rstp/show prints it and as rows have it.</summary>
internal static class RapidText
{
    public static string Of(string bridge, RapidBridge tree)
    {
        var (root, settings) = (tree.RootTimes, tree.Settings);
        var text = TreeText.Head(
            bridge, "    ",
            new TreeIdentity(tree.Root.Root, root.HelloTime, root.MaxAge, root.ForwardDelay),
            new TreeIdentity(
                tree.Id, settings.HelloTime, settings.MaxAge, settings.ForwardDelay),
            tree.RootPort?.Name, tree.Root.Cost);
        text.Append("\n  Interface  Role       State      Cost     Pri.Nbr \n");
        text.Append("  ---------- ---------- ---------- -------- -------\n");
        foreach (var port in tree.Ports)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"  {port.Name,-10} {port.Role,-10} {StateOf(port),-10} ");
            text.Append(CultureInfo.InvariantCulture,
                $"{port.PathCost,-8} {port.Priority}.{port.Number}\n");
        }

        return text.Append('\n').ToString();
    }

    /// <summary>Bridge.rstp_status.</summary>
    public static Datum StatusOf(RapidBridge tree) => TreeText.Map(
        ("rstp_bridge_id", IdOf(tree.Id)),
        ("rstp_bridge_port_id", $"{tree.RootPort?.Id ?? 0:x4}"),
        ("rstp_designated_id", IdOf(tree.Root.Bridge)),
        ("rstp_designated_port_id", $"{tree.Root.Port:x4}"),
        ("rstp_root_id", IdOf(tree.Root.Root)),
        ("rstp_root_path_cost", $"{tree.Root.Cost}"));

    /// <summary>Port.rstp_status.</summary>
    public static Datum StatusOf(RapidPort port) => TreeText.Map(
        ("rstp_designated_bridge_id", IdOf(port.Held.Bridge)),
        ("rstp_designated_path_cost", $"{port.Held.Cost}"),
        ("rstp_designated_port_id", $"{port.Held.Port:x4}"),
        ("rstp_port_id", $"{port.Id:x4}"),
        ("rstp_port_role", $"{port.Role}"),
        ("rstp_port_state", StateOf(port)));

    /// <summary>Port.rstp_statistics.</summary>
    public static Datum CountsOf(RapidPort port) => Datum.Map(
        ImmutableSortedDictionary<string, long>.Empty
            .Add("rstp_error_count", port.ErrorCount).Add("rstp_rx_count", port.HeardCount)
            .Add("rstp_tx_count", port.SentCount).Add("rstp_uptime", port.Uptime));

    private static string StateOf(RapidPort port) =>
        port.State == TreePortState.Listening ? "Discarding" : $"{port.State}";

    /// <summary>Priority, the rest of its 16 bits, and the address.</summary>
    private static string IdOf(ulong id) =>
        $"{id >> 60:x1}.{(id >> 48) & 0xFFF:x3}.{id & 0xFFFF_FFFF_FFFF:x12}";
}
