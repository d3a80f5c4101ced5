using System.Globalization;
using System.Text;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>A place where a traced packet comes round again.</summary>
/// <param name="Packet">The packet as it is then.</param>
/// <param name="IsConntrack">It comes from the connection tracker: its state is assumed.</param>
public sealed record TracePoint(uint Id, FlowKey Packet, bool IsConntrack, ushort Zone);

/// <summary>ofproto/trace: the same translation as a miss, told step by step.</summary>
/// <remarks>Output format of ovs-vswitchd(8), recirculations followed to their end.</remarks>
public sealed class FlowTrace(SwitchedDatapath datapath)
{
    private const int RoundCountMax = 64;
    private const int RuleWidth = 79;

    private readonly StringBuilder _text = new();
    private readonly Queue<TracePoint> _points = new();

    /// <param name="origin">Null: the key's datapath port decides where the packet comes
    /// in.</param>
    /// <param name="states">Conntrack states of recirculations, in order; then trk|new.</param>
    /// <param name="hasEffects">Learn and count, as a packet would.</param>
    public string Run(
        in FlowKey key, TranslationOrigin? origin, IReadOnlyList<ConntrackState> states,
        bool hasEffects, PacketBuffer? packet = null)
    {
        Round(in key, origin, hasEffects, packet);
        var used = 0;
        for (var round = 1; _points.TryDequeue(out var point) && round < RoundCountMax; round++)
        {
            var next = point.Packet;
            next.RecirculationId = point.Id;
            _text.Append("\n\n").Append('=', RuleWidth)
                .Append($"\nrecirc(0x{point.Id:x})");
            if (point.IsConntrack)
            {
                var isGiven = used < states.Count;
                var state = isGiven
                    ? states[used++] : ConntrackState.Tracked | ConntrackState.New;
                next.ConntrackState = state;
                next.ConntrackZone = point.Zone;
                _text.Append(" - resume conntrack with ").Append(isGiven ? "" : "default ")
                    .Append($"ct_state={StateText(state)}")
                    .Append(isGiven ? "" : " (use --ct-next to customize)");
            }

            _text.Append('\n').Append('=', RuleWidth).Append("\n\n");
            Round(in next, null, hasEffects, packet);
        }

        return _text.Append('\n').ToString();
    }

    /// <summary>Reads "trk,new" or "trk|est"; false when a name is unknown.</summary>
    public static bool TryParseState(string text, out ConntrackState state)
    {
        state = ConntrackState.None;
        foreach (var name in text.Split([',', '|'], StringSplitOptions.RemoveEmptyEntries))
        {
            var flag = Array.FindIndex(StateNames, each => each == name.Trim());
            if (flag < 0) return false;
            state |= (ConntrackState)(1 << flag);
        }

        return true;
    }

    private static readonly string[] StateNames =
        ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];

    private static string StateText(ConntrackState state) => string.Join(
        '|', StateNames.Where((_, index) => ((uint)state & (1u << index)) != 0));

    private void Round(
        in FlowKey key, TranslationOrigin? origin, bool hasEffects, PacketBuffer? packet)
    {
        var trace = new TraceList();
        var result = datapath.Upcalls.Translate(
            in key, packet?.Size ?? 0, hasEffects, datapath.Time.Milliseconds(), origin, trace);
        var before = result.Initial;
        var tlv = result.Tlv;
        PipelineKey mask = default;
        mask.Flow = result.Mask;
        mask.InPortWire = uint.MaxValue;
        _text.Append($"Flow: {FlowLine(in before, tlv)}\n");
        _text.Append(trace);
        var isSame = before == result.Final;
        _text.Append($"\nFinal flow: {(isSame ? "unchanged" : FlowLine(in result.Final, tlv))}\n");
        _text.Append($"Megaflow: {MegaflowLine(in before, in mask, tlv)}\n");
        _text.Append($"Datapath actions: {OdpActionText.Format(result.Actions)}");
        if (result.Error != DropReason.None)
        {
            var reason = DropReasonText.Of(result.Error);
            _text.Append($"\nTranslation failed ({reason}), packet is dropped.");
        }

        foreach (var point in result.Points) _points.Enqueue(point);
        if (!hasEffects || packet is null || result.Error != DropReason.None) return;
        result.Credits().Add(1, (ulong)packet.Size, datapath.Time.Milliseconds());
        datapath.Provider.Execute(packet, in key, result.Actions);
    }

    private static string FlowLine(in PipelineKey key, TlvTable table)
    {
        var match = FlowMatch.Exact(in key, table);
        return key.Flow.RecirculationIdWire == 0
            ? FlowText.Match(match) : WithPacketType(key.Flow.RecirculationId, match);
    }

    private static string MegaflowLine(
        in PipelineKey key, in PipelineKey mask, TlvTable table) =>
        WithPacketType(key.Flow.RecirculationId, FlowMatch.Of(in key, in mask, table));

    /// <summary>OVS tells the packet type of whatever has a recirculation id, 0 included.</summary>
    private static string WithPacketType(uint recirculation, Match match)
    {
        var number = recirculation.ToString("x", CultureInfo.InvariantCulture);
        var early = FlowText.Match(FlowMatch.Part(match, isEarly: true));
        var rest = FlowText.Match(FlowMatch.Part(match, isEarly: false));
        return $"recirc_id={(recirculation == 0 ? "0" : "0x" + number)}"
            + $"{(early.Length > 0 ? "," : "")}{early},eth{(rest.Length > 0 ? "," : "")}{rest}";
    }
}

/// <summary>A drop reason in words.</summary>
internal static class DropReasonText
{
    public static string Of(DropReason reason) => reason switch
    {
        DropReason.TranslationDepth => "Recursion too deep",
        DropReason.TranslationResubmits => "Too many resubmits",
        DropReason.TranslationStack => "Stack too deep",
        DropReason.RecirculationUnknown => "No recirculation context",
        DropReason.RecirculationLimit => "Recirculation conflict",
        DropReason.BridgeNotFound or DropReason.TunnelUnknownPeer => "Invalid input port",
        _ => reason.ToString(),
    };
}
