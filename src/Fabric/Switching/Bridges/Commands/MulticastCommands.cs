using System.Collections.Immutable;
using System.Text;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>ovs-appctl's commands about multicast snooping: mdb/show, mdb/flush.</summary>
internal static class MulticastCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        commands.Register("mdb/show", "bridge", 1, 1, request =>
            Task.FromResult(Show(store, request.Arguments[0])));
        commands.Register("mdb/flush", "[bridge]", 0, 1, request =>
            Task.FromResult(Flush(store, request.Arguments)));
    }

    private static string Show(SwitchStore store, string name)
    {
        var bridge = BridgeCommands.Find(store, name);
        if (BridgeCommands.SnapshotOf(store, name) is not { SnoopsMulticast: true } snapshot)
        {
            throw new UnixctlException("multicast snooping is disabled");
        }

        var now = store.Time.Milliseconds();
        var text = new StringBuilder(" port  VLAN  GROUP                Age\n");
        foreach (var each in bridge.Pipeline.Multicast.Dump())
        {
            if (!snapshot.Bundles.TryGetValue(each.Port, out var bundle)) continue;
            if (bundle.Members.IsEmpty) continue;
            var port = OfPort.ToText(bundle.Members[0]);
            var group = each.Group is { } address ? $"{address}         " : "querier             ";
            var age = (now - each.HeardMilliseconds) / 1000;
            text.Append($"{port,5}  {each.Vlan,4}  {group}{age,3}\n");
        }

        return text.ToString();
    }

    private static string Flush(SwitchStore store, ImmutableArray<string> arguments)
    {
        if (arguments.IsEmpty)
        {
            foreach (var each in store.Bridges) each.Pipeline.Multicast.Flush();
            return "table successfully flushed\n";
        }

        var bridge = BridgeCommands.Find(store, arguments[0]);
        if (BridgeCommands.SnapshotOf(store, arguments[0]) is not { SnoopsMulticast: true })
        {
            throw new UnixctlException("multicast snooping is disabled");
        }

        bridge.Pipeline.Multicast.Flush();
        return "table successfully flushed\n";
    }
}
