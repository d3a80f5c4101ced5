using System.Collections.Immutable;
using System.Text;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>
/// Commands that choose between implementations of one step: of each there is one here.
/// </summary>
public static class ImplementationCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        Add("dpif-netdev/dpif-impl-get", "", 0,
            _ => "Available DPIF implementations:\n  dpif_scalar (pmds: none)\n");
        Add("dpif-netdev/dpif-impl-set", "dpif_implementation_name", 1, words => Only(
            words[0], "dpif_scalar", "DPIF implementation set to dpif_scalar.\n",
            $"DPIF implementation not available: Unknown DPIF implementation {words[0]}."));
        Add("dpif-netdev/miniflow-parser-get", "", 0,
            _ => "Available MFEX implementations:\n  scalar (available: True pmds: none)\n");
        Add("dpif-netdev/miniflow-parser-set",
            "[-pmd core] miniflow_implementation_name [study_pkt_cnt]", 1, words => Only(
                words.Length > 2 && words[0] == "-pmd" ? words[2] : words[0], "scalar",
                "Miniflow extract implementation set to scalar.\n",
                $"Error: unknown miniflow extract implementation {words[0]}."), max: 4);
        Add("dpif-netdev/subtable-lookup-info-get", "", 0,
            _ => $"Available dpcls implementations:\n"
                + $"  generic (Use count: {Subtables(store)}, Priority: 1)\n");
        Add("dpif-netdev/subtable-lookup-prio-get", "", 0,
            _ => $"Available dpcls implementations:\n"
                + $"  generic (Use count: {Subtables(store)}, Priority: 1)\n");
        Add("dpif-netdev/subtable-lookup-prio-set", "[lookup_func] [prio]", 2, words => Only(
            words[0], "generic",
            "Lookup priority change affected 0 dpcls ports and 0 subtables.\n",
            "error, subtable lookup function not found"));
        Add("odp-execute/action-impl-show", "", 0,
            _ => "Available Actions implementations:\n  scalar (available: Yes, active: Yes)\n");
        Add("odp-execute/action-impl-set", "name", 1, words => Only(
            words[0], "scalar", "Action implementation set to scalar.\n",
            $"Error: unknown action implementation, {words[0]}, specified!"));

        void Add(
            string name, string usage, int min, Func<ImmutableArray<string>, string> run,
            int? max = null) => commands.Register(
            name, usage, min, max ?? min, request => Task.FromResult(run(request.Arguments)));
    }

    private static string Only(string given, string known, string done, string unknown) =>
        given == known ? done : throw new UnixctlException(unknown);

    private static uint Subtables(SwitchStore store) => (uint)store.Datapaths
        .Where(each => each.Type != "system").Sum(each => each.Provider.Statistics().Masks);
}
