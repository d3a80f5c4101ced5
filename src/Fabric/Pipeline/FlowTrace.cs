using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using Match = Fabric.Wire.OpenFlow.Match;

namespace Fabric.Pipeline;

/// <summary>A place where a traced packet comes round again.</summary>
/// <param name="Packet">The packet as it is then.</param>
/// <param name="IsConntrack">It comes from the connection tracker: its state is assumed.</param>
/// <param name="Nat">How the tracker was asked to translate it, or null.</param>
public sealed record TracePoint(
    uint Id, FlowKey Packet, bool IsConntrack, ushort Zone, NatSpec? Nat = null);

/// <summary>ofproto/trace: the same translation as a miss, told step by step.</summary>
/// <remarks>Output format of ovs-vswitchd(8), recirculations followed to their end.</remarks>
/// <param name="hasNames">Ports by their names instead of numbers.</param>
public sealed partial class FlowTrace(SwitchedDatapath datapath, bool hasNames = false)
{
    private const int RoundCountMax = 64;
    private const int RuleWidth = 79;

    private readonly StringBuilder _text = new();
    private readonly List<TraceRound> _rounds = [];
    private readonly Queue<TracePoint> _points = new();

    /// <param name="origin">Null: the key's datapath port decides where the packet comes
    /// in.</param>
    /// <param name="states">Conntrack states of recirculations, in order; then trk|new.</param>
    /// <param name="hasEffects">Learn as from a packet; nothing is sent or counted.</param>
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
                    .Append($"ct_state={(isGiven ? StateText(state) : "trk|new")}")
                    .Append(isGiven ? "" : " (use --ct-next to customize)");
                if (point.Nat is { } nat) Translate(ref next, nat);
            }

            _text.Append('\n').Append('=', RuleWidth).Append("\n\n");
            Round(in next, null, hasEffects, packet);
        }

        var text = _text.Append('\n').ToString();
        return hasNames ? TraceNames.Apply(text, datapath) : text;
    }

    /// <summary>The same as <see cref="Run"/> told, for programs.</summary>
    public string ToJson() => TraceJson.Of(_rounds);

    /// <summary>As the tracker might: the first address and port of the range.</summary>
    private void Translate(ref FlowKey key, NatSpec nat)
    {
        _text.Append("\nReplacing src/dst IP/ports to simulate NAT:\n Initial flow: ");
        if (nat.Type == NatType.None || nat.AddressMin is not { } address)
        {
            _text.Append("\n Modified flow: ");
            return;
        }

        _text.Append(Endpoints(in key));
        var isSource = nat.Type == NatType.Source;
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var size)) return;
        if (key.IsIpv4 && size == 4)
        {
            var wire = System.Runtime.InteropServices.MemoryMarshal.Read<uint>(bytes);
            if (isSource) key.Ipv4SourceWire = wire;
            else key.Ipv4DestinationWire = wire;
        }
        else if (key.IsIpv6 && size == 16)
        {
            if (isSource) key.Ipv6Source = Ipv6Bytes.From(bytes);
            else key.Ipv6Destination = Ipv6Bytes.From(bytes);
        }

        if (nat.PortMin != 0 && isSource) key.PortSource = nat.PortMin;
        else if (nat.PortMin != 0) key.PortDestination = nat.PortMin;
        _text.Append("\n Modified flow: ").Append(Endpoints(in key));
    }

    private static string Endpoints(in FlowKey key) => key.IsIpv4
        ? $"nw_src={OfFieldText.Ipv4(key.Ipv4Source)},tp_src={key.PortSource},"
            + $"nw_dst={OfFieldText.Ipv4(key.Ipv4Destination)},tp_dst={key.PortDestination}"
        : $"ipv6_src={key.Ipv6Source},tp_src={key.PortSource},"
            + $"ipv6_dst={key.Ipv6Destination},tp_dst={key.PortDestination}";

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
            in key, packet?.Size ?? 0, hasEffects, datapath.Time.Milliseconds(), origin, trace,
            packet);
        var before = result.Initial;
        var tlv = result.Tlv;
        PipelineKey mask = default;
        mask.Flow = result.Seen;
        mask.InPortWire = uint.MaxValue;
        _text.Append($"Flow: {FlowLine(in before, tlv)}\n");
        _text.Append(trace);
        var isSame = before == result.Final;
        _text.Append($"\nFinal flow: {(isSame ? "unchanged" : FlowLine(in result.Final, tlv))}\n");
        _text.Append($"Megaflow: {MegaflowLine(in before, in mask, tlv)}\n");
        _text.Append($"Datapath actions: {Printed(result, !hasEffects)}");
        if (result.Error != DropReason.None)
        {
            var reason = DropReasonText.Of(result.Error);
            _text.Append($"\nTranslation failed ({reason}), packet is dropped.");
        }
        else if (result.IsSlow)
        {
            _text.Append("\nThis flow is handled by the userspace slow path because it:\n"
                + "  - Uses action(s) not supported by datapath.");
        }

        _rounds.Add(new TraceRound(
            FlowLine(in before, tlv), trace, FlowLine(in result.Final, tlv),
            MegaflowLine(in before, in mask, tlv),
            Printed(result, !hasEffects),
            result.Error == DropReason.None ? null : DropReasonText.Of(result.Error)));
        foreach (var point in result.Points) _points.Enqueue(point);
    }

    private string Printed(TranslationResult result, bool isSilent) => PrintedActions.Format(
        result.Actions, isSilent, hasNames ? TraceNames.OfDatapath(datapath) : null);

    private static string FlowLine(in PipelineKey key, TlvTable table)
    {
        var match = FlowMatch.Exact(in key, table);
        PipelineKey mask = default;
        if (key.Flow.VlanTci0Wire != 0) mask.Flow.VlanTci1Wire = 0xFFFF;
        if ((key.Flow.Mpls0Wire & MplsCommit.BottomWire) == 0) mask.Flow.Mpls1Wire = uint.MaxValue;
        if ((key.Flow.Mpls1Wire & MplsCommit.BottomWire) == 0
            && mask.Flow.Mpls1Wire != 0)
        {
            mask.Flow.Mpls2Wire = uint.MaxValue;
        }

        return WithBothLinks(key.Flow.RecirculationIdWire == 0
            ? WithHidden(FlowText.Match(match), in key.Flow, in mask.Flow)
            : WithPacketType(in key.Flow, in mask.Flow, match));
    }

    /// <summary>OVS tells both link-layer options, whichever a message has.</summary>
    private static string WithBothLinks(string text)
    {
        const string Source = "nd_sll=";
        const string Target = "nd_tll=";
        const string None = "00:00:00:00:00:00";
        var hasSource = text.Contains(Source, StringComparison.Ordinal);
        var hasTarget = text.Contains(Target, StringComparison.Ordinal);
        if (hasSource == hasTarget) return text;
        if (hasTarget)
        {
            return text.Replace(Target, $"{Source}{None},{Target}", StringComparison.Ordinal);
        }

        var end = text.IndexOf(Source, StringComparison.Ordinal) + Source.Length + None.Length;
        return text.Insert(end, $",{Target}{None}");
    }

    private static string MegaflowLine(
        in PipelineKey key, in PipelineKey mask, TlvTable table) =>
        WithIcmp(WithPacketType(
            in key.Flow, in mask.Flow, FlowMatch.Of(in key, in mask, table)), in key, in mask);

    /// <summary>Type and code are sixteen bits in OVS, of which datapaths know eight.</summary>
    private static string WithIcmp(string text, in PipelineKey key, in PipelineKey mask)
    {
        var (source, destination) = (key.Flow.PortSource, key.Flow.PortDestination);
        var (type, code) = (mask.Flow.PortSource, mask.Flow.PortDestination);
        return IcmpField().Replace(text, found => found.Groups[1].Value == "icmp_type"
            ? $",icmp_type=0x{source & type:x}/0x{type:x}"
            : $",icmp_code=0x{destination & code:x}/0x{code:x}");
    }

    [GeneratedRegex(@",(icmp_type|icmp_code)=([0-9]+)(?=,|$)")]
    private static partial Regex IcmpField();

    /// <summary>OVS tells the packet type of whatever has a recirculation id, 0 included.</summary>
    private static string WithPacketType(in FlowKey key, in FlowKey mask, Match match)
    {
        var number = key.RecirculationId.ToString("x", CultureInfo.InvariantCulture);
        var words = new List<string> { FlowText.Match(FlowMatch.Part(match, 0)) };
        words.Add($"recirc_id={(key.RecirculationId == 0 ? "0" : "0x" + number)}");
        words.Add(FlowText.Match(FlowMatch.Part(match, 1)));
        words.Add("eth");
        words.Add(WithHidden(FlowText.Match(FlowMatch.Part(match, 2)), in key, in mask));
        return string.Join(',', words.Where(word => word.Length > 0));
    }

    /// <summary>Adds what no match field names: inner VLAN tags and label entries.</summary>
    private static string WithHidden(string text, in FlowKey key, in FlowKey mask)
    {
        text = WithInnerTag(text, in key, in mask);
        if (key is { IsIpv6: true, NetworkProtocol: IpProtocol.Icmpv6 }
            && key.PortSource is not (135 or 136))
        {
            // Tables may ask for what only neighbour discovery has.
            if (mask.NdTarget != default) text += ",nd_target=::";
            if (mask.ArpSource != default) text += ",nd_sll=00:00:00:00:00:00";
            if (mask.ArpTarget != default) text += ",nd_tll=00:00:00:00:00:00";
        }

        if (!KeyCommit.IsMpls(key.EthernetType)) return text;
        return text + Label(1, key.Mpls1Wire, mask.Mpls1Wire)
            + Label(2, key.Mpls2Wire, mask.Mpls2Wire);

        static string Label(int index, uint value, uint mask)
        {
            if (mask == 0) return "";
            var entry = KeyCommit.Host(value & mask);
            return mask == uint.MaxValue ? $",mpls_lse{index}={entry}"
                : $",mpls_lse{index}=0x{entry:x8}/0x{KeyCommit.Host(mask):x8}";
        }
    }

    /// <summary>Adds the second VLAN tag, which no match field names.</summary>
    private static string WithInnerTag(string text, in FlowKey key, in FlowKey mask)
    {
        const int Present = 0x1000;
        if (mask.VlanTci1Wire == 0) return text;
        var tci = KeyCommit.Host(key.VlanTci1Wire);
        var bits = KeyCommit.Host(mask.VlanTci1Wire);
        tci &= bits;
        var (vid, pcp) = (bits & 0x0FFF, bits & 0xE000);
        var isPlain = (tci & Present) != 0 && vid is 0 or 0x0FFF && pcp is 0 or 0xE000;
        var words = new List<string>();
        if (isPlain && (vid | pcp) != 0 && (tci & Present) != 0)
        {
            if (vid != 0) words.Add($"dl_vlan1={tci & 0x0FFF}");
            if (pcp != 0) words.Add($"dl_vlan_pcp1={tci >> 13}");
        }
        else
        {
            words.Add($"vlan_tci1=0x{tci:x4}" + (bits == 0xFFFF ? "" : $"/0x{bits:x4}"));
        }

        var all = text.Split(',').ToList();
        var at = all.FindLastIndex(word => word.StartsWith("dl_vlan", StringComparison.Ordinal)
            || word.StartsWith("vlan_tci", StringComparison.Ordinal));
        all.InsertRange(at + 1, words);
        return string.Join(',', all);
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
