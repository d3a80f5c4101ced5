using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Arguments of ofproto/trace: a bridge and a flow, or a datapath flow.</summary>
internal static class TraceCommand
{
    private sealed record TraceOptions(
        List<ConntrackState> States, bool Generates, bool IsJson);

    public static string Run(SwitchStore store, ImmutableArray<string> arguments)
    {
        var states = new List<ConntrackState>();
        var words = new List<string>();
        var (generates, isJson) = (false, false);
        for (var i = 0; i < arguments.Length; i++)
        {
            var word = arguments[i];
            if (word is "-generate" or "--generate")
            {
                generates = true;
            }
            else if (word == "--json")
            {
                isJson = true;
            }
            else if (word is "--ct-next" or "-ct-next"
                || word.StartsWith("--ct-next=", StringComparison.Ordinal))
            {
                var text = word.Contains('=') ? word[(word.IndexOf('=') + 1)..]
                    : ++i < arguments.Length ? arguments[i] : "";
                if (!FlowTrace.TryParseState(text, out var state))
                {
                    throw new UnixctlException($"invalid connection state: {text}");
                }

                states.Add(state);
            }
            else if (word is not ("-consistent" or "--consistent"))
            {
                words.Add(word);
            }
        }

        return Run(store, words, new TraceOptions(states, generates, isJson));
    }

    private static string Run(
        SwitchStore store, List<string> words, TraceOptions options)
    {
        if (words.Count == 0) throw new UnixctlException("Must specify bridge name");
        foreach (var datapath in store.Datapaths)
        {
            if (words.Count < 2 || !datapath.Current.Bridges.TryGetValue(words[0], out var bridge))
            {
                continue;
            }

            return OfBridge(datapath, bridge, words[1], options);
        }

        return OfDatapath(store, words[^1], options);
    }

    private static string OfBridge(
        SwitchedDatapath datapath, BridgeSnapshot bridge, string flow,
        TraceOptions options)
    {
        if (!FlowText.TryParseFlow(flow, bridge, out var key, out var error))
        {
            throw new UnixctlException(error);
        }

        if (bridge.Ports.TryGetValue(key.InPort, out var port) && port.DatapathPort is { } number)
        {
            key.Flow.InPort = number;
        }

        var origin = new TranslationOrigin(bridge, key.InPort, 0, null)
        {
            Metadata = FlowMatch.Exact(in key, bridge.Pipeline.Current.Tlv),
        };
        return Trace(datapath, in key.Flow, origin, options);
    }

    private static string OfDatapath(
        SwitchStore store, string flow, TraceOptions options)
    {
        var datapath = store.Datapaths.FirstOrDefault(each => !each.Current.Bridges.IsEmpty())
            ?? throw new UnixctlException("Cannot find the datapath");
        uint? NumberOf(string name)
        {
            foreach (var port in datapath.Provider.Ports.Dump())
            {
                if (port.Name == name) return port.Number;
            }

            return null;
        }

        if (!OdpFlowText.TryParse(flow, NumberOf, out var key, out _, out var error))
        {
            throw new UnixctlException($"Bad openflow flow syntax: {error}");
        }

        if (!datapath.Current.ByDatapathPort.ContainsKey(key.InPort) && !key.HasTunnel)
        {
            throw new UnixctlException("Invalid port");
        }

        return Trace(datapath, in key, null, options);
    }

    private static string Trace(
        SwitchedDatapath datapath, in FlowKey key, TranslationOrigin? origin, TraceOptions options)
    {
        var trace = new FlowTrace(datapath);
        var text = trace.Run(in key, origin, options.States, options.Generates,
            PacketFor(in key, options.Generates));
        return options.IsJson ? trace.ToJson() : text;
    }

    /// <summary>-generate: the trace is of a packet that really goes its way.</summary>
    private static PacketBuffer? PacketFor(in FlowKey key, bool generates)
    {
        if (!generates) return null;
        var bytes = PacketBuilder.Compose(in key);
        var packet = new PacketBuffer(bytes.Length);
        packet.Load(bytes);
        return packet;
    }

    private static bool IsEmpty<TKey, TValue>(this IReadOnlyDictionary<TKey, TValue> items) =>
        items.Count == 0;
}
