using System.Collections.Immutable;
using System.Text;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>ovs-appctl's commands about bridges: traces, addresses, flows.</summary>
public static class BridgeCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        BondCommands.Register(commands, store);
        MulticastCommands.Register(commands, store);
        Add("ofproto/list", "", 0, 0, _ =>
            string.Concat(store.Bridges.Select(bridge => bridge.Name + "\n")));
        Add("ofproto/list-tunnels", "", 0, 0, _ => ListTunnels(store));
        Add("ofproto/trace",
            "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]", 1, 64,
            arguments => TraceCommand.Run(store, arguments));
        Add("ofproto/trace-packet-out",
            "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] "
            + "actions", 2, 64, arguments => TraceCommand.RunPacketOut(store, arguments));
        Add("bridge/dump-flows", "[--offload-stats] bridge", 1, 2,
            arguments => FlowDump.Of(store, arguments[^1], arguments.Length == 2));
        Add("fdb/show", "bridge", 1, 1,
            arguments => ShowAddresses(store, Find(store, arguments[0])));
        Add("fdb/flush", "[bridge]", 0, 1, arguments =>
        {
            foreach (var bridge in Chosen(store, arguments)) bridge.Pipeline.Macs.Flush();
            return "table successfully flushed\n";
        });
        Add("fdb/stats-show", "bridge", 1, 1, arguments => string.Concat(
            Chosen(store, arguments).Select(Totals)));
        Add("fdb/stats-clear", "[bridge]", 0, 1, arguments =>
        {
            foreach (var bridge in Chosen(store, arguments)) bridge.Pipeline.Macs.ClearTotals();
            return "statistics successfully cleared\n";
        });
        Add("fdb/add", "bridge port vlan mac", 4, 4, arguments => AddAddress(store, arguments));
        Add("fdb/del", "bridge vlan mac", 3, 3, arguments => RemoveAddress(store, arguments));

        void Add(
            string name, string usage, int min, int max,
            Func<ImmutableArray<string>, string> run) =>
            commands.Register(
                name, usage, min, max, request => Task.FromResult(run(request.Arguments)));
    }

    internal static BridgeState Find(SwitchStore store, string name) =>
        store.FindBridge(name) ?? throw new UnixctlException("no such bridge");

    private static IEnumerable<BridgeState> Chosen(
        SwitchStore store, ImmutableArray<string> arguments) =>
        arguments.IsEmpty ? store.Bridges : [Find(store, arguments[0])];

    internal static BridgeSnapshot? SnapshotOf(SwitchStore store, string bridge)
    {
        foreach (var datapath in store.Datapaths)
        {
            if (datapath.Current.Bridges.TryGetValue(bridge, out var found)) return found;
        }

        return null;
    }

    private static string ShowAddresses(SwitchStore store, BridgeState bridge)
    {
        var now = store.Time.Milliseconds();
        var text = new StringBuilder(" port  VLAN  MAC                Age\n");
        foreach (var entry in bridge.Pipeline.Macs.Dump())
        {
            var port = entry.OpenFlowPort == OfPort.Local
                ? "LOCAL" : OfPort.ToText(entry.OpenFlowPort);
            var age = entry.IsStatic ? "static" : $"{(now - entry.UsedMilliseconds) / 1000,3}";
            text.Append($"{port,5}  {entry.Vlan,4}  {entry.Mac}  {age}\n");
        }

        return text.ToString();
    }

    private static string Totals(BridgeState bridge)
    {
        var macs = bridge.Pipeline.Macs;
        var (learned, expired, evicted, moved) = macs.Totals;
        return $"Statistics for bridge \"{bridge.Name}\":\n"
            + $"  Current/maximum MAC entries in the table: {macs.Count}/{macs.CountMax}\n"
            + "  Current static MAC entries in the table : "
            + $"{macs.Dump().Count(entry => entry.IsStatic)}\n"
            + $"  Total number of learned MAC entries     : {learned}\n"
            + $"  Total number of expired MAC entries     : {expired}\n"
            + $"  Total number of evicted MAC entries     : {evicted}\n"
            + $"  Total number of port moved MAC entries  : {moved}\n";
    }

    private static string AddAddress(SwitchStore store, ImmutableArray<string> arguments)
    {
        var bridge = Find(store, arguments[0]);
        var port = SnapshotOf(store, bridge.Name)?.PortsInOrder
            .FirstOrDefault(each => each.Name == arguments[1]
                || OfPort.ToText(each.OpenFlowPort) == arguments[1])
            ?? throw new UnixctlException("software error, odp port is present but no ofp port");
        var (vlan, mac) = Station(arguments[2], arguments[3]);
        var old = bridge.Pipeline.Macs.Dump().FirstOrDefault(
            each => each.Vlan == vlan && each.Mac == mac);
        bridge.Pipeline.Macs.AddStatic(
            mac, vlan, port.Bundle, port.OpenFlowPort, store.Time.Milliseconds());
        if (old is null) return "";
        var kind = old.IsStatic ? "static" : "dynamic";
        return $"Overriding already existing {kind} entry on {OfPort.ToText(old.OpenFlowPort)}\n";
    }

    private static string RemoveAddress(SwitchStore store, ImmutableArray<string> arguments)
    {
        var bridge = Find(store, arguments[0]);
        var (vlan, mac) = Station(arguments[1], arguments[2]);
        return bridge.Pipeline.Macs.Remove(mac, vlan)
            ? "" : throw new UnixctlException("could not find static mac entry");
    }

    private static (ushort Vlan, MacBytes Mac) Station(string vlan, string mac)
    {
        if (!ushort.TryParse(vlan, out var number)) throw new UnixctlException("bad VLAN");
        return MacBytes.TryParse(mac, out var address)
            ? (number, address) : throw new UnixctlException("bad MAC address");
    }

    private static string KeyText(ulong key) => key == 0 ? "0" : $"0x{key:x}";

    private static string ListTunnels(SwitchStore store)
    {
        var text = new StringBuilder();
        foreach (var datapath in store.Datapaths)
        {
            foreach (var port in datapath.Current.BridgesInOrder
                .SelectMany(bridge => bridge.PortsInOrder))
            {
                if (port is not { Tunnel: { } tunnel, DatapathPort: { } number }) continue;
                var local = tunnel.IsLocalByFlow ? "flow" : tunnel.Local?.ToString() ?? "::";
                var remote = tunnel.IsRemoteByFlow ? "flow" : tunnel.Remote?.ToString();
                var key = tunnel.IsKeyInByFlow ? "flow" : KeyText(tunnel.KeyIn ?? 0);
                var kind = tunnel.Kind.ToString().ToLowerInvariant();
                text.Append($"port {number}: {port.Name} ({kind}: "
                    + $"{local}->{remote}, key={key}, legacy_l2, dp port={number}, "
                    + $"ttl={tunnel.Ttl}{(tunnel.HasChecksum ? ", csum=true" : "")})\n");
            }
        }

        return text.ToString();
    }
}
