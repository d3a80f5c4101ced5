using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>ofproto/trace and ofproto/trace-packet-out: from words to a trace.</summary>
/// <remarks>
/// "[DATAPATH] ODP_FLOW" or "BRIDGE FLOW", then the packet in hexadecimal digits, if there is one
/// (ovs-vswitchd(8)). Which of the two a flow is, its own syntax tells.
/// </remarks>
internal static class TraceCommand
{
    private const int EthernetHeaderSize = 14;

    public static string Run(SwitchStore store, ImmutableArray<string> arguments)
    {
        var options = TraceOptions.Parse(arguments, isPacketOut: false);
        var words = options.Words;
        if (words.Count == 0) throw new UnixctlException("syntax error: no flow");
        var packet = TakePacket(words, options);
        return Trace(Place(store, words, packet), null, options);
    }

    /// <summary>A packet as a controller's packet-out would send it.</summary>
    public static string RunPacketOut(SwitchStore store, ImmutableArray<string> arguments)
    {
        var options = TraceOptions.Parse(arguments, isPacketOut: true);
        var words = options.Words;
        if (words.Count < 2) throw new UnixctlException("Must specify bridge name");
        var text = words[^1];
        words.RemoveAt(words.Count - 1);
        var packet = words.Count > 2 ? TakePacket(words, options) : null;
        if (!OfActionText.TryParse(text, out var actions, out var error))
        {
            throw new UnixctlException($"Bad action syntax: {error}");
        }

        return Trace(Place(store, words, packet), actions, options);
    }

    /// <summary>The last word when it is a packet; three words must end in one.</summary>
    private static byte[]? TakePacket(List<string> words, TraceOptions options)
    {
        if (options.Generates || words.Count < 2) return null;
        var text = words[^1];
        var isHex = text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit);
        var isShort = text.Length / 2 < EthernetHeaderSize;
        if (isHex && !isShort)
        {
            words.RemoveAt(words.Count - 1);
            return Convert.FromHexString(text);
        }

        if (words.Count <= 2) return null;
        throw new UnixctlException(isHex
            ? "Packet data too short for Ethernet" : "Trailing garbage in packet data");
    }

    /// <summary>Where the packet comes in, and what it looks like.</summary>
    private readonly record struct Start(
        SwitchedDatapath Datapath, FlowKey Key, TranslationOrigin? Origin, byte[]? Packet);

    private static Start Place(SwitchStore store, List<string> words, byte[]? packet)
    {
        if (words.Count > 2) throw new UnixctlException("too many arguments");
        var flow = words[^1];
        var named = words.Count == 2 ? words[0] : null;
        var isOdp = TryParseOdp(store, named, flow, out var key, out var odpError);
        if (isOdp) return OfDatapath(store, named, in key, packet);
        if (named is null)
        {
            throw new UnixctlException($"{odpError} (or the bridge name was omitted)");
        }

        foreach (var datapath in store.Datapaths)
        {
            if (datapath.Current.Bridges.TryGetValue(named, out var bridge))
            {
                return OfBridge(datapath, bridge, flow, packet);
            }
        }

        throw new UnixctlException($"{named}: unknown bridge");
    }

    private static bool TryParseOdp(
        SwitchStore store, string? name, string flow, out FlowKey key, out string error)
    {
        var names = (name is null ? null : Find(store, name)) ?? store.Datapaths.FirstOrDefault();
        uint? NumberOf(string port)
        {
            foreach (var each in names?.Provider.Ports.Dump() ?? [])
            {
                if (each.Name == port) return each.Number;
            }

            return null;
        }

        key = default;
        error = $"syntax error at {flow}";
        return flow.Contains('(')
            && OdpFlowText.TryParse(flow, NumberOf, out key, out _, out _);
    }

    private static SwitchedDatapath? Find(SwitchStore store, string name) =>
        store.Datapaths.FirstOrDefault(each => each.Provider.Name == name
            || each.Provider.Name.EndsWith($"@{name}", StringComparison.Ordinal));

    private static Start OfDatapath(
        SwitchStore store, string? name, in FlowKey key, byte[]? packet)
    {
        var used = store.Datapaths.Where(each => each.Current.Bridges.Count > 0).ToList();
        if (name is null && used.Count > 1)
        {
            throw new UnixctlException(
                "Must specify datapath when more than one type of datapath exists");
        }

        var datapath = (name is null ? used.FirstOrDefault() : Find(store, name))
            ?? throw new UnixctlException("Cannot find the datapath");
        if (!datapath.Current.ByDatapathPort.ContainsKey(key.InPort) && !key.HasTunnel)
        {
            throw new UnixctlException($"no OpenFlow port for datapath port {key.InPort}");
        }

        var read = key;
        if (packet is not null) Extract(packet, ref read);
        return new Start(datapath, read, null, packet);
    }

    private static Start OfBridge(
        SwitchedDatapath datapath, BridgeSnapshot bridge, string flow, byte[]? packet)
    {
        if (!FlowText.TryParseFlow(flow, bridge, out var key, out var error))
        {
            throw new UnixctlException($"Bad openflow flow syntax: {flow}: {error}");
        }

        if (bridge.Ports.TryGetValue(key.InPort, out var port) && port.DatapathPort is { } number)
        {
            key.Flow.InPort = number;
        }

        if (packet is not null) Extract(packet, ref key.Flow);
        var origin = new TranslationOrigin(bridge, key.InPort, 0, null)
        {
            Metadata = FlowMatch.Exact(in key, bridge.Pipeline.Current.Tlv),
        };
        return new Start(datapath, key.Flow, origin, packet);
    }

    /// <summary>Headers of the packet beside the metadata that the flow has.</summary>
    private static void Extract(byte[] packet, ref FlowKey key)
    {
        // What cannot be parsed to its end still has its addresses.
        _ = FlowKeyExtractor.TryExtract(packet, ref key, out _);
    }

    private static string Trace(Start start, ActionList? actions, TraceOptions options)
    {
        var (datapath, key, origin, bytes) = start;
        if (actions is not null)
        {
            origin ??= OriginOf(datapath, key.InPort);
            origin = origin with { Actions = actions };
        }

        var trace = new FlowTrace(datapath, options.HasNames);
        var packet = bytes is not null ? Load(bytes)
            : options.Generates ? Load(Compose(in key, options)) : null;
        var text = trace.Run(in key, origin, options.States, packet is not null, packet);
        return options.IsJson ? trace.ToJson() : text;
    }

    private static TranslationOrigin OriginOf(SwitchedDatapath datapath, uint number)
    {
        foreach (var bridge in datapath.Current.BridgesInOrder)
        {
            foreach (var port in bridge.PortsInOrder)
            {
                if (port.DatapathPort != number) continue;
                return new TranslationOrigin(bridge, port.OpenFlowPort, 0, null);
            }
        }

        throw new UnixctlException($"no OpenFlow port for datapath port {number}");
    }

    private static PacketBuffer Load(byte[] bytes)
    {
        var packet = new PacketBuffer(bytes.Length);
        packet.Load(bytes);
        return packet;
    }

    private static byte[] Compose(in FlowKey key, TraceOptions options) =>
        PacketBuilder.Compose(in key, options.PayloadSize is { } size
            ? PacketBuilder.Compose(in key).Length + size : 0);
}
