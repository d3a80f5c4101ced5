using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>Datapaths by the names that dpctl takes: "type@name", or "name" alone.</summary>
internal static class DatapathLookup
{
    public static bool IsName(string word) =>
        !word.StartsWith('-') && !word.Contains('(') && !word.Contains('=');

    public static SwitchedDatapath? Find(SwitchStore store, string name)
    {
        foreach (var each in store.Datapaths)
        {
            var full = each.Provider.Name;
            if (full == name || full[(full.IndexOf('@', StringComparison.Ordinal) + 1)..] == name)
            {
                return each;
            }
        }

        return null;
    }

    /// <summary>The only datapath.</summary>
    /// <exception cref="UnixctlException">There is none, or there are several.</exception>
    public static SwitchedDatapath Only(SwitchStore store) => store.Datapaths.Length switch
    {
        0 => throw new UnixctlException("ovs-vswitchd: no datapaths exist (Invalid argument)"),
        1 => store.Datapaths[0],
        _ => throw new UnixctlException(
            "ovs-vswitchd: multiple datapaths, specify one (Invalid argument)"),
    };

    /// <summary>Takes a datapath's name off the front of the words, if there is one.</summary>
    public static SwitchedDatapath Take(SwitchStore store, List<string> words, int wordsAfter)
    {
        if (words.Count <= wordsAfter) return Only(store);
        var name = words[0];
        words.RemoveAt(0);
        return Find(store, name) ?? throw new UnixctlException(
            "ovs-vswitchd: datapath not found (Invalid argument)");
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
