using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// One walk of a packet through the bridges' tables: actions and the bits looked at.
/// </summary>
/// <remarks>
/// A workspace that a thread uses again and again; it reads published snapshots only. 'flow' is
/// what the pipeline makes of the packet, 'packet' what its bytes are so far, 'wild' every bit
/// that a decision depended on. The order of things is OVS's (ofproto-dpif-xlate), so that the
/// same tables give the same datapath flows. This file: start, tables, end.
/// </remarks>
internal sealed partial class Translation
{
    private const int DepthMax = 64;
    private const int ResubmitCountMax = DepthMax * DepthMax;
    private const byte TableNone = 255;
    private const byte TableLast = 253;

    private readonly List<DatapathAction> _actions = [];
    private readonly List<OfAction> _actionSet = [];
    private readonly List<OfAction> _rest = [];
    private readonly List<byte> _stack = [];
    private PipelineKey _flow;
    private PipelineKey _wild;
    private FlowKey _packet;
    private FlowKey _received;
    private List<DatapathAction> _into;
    private TranslationResult _result = null!;
    private SwitchSnapshot _switch = SwitchSnapshot.Empty;
    private BridgeSnapshot _bridge = null!;
    private PipelineVersion _view = null!;
    private RecirculationTable _recirculation = null!;
    private PortSnapshot? _inPort;
    private TlvTable? _tunnelTable;
    private TunnelMetadata? _outerHeader;
    private Rule? _rule;
    private TraceList? _trace;
    private Match? _changes;
    private long _now;
    private ulong _mirrors;
    private uint _hashBasis;
    private HashAlgorithm _hashAlgorithm;
    private int _depth;
    private int _resubmits;
    private int _packetSize;
    private PacketBuffer? _bytes;
    private byte _table;
    private bool _hasEffects;
    private bool _isTracked;
    private bool _isExit;
    private bool _isFreezing;
    private bool _repeatsAction;
    private bool _freezesWithHash;
    private bool _wasMpls;
    private bool _inGroup;
    private bool _inActionSet;
    private bool _isPacketOut;
    private bool _pushesTag;

    // A branch that is left keeps this, as in OVS, though its action set is gone.
    private bool _hasWrittenGroup;

    public Translation() => _into = _actions;

    /// <summary>Translates what is to happen to a packet with 'key'.</summary>
    public void Run(in TranslationRequest request, in FlowKey key, TranslationResult result)
    {
        Reset(in request, in key, result);
        var state = default(FrozenState);
        if (key.RecirculationIdWire != 0)
        {
            state = _recirculation.Find(key.RecirculationId);
            if (state is null)
            {
                Fail(DropReason.RecirculationUnknown);
                Finish();
                return;
            }
        }

        if (state is null ? Enter(in request) : Resume(state)) End();
        Finish();
    }

    private void Reset(in TranslationRequest request, in FlowKey key, TranslationResult result)
    {
        _actions.Clear();
        _actionSet.Clear();
        _rest.Clear();
        _stack.Clear();
        _into = _actions;
        _result = result;
        result.Clear();
        _switch = request.Switch;
        _recirculation = request.Recirculation;
        _now = request.NowMilliseconds;
        _hasEffects = request.HasEffects;
        _trace = request.Trace;
        _packetSize = request.PacketSize;
        _bytes = request.Packet;
        _flow = default;
        _flow.Flow = key;
        _flow.ActionSetOutput = OfPort.Unset;
        _packet = key;
        _received = key;
        _wild = default;
        _bridge = null!;
        _view = null!;
        _inPort = null;
        _rule = null;
        _tunnelTable = null;
        _outerHeader = null;
        _changes = null;
        _pauses = null;
        _truncateSize = 0;
        _sampleAt = -1;
        _mirrors = 0;
        _hashBasis = 0;
        (_depth, _resubmits, _table) = (0, 0, 0);
        _isTracked = key.RecirculationIdWire != 0;
        _isExit = _isFreezing = _repeatsAction = _freezesWithHash = _wasMpls = _inGroup = false;
        _inActionSet = _pushesTag = _hasWrittenGroup = false;
        _isPacketOut = request.Origin?.Actions is not null;
        FoldAlways(in key);
    }

