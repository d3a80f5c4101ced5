using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>dpif/show-dp-features and dpif/set-dp-features.</summary>
/// <remarks>
/// What a datapath can do is probed when it is opened and cannot be switched off afterwards:
/// setting a feature to what it is succeeds, and anything else is refused. Native tunnelling alone
/// is ours to switch.
/// </remarks>
public static class DatapathFeatureCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        commands.Register("dpif/show-dp-features", "bridge", 1, 1, request =>
        {
            var datapath = Find(store, request.Arguments[0]);
            return Task.FromResult(string.Concat(Shown().Select(
                each => $"{each.Title}: {Shown(each.ValueOf(datapath))}\n")));
        });
        commands.Register("dpif/set-dp-features", "bridge", 1, 3, request =>
            Task.FromResult(Set(Find(store, request.Arguments[0]), request.Arguments)));
    }

    private static IEnumerable<DatapathFeature> Shown() =>
        DatapathFeature.All.Where(each => each.Title.Length > 0);

    private static string Shown(string value) => value switch
    {
        "true" => "Yes",
        "false" => "No",
        _ => value,
    };

    private static SwitchedDatapath Find(SwitchStore store, string bridge)
    {
        foreach (var datapath in store.Datapaths)
        {
            if (datapath.Current.Bridges.ContainsKey(bridge)) return datapath;
        }

        throw new UnixctlException("no such bridge");
    }

    private static string Set(SwitchedDatapath datapath, ImmutableArray<string> words)
    {
        if (words.Length == 1)
        {
            return string.Concat(Shown().Select(each =>
                $"{each.Name} ({each.Title}) : [run time]:{each.ValueOf(datapath)}, "
                + $"[boot time]:{each.ValueOf(datapath)}\n"));
        }

        var feature = DatapathFeature.All.FirstOrDefault(each => each.Name == words[1]);
        if (feature is null) return "Unexpected support field\n";
        if (words.Length == 2)
        {
            throw new UnixctlException("set-dp-features: no value given");
        }

        var wanted = words[2].ToLowerInvariant();
        if (feature.Name == DatapathFeature.NativeTunnels && datapath.Native is { } native)
        {
            native.IsOn = wanted == "true";
            return "";
        }

        var now = feature.ValueOf(datapath);
        return now == wanted ? "" : throw new UnixctlException(
            $"{feature.Name} is {now} and cannot be changed at run time");
    }
}
