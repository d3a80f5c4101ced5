using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>Datapaths by the names that dpctl takes: "type@name", or "name" alone.</summary>
internal static class DatapathLookup
{
    private const string NotFound = "ovs-vswitchd: datapath not found (Invalid argument)";

    public static bool IsName(string word) =>
        !word.StartsWith('-') && !word.Contains('(') && !word.Contains('=');

    public static SwitchedDatapath? Find(SwitchStore store, string name)
    {
        foreach (var each in store.Datapaths.Concat(store.ShownDatapaths))
        {
            var full = each.Provider.Name;
            if (full == name || full[(full.IndexOf('@', StringComparison.Ordinal) + 1)..] == name)
            {
                return each;
            }
        }

        return null;
    }

    /// <summary>"type@name"; "name" alone is of type system.</summary>
    public static (string Type, string Name) Split(string name)
    {
        var at = name.IndexOf('@', StringComparison.Ordinal);
        return at < 0 ? ("system", name) : (name[..at], name[(at + 1)..]);
    }

    /// <summary>As ovs-dpctl takes names where it wants one: whole.</summary>
    public static bool TryOpen(
        SwitchStore store, string name, out SwitchedDatapath datapath, out string reason)
    {
        var (type, own) = Split(name);
        datapath = store.ShownDatapaths.FirstOrDefault(
            each => each.Provider.Name == $"{type}@{own}")!;
        var isKnown = store.HandMadeTypes.Contains(type) || store.FindDatapath(type) is not null;
        reason = isKnown ? "No such device" : "Address family not supported by protocol";
        return datapath is not null;
    }

    /// <summary>The only datapath.</summary>
    /// <exception cref="UnixctlException">There is none, or there are several.</exception>
    public static SwitchedDatapath Only(SwitchStore store)
    {
        var shown = store.ShownDatapaths;
        if (shown.Length == 1) return shown[0];
        throw new UnixctlException((shown.IsEmpty
            ? "ovs-vswitchd: no datapaths exist\n"
            : "ovs-vswitchd: multiple datapaths, specify one\n") + NotFound);
    }

    /// <summary>Takes a datapath's name off the front of the words, if there is one.</summary>
    public static SwitchedDatapath Take(SwitchStore store, List<string> words, int wordsAfter)
    {
        if (words.Count <= wordsAfter) return Only(store);
        var name = words[0];
        words.RemoveAt(0);
        return Find(store, name) ?? throw new UnixctlException(NotFound);
    }

    public static uint? PortNumber(SwitchedDatapath datapath, string name)
    {
        foreach (var port in datapath.Provider.Ports.Dump())
        {
            if (port.Name == name) return port.Number;
        }

        return null;
    }
}
