using System.Collections.Immutable;
using System.Text;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.Host;

/// <summary>dpctl/add-flow and its like: flows of a datapath by hand (ovs-dpctl(8)).</summary>
/// <remarks>
/// What is put here the revalidator judges as any other flow: it goes when the tables say
/// something else about its packets.
/// </remarks>
public static class DatapathFlowCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        Add("dpctl/add-flow", "[dp] flow actions", 2, 3, words =>
            Put(DatapathLookup.Take(store, words, 2), words[0], words[1], mayReplace: false));
        Add("dpctl/mod-flow", "[dp] flow actions", 2, 3, words =>
            Put(DatapathLookup.Take(store, words, 2), words[0], words[1], mayReplace: true));
        Add("dpctl/del-flow", "[dp] flow", 1, 2, words =>
            Delete(DatapathLookup.Take(store, words, 1), words[0]));
        Add("dpctl/get-flow", "[dp] ufid", 1, 2, words =>
            Get(DatapathLookup.Take(store, words, 1), words[0]));
        Add("dpctl/add-flows", "[dp] file", 1, 2, words =>
            FromFile(DatapathLookup.Take(store, words, 1), words[0], "add"));
        Add("dpctl/mod-flows", "[dp] file", 1, 2, words =>
            FromFile(DatapathLookup.Take(store, words, 1), words[0], "modify"));
        Add("dpctl/parse-actions", "actions", 1, 1, words =>
            OdpActionText.Format(Actions(null, words[0])) + "\n");
        Add("dpctl/del-flows", "[dp] [file]", 0, 2, words => DeleteAll(store, words));
        Add("dpctl/cache-get-size", "[dp]", 0, 1, words => CacheSizes(store, words));

        void Add(string name, string usage, int min, int max, Func<List<string>, string> run) =>
            commands.Register(name, usage, min, max, request => Task.FromResult(run(
            [
                .. request.Arguments.Where(
                    word => !word.StartsWith('-') || word.Contains('(')),
            ])));
    }

    /// <summary>All of a datapath, or those that a file names.</summary>
    private static string DeleteAll(SwitchStore store, List<string> words)
    {
        var isNamed = words.Count > 0 && DatapathLookup.Find(store, words[0]) is not null;
        var datapath = words.Count == 2 || isNamed
            ? DatapathLookup.Take(store, words, 0) : DatapathLookup.Only(store);
        if (words.Count > 0) return FromFile(datapath, words[0], "delete");
        datapath.Revalidator.Purge();
        return "";
    }

    private static string CacheSizes(SwitchStore store, List<string> words)
    {
        if (words.Count == 0)
        {
            return string.Concat(
                store.ShownDatapaths.Select(each => each.Provider.Name + ":\n"));
        }

        return DatapathLookup.TryOpen(store, words[0], out var datapath, out var reason)
            ? datapath.Provider.Name + ":\n"
            : throw new UnixctlException(
                $"ovs-vswitchd: Opening datapath {words[0]} failed ({reason})");
    }

    private static string Put(
        SwitchedDatapath datapath, string flow, string actions, bool mayReplace)
    {
        var (key, mask) = Flow(datapath, flow);
        var parsed = Actions(datapath, actions);
        var isThere = datapath.Provider.Flows.Find(in key, in mask);
        if (isThere && !mayReplace)
        {
            throw new UnixctlException("ovs-vswitchd: updating flow table (File exists)");
        }

        if (!isThere && mayReplace)
        {
            throw new UnixctlException(
                "ovs-vswitchd: updating flow table (No such file or directory)");
        }

        return datapath.Provider.Flows.Put(in key, in mask, parsed) switch
        {
            FlowPutResult.Added or FlowPutResult.Replaced => "",
            FlowPutResult.Full => throw new UnixctlException(
                "ovs-vswitchd: updating flow table (No space left on device)"),
            _ => throw new UnixctlException(
                "ovs-vswitchd: updating flow table (Operation not supported)"),
        };
    }

    private static bool Find(this IDatapathFlows flows, in FlowKey key, in FlowKey mask)
    {
        var wanted = MegaflowId.Of(in key, in mask);
        var isFound = false;
        flows.Dump((
            in FlowKey each, in FlowKey eachMask, ImmutableArray<DatapathAction> _,
            in FlowStatistics _) => isFound |= MegaflowId.Of(in each, in eachMask) == wanted);
        return isFound;
    }

    private static string Delete(SwitchedDatapath datapath, string flow)
    {
        if (flow.StartsWith("ufid:", StringComparison.Ordinal) && !flow.Contains('('))
        {
            var (found, foundMask) = FlowOf(datapath, flow) ?? throw new UnixctlException(
                "ovs-vswitchd: deleting flow (No such file or directory)");
            datapath.Provider.Flows.Delete(in found, in foundMask, out _);
            return "";
        }

        var (key, mask) = Flow(datapath, flow, "{0}");
        return datapath.Provider.Flows.Delete(in key, in mask, out _)
            ? ""
            : throw new UnixctlException(
                "ovs-vswitchd: deleting flow (No such file or directory)\n"
                + "Perhaps you need to specify a UFID?");
    }

    private static string Get(SwitchedDatapath datapath, string id)
    {
        if (!id.StartsWith("ufid:", StringComparison.Ordinal) || id.Length != 41)
        {
            return "ovs-vswitchd: parsing flow ufid\n"; // As ovs-vswitchd, no error.
        }

        string? line = null;
        var now = datapath.Time.Milliseconds();
        datapath.Provider.Flows.DumpWhole((
            in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
            in FlowStatistics statistics) =>
        {
            if (MegaflowId.ToText(MegaflowId.Of(in key, in mask)) != id) return;
            line = OdpFlowText.FormatLine(
                in key, in mask, OdpActionText.Format(actions), in statistics, now);
        });
        return line is null
            ? throw new UnixctlException("ovs-vswitchd: getting flow (No such file or directory)")
            : line + "\n";
    }

    private static (FlowKey Key, FlowKey Mask)? FlowOf(SwitchedDatapath datapath, string id)
    {
        (FlowKey, FlowKey)? found = null;
        datapath.Provider.Flows.Dump((
            in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> _,
            in FlowStatistics _) =>
        {
            if (MegaflowId.ToText(MegaflowId.Of(in key, in mask)) == id) found = (key, mask);
        });
        return found;
    }

    /// <summary>Lines "[add|modify|delete] FLOW ACTIONS"; '#' begins a comment.</summary>
    private static string FromFile(SwitchedDatapath datapath, string path, string standard)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No error to ovs-vswitchd: it is an answer.
            var reason = error is FileNotFoundException or DirectoryNotFoundException
                ? "No such file or directory" : "Permission denied";
            return $"ovs-vswitchd: Opening file \"{path}\" failed ({reason})\n";
        }

        var text = new StringBuilder();
        foreach (var raw in lines)
        {
            var line = raw.Split('#')[0].Trim();
            if (line.Length == 0) continue;
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToList();
            var verb = words[0] is "add" or "modify" or "delete" ? words[0] : standard;
            if (verb == words[0]) words.RemoveAt(0);
            if (verb == "delete") text.Append(Delete(datapath, string.Concat(words)));
            else
            {
                // The actions are the last word; a flow may have blanks after its commas.
                text.Append(Put(
                    datapath, string.Concat(words[..^1]), words[^1], verb == "modify"));
            }
        }

        return text.ToString();
    }

    /// <param name="complaint">What is said of {0}, the error.</param>
    private static (FlowKey Key, FlowKey Mask) Flow(
        SwitchedDatapath datapath, string text, string complaint = "parsing flow key ({0})")
    {
        if (text.StartsWith("ufid:", StringComparison.Ordinal))
        {
            text = text[(text.IndexOf(',') + 1)..];
        }

        if (!OdpFlowText.TryParse(
            text, name => DatapathLookup.PortNumber(datapath, name), out var key, out var mask,
            out var error))
        {
            throw new UnixctlException(
                $"ovs-vswitchd: {string.Format(null, complaint, error)} (Invalid argument)");
        }

        mask.RecirculationIdWire = uint.MaxValue; // No flow is for packets at every stage.
        return (key, mask);
    }

    private static ImmutableArray<DatapathAction> Actions(SwitchedDatapath? datapath, string text)
    {
        Func<string, uint?>? number = datapath is null
            ? null : name => DatapathLookup.PortNumber(datapath, name);
        return OdpActionText.TryParse(text, number, out var actions, out _)
            ? actions
            : throw new UnixctlException(datapath is null
                ? "ovs-vswitchd: odp_actions_from_string (Invalid argument)"
                : "ovs-vswitchd: parsing actions (Invalid argument)");
    }
}