    private void FoldAlways(in FlowKey key)
    {
        ref var wild = ref _wild.Flow;
        wild.RecirculationIdWire = uint.MaxValue;
        wild.InPortWire = uint.MaxValue;
        wild.PacketTypeWire = uint.MaxValue;
        wild.EthernetTypeWire = ushort.MaxValue;
        if (key.IsIpv4 || key.IsIpv6) wild.NetworkFragment = 0x03;
        if (key.HasTunnel) TunnelOutput.FoldReceived(in key, ref wild);
    }

    /// <summary>A fresh packet: find its port, and start at table 0.</summary>
    private bool Enter(in TranslationRequest request)
    {
        if (request.Origin is { } origin)
        {
            return Enter(origin);
        }

        if (!TryFindPort(out var port)) return false;
        _inPort = port;
        if (!_switch.Bridges.TryGetValue(port.Bridge, out var bridge))
        {
            return Fail(DropReason.BridgeNotFound);
        }

        Visit(bridge);
        if (port.Counters is { } counted) _result.Credit(counted.Received);
        _flow.InPort = port.OpenFlowPort;
        if (_received.HasTunnel)
        {
            _tunnelTable = _view.Tlv;
            TunnelOptionFields.Decode(ref _flow, _view.Tlv);
            if (!TunnelOutput.TryCarryCongestion(ref _flow.Flow))
            {
                return Fail(DropReason.TranslationError);
            }
        }

        GiveLinkHeader(port);
        if (TryHandToSession(port)) return false;
        if ((port.Config & (OfPortConfig.PortDown | OfPortConfig.NoReceive)) != 0)
        {
            return Fail(DropReason.PortReceiveDisabled);
        }

        if (_bridge.BundleOf(port) is { IsMirrorOutput: true })
        {
            return Fail(DropReason.MirrorSelectExcluded);
        }

        NoteStart();
        _trace?.Add(TraceKind.Bridge, $"bridge(\"{_bridge.Name}\")");
        var trace = Nest();
        if (IsBlocked(port)) return Fail(DropReason.PortReceiveDisabled);
        BeginSampling();
        MirrorReceived();
        LookUp(0, _flow.InPort, isLast: true, honorsMiss: true);
        CountForNetflow(bridge);
        EnterEnd(trace);
        // Addresses were learned; the packet itself goes nowhere.
        return port.Tree.IsForwarding || Fail(DropReason.PortReceiveDisabled);
    }

    /// <summary>The action set belongs to the first rule, and is told of below it.</summary>
    private void EnterEnd(TraceList? outer)
    {
        _rule = FirstRule;
        _trace = _trace is { Nodes.Count: > 0 } && _rule is not null ? _trace.LastChildren : outer;
    }

    /// <summary>The rule that the packet met first: the action set is told to be its.</summary>
    private Rule? FirstRule => _result.Rules.Count > 0 ? _result.Rules[0] : null;

    /// <summary>A packet from a controller or for a trace: its place is given.</summary>
    private bool Enter(TranslationOrigin origin)
    {
        if (origin.Frozen is { } frozen)
        {
            _changes = origin.Metadata;
            return Resume(frozen);
        }

        Visit(origin.Bridge);
        Preset(origin.Metadata);
        _flow.InPort = origin.InPort;
        _inPort = PortOf(origin.InPort);
        NoteStart();
        _trace?.Add(TraceKind.Bridge, $"bridge(\"{_bridge.Name}\")");
        var trace = Nest();
        if (origin.Actions is null && _inPort is { } port && IsBlocked(port))
        {
            _trace = trace;
            return true;
        }

        BeginSampling();
        if (origin.Actions is { } actions) Execute(actions.AsSpan(), isLast: true);
        else LookUp(origin.Table, _flow.InPort, isLast: true, honorsMiss: true);
        EnterEnd(trace);
        return true;
    }

