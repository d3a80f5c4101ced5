using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>dpctl/add-dp and its like: datapaths and ports by hand (ovs-dpctl(8)).</summary>
/// <remarks>Datapaths of bridges go with their bridges, whatever is said here.</remarks>
public static class DatapathPortCommands
{
    private const string NoSuchType = "Address family not supported by protocol";

    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        Add("dpctl/add-dp", "dp [iface...]", 1, int.MaxValue, words => AddDatapath(store, words));
        Add("dpctl/del-dp", "dp", 1, 1, words => store.TryUnmake(Open(store, words[0])));
        Add("dpctl/add-if", "dp iface...", 2, int.MaxValue,
            words => AddPorts(Open(store, words[0]), words[1..]));
        Add("dpctl/del-if", "dp iface...", 2, int.MaxValue,
            words => RemovePorts(Open(store, words[0]), words[1..]));
        Add("dpctl/set-if", "dp iface...", 2, int.MaxValue,
            words => SetPorts(Open(store, words[0]), words[1..]));

        void Add(
            string name, string usage, int min, int max, Action<ImmutableArray<string>> run) =>
            commands.Register(name, usage, min, max, request =>
            {
                run([.. request.Arguments.Where(word => !word.StartsWith('-'))]);
                return Task.FromResult("");
            });
    }

    private static SwitchedDatapath Open(SwitchStore store, string name) =>
        DatapathLookup.TryOpen(store, name, out var datapath, out var reason)
            ? datapath : throw Problem($"opening datapath ({reason})");

    private static void AddDatapath(SwitchStore store, ImmutableArray<string> words)
    {
        var (type, name) = DatapathLookup.Split(words[0]);
        if (!store.HandMadeTypes.Contains(type)) throw Problem($"add_dp ({NoSuchType})");
        if (!store.TryMake(type, name)) throw Problem("add_dp (File exists)");
        AddPorts(Open(store, words[0]), words[1..]);
    }

    /// <summary>NAME[,type=TYPE][,port_no=N] each.</summary>
    private static void AddPorts(SwitchedDatapath datapath, ImmutableArray<string> words)
    {
        var ports = datapath.Provider.Ports;
        foreach (var word in words)
        {
            var (name, type, number) = Port(word);
            if (KindOf(type) is not { } kind)
            {
                throw Problem($"{name}: failed to open network device ({NoSuchType})");
            }

            if (kind == DatapathPortKind.System && !IsDevice(name))
            {
                throw Problem($"{name}: failed to open network device (No such device)");
            }

            var reason = ports.Dump().Any(each => each.Name == name) ? "File exists"
                : ports.Dump().Any(each => each.Number == number) ? "Device or resource busy"
                : null;
            if (reason is null && ports.TryAdd(
                new DatapathPortSpec(name, kind, number), out _, out _))
            {
                continue;
            }

            throw Problem($"adding {name} to {datapath.Provider.Name} failed "
                + $"({reason ?? "Invalid argument"})");
        }
    }

    private static bool IsDevice(string name) =>
        !OperatingSystem.IsLinux() || Directory.Exists($"/sys/class/net/{name}");

    /// <summary>What a port has cannot be changed, but it may be said again.</summary>
    private static void SetPorts(SwitchedDatapath datapath, ImmutableArray<string> words)
    {
        foreach (var word in words)
        {
            var (name, type, number) = Port(word);
            var port = datapath.Provider.Ports.Dump().FirstOrDefault(each => each.Name == name)
                ?? throw Problem($"{name}: failed to query port in {datapath.Provider.Name} "
                    + "(No such device)");
            if (number is { } wanted && wanted != port.Number)
            {
                throw Problem(
                    $"{name}: can't change port number from {port.Number} to {wanted}");
            }

            if (type is not null && KindOf(type) != port.Kind)
            {
                throw Problem($"{name}: can't change type from {port.Type} to {type}");
            }
        }
    }

    private static void RemovePorts(SwitchedDatapath datapath, ImmutableArray<string> words)
    {
        var dp = datapath.Provider.Name;
        foreach (var word in words)
        {
            var isOwn = word == "0" || word == DatapathLookup.Split(dp).Name;
            if (isOwn) throw Problem($"deleting port {word} from {dp} failed (Invalid argument)");
            var number = uint.TryParse(word, out var given)
                ? given : DatapathLookup.PortNumber(datapath, word);
            if (number is not { } port || !datapath.Provider.Ports.Remove(port))
            {
                throw Problem($"no port named {word}");
            }
        }
    }

    private static (string Name, string? Type, uint? Number) Port(string word)
    {
        var parts = word.Split(',');
        string? type = null;
        uint? number = null;
        foreach (var option in parts[1..])
        {
            var equals = option.IndexOf('=');
            var (name, value) = equals < 0
                ? (option, "") : (option[..equals], option[(equals + 1)..]);
            if (name == "type") type = value;
            else if (name != "port_no") throw Problem($"{option}: unknown option");
            else if (uint.TryParse(value, out var wanted)) number = wanted;
        }

        return (parts[0], type, number);
    }

    private static DatapathPortKind? KindOf(string? type) => type switch
    {
        "internal" => DatapathPortKind.Internal,
        "tap" => DatapathPortKind.Tap,
        "dummy" or "dummy-internal" or "dummy-pmd" => DatapathPortKind.Dummy,
        null or "system" or "" => DatapathPortKind.System,
        _ => null,
    };

    private static UnixctlException Problem(string text) => new($"ovs-vswitchd: {text}");
}
