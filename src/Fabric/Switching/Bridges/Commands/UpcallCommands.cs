using System.Collections.Immutable;
using System.Text;
using Fabric.Host;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>upcall/*: how misses become flows, and how many there may be.</summary>
internal static class UpcallCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        var hasIds = true;
        Add("upcall/show", 0, "", _ => Show(store, hasIds));
        Add("upcall/set-flow-limit", 1, "flow-limit-number", words =>
        {
            // What is no number is 0, as to ovs-vswitchd.
            var limit = int.TryParse(words[0], out var given) ? Math.Max(0, given) : 0;
            foreach (var datapath in store.Datapaths) datapath.Revalidator.FlowLimit = limit;
            return $"set flow_limit to {limit}\n";
        });
        Add("upcall/disable-megaflows", 0, "", _ => Switch(store, false));
        Add("upcall/enable-megaflows", 0, "", _ => Switch(store, true));

        // Flows are always dumped tersely here: what changes is what upcall/show says.
        Add("upcall/disable-ufid", 0, "", _ =>
        {
            hasIds = false;
            return "Datapath dumping tersely using UFID disabled\n";
        });
        Add("upcall/enable-ufid", 0, "", _ =>
        {
            hasIds = true;
            return "Datapath dumping tersely using UFID enabled for supported datapaths\n";
        });

        void Add(string name, int count, string usage, Func<ImmutableArray<string>, string> run) =>
            commands.Register(name, usage, count, count,
                request => Task.FromResult(run(request.Arguments)));
    }

    /// <summary>Flows of the other kind go.</summary>
    private static string Switch(SwitchStore store, bool makes)
    {
        foreach (var datapath in store.Datapaths)
        {
            datapath.Upcalls.MakesMegaflows = makes;
            datapath.Revalidator.Purge();
        }

        return makes ? "megaflows enabled\n" : "megaflows disabled\n";
    }

    private static string Show(SwitchStore store, bool hasIds)
    {
        var text = new StringBuilder();
        foreach (var datapath in store.Datapaths)
        {
            var state = datapath.Revalidator;
            text.Append($"{datapath.Provider.Name}:\n");
            text.Append($"  flows         : (current {datapath.Provider.Flows.Count}) "
                + $"(avg {state.AverageCount}) (max {state.CountMax}) (limit {state.FlowLimit})\n");
            text.Append($"  dump duration : {state.DurationMilliseconds}ms\n");
            text.Append($"  ufid enabled : {(hasIds ? "true" : "false")}\n\n");
            text.Append($"  5: (keys {datapath.FlowsKept})\n");
        }

        return text.ToString();
    }
}
