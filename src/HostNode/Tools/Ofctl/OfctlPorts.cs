using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Ports.</summary>
internal static class OfctlPorts
{
    /// <summary>mod-port's words, and the bit that each sets or clears.</summary>
    private static readonly (string Word, OfPortConfig Bit, bool IsSet)[] Changes =
    [
        ("down", OfPortConfig.PortDown, true), ("up", OfPortConfig.PortDown, false),
        ("no-stp", OfPortConfig.NoStp, true), ("stp", OfPortConfig.NoStp, false),
        ("no-receive", OfPortConfig.NoReceive, true),
        ("receive", OfPortConfig.NoReceive, false),
        ("no-receive-stp", OfPortConfig.NoReceiveStp, true),
        ("receive-stp", OfPortConfig.NoReceiveStp, false),
        ("no-flood", OfPortConfig.NoFlood, true), ("flood", OfPortConfig.NoFlood, false),
        ("no-forward", OfPortConfig.NoForward, true),
        ("forward", OfPortConfig.NoForward, false),
        ("no-packet-in", OfPortConfig.NoPacketIn, true),
        ("packet-in", OfPortConfig.NoPacketIn, false),
    ];

    private static readonly string[] ConfigNames =
        ["PORT_DOWN", "NO_STP", "NO_RECV", "NO_RECV_STP", "NO_FLOOD", "NO_FWD", "NO_PACKET_IN"];

    private static readonly string[] StateNames = ["LINK_DOWN", "BLOCKED", "LIVE"];

    private static readonly string[] FeatureNames =
    [
        "10MB-HD", "10MB-FD", "100MB-HD", "100MB-FD", "1GB-HD", "1GB-FD", "10GB-FD", "40GB-FD",
        "100GB-FD", "1TB-FD", "OTHER", "COPPER", "FIBER", "AUTO_NEG", "AUTO_PAUSE",
        "AUTO_PAUSE_ASYM",
    ];

    public static readonly OfctlCommand[] Commands =
    [
        new("dump-ports", 1, 2, "BRIDGE [PORT]", "statistics of ports", StatsAsync),
        new("dump-ports-desc", 1, 2, "BRIDGE [PORT]", "descriptions of ports", DescriptionsAsync),
        new("mod-port", 3, 3, "BRIDGE PORT ACTION", "up, down, flood, no-flood ...", ModifyAsync),
    ];

    /// <summary>All ports, by number; OpenFlow 1.0 tells them with its features.</summary>
    public static async Task<List<OfPortDescription>> DescribeAsync(OpenFlowBridge bridge)
    {
        var (_, parts) = await bridge.AskAllAsync<OfPortDescriptionReply>(
            new OfPortDescriptionRequest(OfPort.Any));
        return [.. parts.SelectMany(part => part.Ports.AsEnumerable()).OrderBy(port => port.Port)];
    }

    public static async Task PrintAsync(OfctlCall call, IEnumerable<OfPortDescription> ports)
    {
        foreach (var port in ports.OrderBy(port => port.Port))
            await call.PrintAsync(Format(port));
    }

    /// <summary>The lines that describe one, without the last one's end.</summary>
    public static string Format(OfPortDescription port)
    {
        (string Name, OfPortFeatures Bits)[] features =
        [
            ("current:    ", port.Current), ("advertised: ", port.Advertised),
            ("supported:  ", port.Supported), ("peer:       ", port.Peer),
        ];
        var lines = features.Where(row => row.Bits != 0)
            .Select(row => $"     {row.Name}{Names((uint)row.Bits, FeatureNames)}\n");
        return $" {OfPort.ToText(port.Port)}({port.Name}): addr:{port.Address}\n"
            + $"     config:     {Names((uint)port.Config, ConfigNames)}\n"
            + $"     state:      {Names((uint)port.State, StateNames)}\n"
            + string.Concat(lines)
            + $"     speed: {port.CurrentSpeed / 1000} Mbps now, {port.MaxSpeed / 1000} Mbps max";
    }

    private static string Names(uint bits, string[] names) => bits == 0
        ? "0"
        : string.Join(' ', names.Where((_, bit) => (bits & (1u << bit)) != 0));

    /// <summary>The port that a word names; none: all.</summary>
    public static async Task<uint> WantedAsync(OfctlCall call, int word) =>
        call.Word(word) is { } name
            ? OfPort.TryParse(name, out var number) ? number : await call.PortAsync(name)
            : OfPort.Any;

    private static async Task StatsAsync(OfctlCall call)
    {
        var port = await WantedAsync(call, 1);
        var bridge = await call.BridgeAsync();
        var (xid, parts) = await bridge.AskAllAsync<OfPortStatsReply>(new OfPortStatsRequest(port));
        var all = parts.SelectMany(part => part.Ports.AsEnumerable()).ToList();
        await call.PrintHeadAsync("OFPST_PORT reply", bridge, xid, $" {all.Count} ports");
        foreach (var one in all)
        {
            await call.PrintAsync(Format(one));
            if (bridge.Version >= OfVersion.OpenFlow13)
                await call.PrintAsync($"           duration={OfFlowText.Duration(one.Duration)}");
        }
    }

    private static string Format(OfPortStats port)
    {
        static string N(ulong value) => OfctlText.Counter(value);
        return $"  port {OfPort.ToText(port.Port),2}: rx pkts={N(port.ReceivePackets)}, "
            + $"bytes={N(port.ReceiveBytes)}, drop={N(port.ReceiveDropped)}, "
            + $"errs={N(port.ReceiveErrors)}, frame={N(port.ReceiveFrameErrors)}, "
            + $"over={N(port.ReceiveOverErrors)}, crc={N(port.ReceiveCrcErrors)}\n"
            + $"           tx pkts={N(port.TransmitPackets)}, bytes={N(port.TransmitBytes)}, "
            + $"drop={N(port.TransmitDropped)}, errs={N(port.TransmitErrors)}, "
            + $"coll={N(port.Collisions)}";
    }

    private static async Task DescriptionsAsync(OfctlCall call)
    {
        var port = await WantedAsync(call, 1);
        var bridge = await call.BridgeAsync();
        var (xid, parts) = await bridge.AskAllAsync<OfPortDescriptionReply>(
            new OfPortDescriptionRequest(port));
        await call.PrintHeadAsync("OFPST_PORT_DESC reply", bridge, xid);
        await PrintAsync(
            call,
            parts.SelectMany(part => part.Ports.AsEnumerable())
                .Where(one => port == OfPort.Any || one.Port == port));
    }

    private static async Task ModifyAsync(OfctlCall call)
    {
        var port = (await call.PortsAsync(call.Words[1]))[0];
        var change = Changes.FirstOrDefault(row => row.Word == call.Words[2]);
        if (change.Word is null)
            throw new ToolException($"unknown mod-port command '{call.Words[2]}'");
        await call.ChangeAsync(
        [
            new PortMod(
                port.Port, port.Address, change.IsSet ? change.Bit : OfPortConfig.None,
                change.Bit, OfPortFeatures.None),
        ]);
    }
}