    /// <summary>Fields that a controller gives a packet: those of the pipeline only.</summary>
    private void Preset(Match metadata)
    {
        foreach (var entry in metadata.Entries)
        {
            if (!entry.Field.TryLocate(_view.Tlv, out var offset, out _)) continue;
            if (offset >= FlowKey.CoreSize || ReferenceEquals(entry.Field, MatchField.PacketMark))
            {
                entry.Field.Write(ref _flow, entry.Value, entry.Mask, _view.Tlv);
            }
        }
    }

    private bool TryFindPort(out PortSnapshot port)
    {
        var number = _received.InPort;
        if (_received.HasTunnel)
        {
            var source = TunnelOutput.Source(in _received);
            var destination = TunnelOutput.Destination(in _received);
            if (source is not null && destination is not null && _switch.Tunnels.TryFind(
                number, source, destination, _received.TunnelId, out port))
            {
                return true;
            }

            port = null!;
            return Fail(DropReason.TunnelUnknownPeer);
        }

        return _switch.ByDatapathPort.TryGetValue(number, out port!)
            || Fail(DropReason.BridgeNotFound);
    }

    private void Visit(BridgeSnapshot bridge)
    {
        _bridge = bridge;
        _view = bridge.Pipeline.Current;
        _result.Visited(bridge, _view);
    }

    /// <summary>A trace wants to know what the walk began with.</summary>
    private void NoteStart()
    {
        if (_trace is null) return;
        _result.Initial = _flow;
        _result.Tlv = _view.Tlv;
    }

    /// <summary>Looks the packet up in a table and does what the rule says.</summary>
    /// <remarks>
    /// A later table costs no depth, only one of the resubmits: pipelines of a hundred tables that
    /// each hand on to the next are usual. Going back, or into another bridge, deepens.
    /// </remarks>
    private void LookUp(
        byte table, uint inPort, bool isLast, bool deepens = true, bool honorsMiss = false,
        bool byTuple = false)
    {
        if (_wasMpls)
        {
            Freeze(repeat: true);
            return;
        }

        if (!MayRecurse()) return;
        var (tableBefore, portBefore) = (_table, _flow.InPortWire);
        _table = table;
        _flow.InPort = inPort;
        if (byTuple) SwapTuple();
        var rule = Find(table, out var isFragment);
        if (byTuple) SwapTuple();
        _flow.InPortWire = portBefore;
        if (isFragment)
        {
            _trace?.Add(TraceKind.Table, $"{table,2}. Packets are IP fragments and the fragment "
                + "handling mode is \"drop\".");
            _table = tableBefore;
            return;
        }

        ReportTable(table, rule, honorsMiss);
        if (rule is null && honorsMiss) rule = Continue(inPort);
        var trace = Nest();
        if (rule is null)
        {
            var asks = honorsMiss && AsksOnMiss;
            _result.Miss(asks ? _bridge.Pipeline.SentMisses : _bridge.Pipeline.DroppedMisses);
            if (asks)
            {
                PacketIn(ushort.MaxValue, PacketInReason.ImplicitMiss, 0, default, pause: false);
            }
            else
            {
                Report(TraceKind.Action, "drop");
            }
        }
        else
        {
            Recurse(rule, isLast, deepens ? 1 : 0);
        }

        _trace = trace;
        _table = tableBefore;
    }

    private void Recurse(Rule rule, bool isLast, int depth)
    {
        var before = _rule;
        _rule = rule;
        _result.Credit(rule);
        _depth += depth;
        _resubmits++;
        Execute(rule.Actions.AsSpan(), isLast);
        _depth -= depth;
        _rule = before;
    }

    private bool MayRecurse()
    {
        if (_depth >= DepthMax || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            Report(TraceKind.Error, "over max translation depth 64");
            return Fail(DropReason.TranslationDepth);
        }

        if (_resubmits < ResubmitCountMax) return true;
        Report(TraceKind.Error, "over 4096 resubmit actions");
        return Fail(DropReason.TranslationResubmits);
    }

    private void Report(TraceKind kind, string text) => _trace?.Add(kind, text);

