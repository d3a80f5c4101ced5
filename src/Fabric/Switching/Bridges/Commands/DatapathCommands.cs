using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Akka.Actor;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>ovs-appctl's commands about datapaths and their flows.</summary>
public static class DatapathCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <param name="datapath">The datapath actor, asked anew each time: it may have
    /// changed.</param>
    public static void Register(
        UnixctlCommands commands, SwitchStore store, Func<ICanTell> datapath)
    {
        Add("dpif/show", "", 0, (_, _) => ShowBridges(store));
        Add("dpif/dump-dps", "", 0, (_, _) => string.Concat(store.Datapaths.SelectMany(each =>
            each.Current.BridgesInOrder.Select(bridge => $"{each.Type}@{bridge.Name}\n"))));
        Add("dpctl/dump-dps", "", 0, (_, _) => Names(store));
        Add("dpif/dump-flows", "[-m] [--names | --no-names] bridge", 3, DumpBridge, min: 1);
        Add("dpctl/show", "[-s] [dp...]", int.MaxValue, Show);
        Add("dpctl/dump-flows", "[-m] [--names] [--no-names] [dp] [filter=..] [type=..]", 6, Dump);
        UpcallCommands.Register(commands, store);
        commands.Register("revalidator/wait", "", 0, 0, _ => CheckAsync(purges: false));
        commands.Register("revalidator/purge", "", 0, 0, _ => CheckAsync(purges: true));

        void Add(
            string name, string usage, int max,
            Func<SwitchStore, ImmutableArray<string>, string> run, int min = 0) =>
            commands.Register(name, usage, min, max,
                request => Task.FromResult(run(store, request.Arguments)));

        async Task<string> CheckAsync(bool purges)
        {
            await datapath().Ask<FlowsChecked>(new CheckFlows(0, purges), Patience)
                .ConfigureAwait(false);
            return "";
        }
    }

    private static string Names(SwitchStore store) =>
        string.Concat(store.ShownDatapaths.Select(each => each.Provider.Name + "\n"));

    private static string ShowBridges(SwitchStore store)
    {
        var text = new StringBuilder();
        foreach (var datapath in store.ShownDatapaths)
        {
            if (!datapath.Current.BridgesInOrder.Any()) continue;
            var totals = datapath.Provider.Statistics();
            text.Append($"{datapath.Provider.Name}: hit:{totals.Hit} missed:{totals.Missed}\n");
            foreach (var bridge in datapath.Current.BridgesInOrder)
            {
                text.Append($"  {bridge.Name}:\n");
                var types = store.FindBridge(bridge.Name)?.Interfaces
                    .ToDictionary(each => each.Spec.Name, StringComparer.Ordinal) ?? [];
                foreach (var port in bridge.PortsInOrder.OrderBy(
                    each => each.Name, StringComparer.Ordinal))
                {
                    var number = Fabric.Wire.OpenFlow.OfPort.ToWire16(port.OpenFlowPort);
                    var place = port.DatapathPort?.ToString(CultureInfo.InvariantCulture) ?? "none";
                    var type = types.TryGetValue(port.Name, out var opened)
                        ? TypeOf(opened, datapath) : "";
                    text.Append($"    {port.Name} {number}/{place}: ({type})\n");
                }
            }
        }

        return text.ToString();
    }

    private static string TypeOf(InterfaceOpened opened, SwitchedDatapath datapath)
    {
        var type = opened.Spec.Type;
        if (opened.HasDevice)
        {
            type = opened.Port is null ? "" : TypeOf(opened.Port, datapath);
            return type.Length == 0 ? "system" : type;
        }

        var options = string.Join(
            ", ", opened.Spec.Options.Select(option => $"{option.Key}={option.Value}"));
        return options.Length == 0 ? type : $"{type}: {options}";
    }

    /// <summary>As dpctl names it; ports of the system have no name for their type.</summary>
    private static string TypeOf(DatapathPort port, SwitchedDatapath datapath)
    {
        if (datapath.Type == "system" && port.Kind == DatapathPortKind.Internal) return "internal";
        return port.Type == "system" ? "" : port.Type;
    }

    private static string Show(SwitchStore store, ImmutableArray<string> arguments)
    {
        var text = new StringBuilder();
        var names = arguments.Where(DatapathLookup.IsName).ToArray();
        if (names.Length == 0)
        {
            foreach (var each in store.ShownDatapaths) Show(text, each, arguments);
        }

        foreach (var name in names)
        {
            if (!DatapathLookup.TryOpen(store, name, out var datapath, out var reason))
            {
                throw new UnixctlException(
                    $"{text}ovs-vswitchd: opening datapath {name} failed ({reason})");
            }

            Show(text, datapath, arguments);
        }

        return text.ToString();
    }

    private static void Show(
        StringBuilder text, SwitchedDatapath datapath, ImmutableArray<string> arguments)
    {
        var totals = datapath.Provider.Statistics();
        text.Append($"{datapath.Provider.Name}:\n");
        text.Append($"  lookups: hit:{totals.Hit} missed:{totals.Missed} lost:{totals.Lost}\n");
        text.Append($"  flows: {totals.Flows}\n");
        if (datapath.Type == "system") AppendMasks(text, totals);
        var name = datapath.Provider.Name;
        var own = name[(name.IndexOf('@', StringComparison.Ordinal) + 1)..];
        var ownType = datapath.Type switch
        {
            "dummy" => "dummy-internal",
            "netdev" => "tap",
            _ => "internal",
        };
        text.Append($"  port 0: {own} ({ownType})\n");
        foreach (var port in datapath.Provider.Ports.Dump().OrderBy(each => each.Number))
        {
            text.Append($"  port {port.Number}: {port.Name}");
            var type = TypeOf(port, datapath);
            text.Append(type.Length == 0 ? "\n" : $" ({type})\n");
            if (arguments.Contains("-s")) AppendCounters(text, datapath, port.Number);
        }
    }

    private static void AppendMasks(StringBuilder text, DatapathStatistics totals)
    {
        var packets = Math.Max(1, totals.Hit + totals.Missed);
        text.Append(CultureInfo.InvariantCulture,
            $"  masks: hit:{totals.MaskHit} total:{totals.Masks} ");
        text.Append(CultureInfo.InvariantCulture,
            $"hit/pkt:{(double)totals.MaskHit / packets:f2}\n");
        text.Append(CultureInfo.InvariantCulture,
            $"  cache: hit:{totals.CacheHit} hit-rate:{100.0 * totals.CacheHit / packets:f2}%\n");
    }

    private static void AppendCounters(StringBuilder text, SwitchedDatapath datapath, uint number)
    {
        if (datapath.Provider.Ports.Statistics(number) is not { } counted) return;
        static string Of(ulong count) => count == PortStatistics.Unknown ? "?" : $"{count}";
        var others = counted.RxErrors == PortStatistics.Unknown ? "?" : "0";
        text.Append($"    RX packets:{counted.RxPackets} errors:{Of(counted.RxErrors)} "
            + $"dropped:{Of(counted.RxDropped)} overruns:{others} frame:{others}\n");
        text.Append($"    TX packets:{counted.TxPackets} errors:{Of(counted.TxErrors)} "
            + $"dropped:{Of(counted.TxDropped)} aborted:{others} carrier:{others}\n"
            + $"    collisions:{others}\n");
        text.Append($"    RX bytes:{counted.RxBytes}  TX bytes:{counted.TxBytes}\n");
    }

    private static string Dump(SwitchStore store, ImmutableArray<string> arguments)
    {
        var text = new StringBuilder();
        var filter = FlowFilter.Of(arguments);
        var datapath = DatapathLookup.Take(
            store, [.. arguments.Where(DatapathLookup.IsName)], 0);
        var flows = FlowLines(datapath, arguments, filter.Takes, ", ", ", dp:ovs");
        if (datapath.Type != "system" && flows.Count > 0)
        {
            text.Append("flow-dump from the main thread:\n");
        }

        foreach (var line in flows) text.Append(line).Append('\n');
        return text.ToString();
    }

    private static string DumpBridge(SwitchStore store, ImmutableArray<string> arguments)
    {
        var name = arguments.LastOrDefault(each => !each.StartsWith('-')) ?? "";
        foreach (var datapath in store.Datapaths)
        {
            if (!datapath.Current.Bridges.TryGetValue(name, out var bridge)) continue;
            var numbers = bridge.Ports.Values.Select(port => port.DatapathPort).ToHashSet();
            var lines = FlowLines(
                datapath, arguments,
                (in FlowKey key, in FlowKey _) => numbers.Contains(key.InPort), " ", "");
            return string.Concat(lines.Select(line => line + "\n"));
        }

        throw new UnixctlException("no such bridge");
    }

    private static List<string> FlowLines(
        SwitchedDatapath datapath, ImmutableArray<string> arguments, FlowPredicate wants,
        string afterId, string attributes)
    {
        var isVerbose = arguments.Contains("-m") || arguments.Contains("--more");
        var hasNames = arguments.Contains("--names")
            || (isVerbose && !arguments.Contains("--no-names"));
        var names = datapath.Provider.Ports.Dump()
            .ToDictionary(port => port.Number, port => port.Name);
        Func<uint, string?>? nameOf = hasNames ? names.GetValueOrDefault : null;
        var now = datapath.Time.Milliseconds();
        var lines = new List<string>();
        datapath.Provider.Flows.DumpWhole(
            (in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
                in FlowStatistics statistics) =>
            {
                if (!wants(in key, in mask)) return;
                var line = OdpFlowText.FormatLine(
                    in key, in mask, PrintedActions.Format(actions, false, nameOf),
                    in statistics, now, isVerbose, nameOf, isVerbose ? attributes : "");
                lines.Add(isVerbose
                    ? MegaflowId.ToText(MegaflowId.Of(in key, in mask)) + afterId + line : line);
            });
        return lines;
    }
}