    /// <summary>
    /// From now on into the node just reported; the caller puts back what this returns.
    /// </summary>
    private TraceList? Nest()
    {
        var outer = _trace;
        if (_trace is not null) _trace = _trace.LastChildren;
        return outer;
    }

    private void ReportTable(byte table, Rule? rule, bool honorsMiss)
    {
        if (_trace is null) return;
        if (rule is null)
        {
            var asks = honorsMiss && AsksOnMiss
                ? ", and a \"packet-in\" is called for" : "";
            _trace.Add(TraceKind.Table, $"{table,2}. No match{asks}.");
            return;
        }

        var match = FlowText.Match(rule.Match);
        var text = $"{table,2}. {match}{(match.Length == 0 ? "" : ", ")}priority {rule.Priority}";
        _trace.Add(
            TraceKind.Table, rule.Cookie == 0 ? text : $"{text}, cookie 0x{rule.Cookie:x}");
    }

    private bool Fail(DropReason reason)
    {
        if (_result.Error == DropReason.None) _result.Error = reason;
        _isExit = true;
        return false;
    }

    /// <summary>The tables are through: the action set, then what was put on ice.</summary>
    private void End()
    {
        if (_result.Error == DropReason.None && !_isFreezing) RunActionSet();
        if (_result.Error == DropReason.None && _isFreezing) FinishFreezing();
    }

    private void Finish()
    {
        var mask = _wild.Flow;
        if (_tunnelTable is { } table)
        {
            TunnelOptionFields.FoldRaw(ref _received, ref _wild, table, ref mask);
        }

        Tidy(ref mask);
        if (_trace is not null) _result.Seen = mask;
        FoldTags(ref mask);
        _result.Mask = mask;
        EndSampling();
        if (_result.Error != DropReason.None) _actions.Clear();
        if (_actions.Count > 0 && _actions[^1] is CloneAction last)
        {
            // Nothing comes after it that would need the original.
            _actions.RemoveAt(_actions.Count - 1);
            _actions.AddRange(last.Actions);
        }

        _result.Actions = _actions.Count == 0 && _result.Error != DropReason.None
            ? [new DropAction(_result.Error)]
            : [.. _actions];
        _result.Final = _flow;
    }

    /// <summary>Leaves out of the mask what the packet cannot have, as OVS does.</summary>
    private void Tidy(ref FlowKey mask)
    {
        if ((_received.IsIpv4 && _received.NetworkProtocol == 1)
            || (_received.IsIpv6 && _received.NetworkProtocol == 58))
        {
            mask.PortSourceWire &= 0xFF00; // The upper byte on the wire is always zero.
            mask.PortDestinationWire &= 0xFF00;
        }

        if ((_received.NetworkFragment & 2) != 0)
        {
            (mask.PortSourceWire, mask.PortDestinationWire) = (0, 0);
        }

        if (!KeyCommit.IsMpls(_received.EthernetType))
        {
            (mask.Mpls0Wire, mask.Mpls1Wire, mask.Mpls2Wire) = (0, 0, 0);
        }

        TidyTag(_received.VlanTpid0Wire, ref mask.VlanTci0Wire, ref mask.VlanTpid0Wire);
        TidyTag(_received.VlanTpid1Wire, ref mask.VlanTci1Wire, ref mask.VlanTpid1Wire);
        if (_received.HasTunnel) return;
        mask.Bytes[FlowKey.TunnelOffset..].Clear();
    }

    /// <summary>A tag that is not there has no bits to look at.</summary>
    private static void TidyTag(ushort received, ref ushort tci, ref ushort tpid)
    {
        if (received == 0) (tci, tpid) = (0, 0);
        else if (tci != 0) tci |= VlanPresentWire;
    }

    /// <summary>Packets with and without a tag never share a megaflow (as in OVS).</summary>
    private void FoldTags(ref FlowKey mask)
    {
        mask.VlanTci0Wire |= VlanPresentWire;
        if (_received.VlanTci0Wire != 0) mask.VlanTci1Wire |= VlanPresentWire;
    }

    private PortSnapshot? PortOf(uint number) =>
        _bridge.Ports.TryGetValue(number, out var port) ? port : null;
}
