using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>Megaflows over a device that knows only exact flows.</summary>
/// <remarks>
/// The megaflows are here; the device has a microflow for each kind of packet that came by. A
/// megaflow that changes has its microflows written again, one that goes takes them along, and a
/// full table evicts the longest unused. A megaflow that the device cannot tell apart by its
/// key (TCP flags) or whose actions it lacks becomes microflows that send each packet up.
/// Locks: <see cref="_gate"/> guards the tables and is never held while the device is called.
/// </remarks>
internal sealed partial class ExpandedFlows : IDatapathFlows
{
    private const int RewritesMax = 8;

    /// <summary>Bits that no key of the device has: OVSEXT parses some, and matches none.</summary>
    private static readonly FlowKey s_unmatched = Unmatched();

    private readonly Lock _gate = new();
    private readonly Dictionary<Megaflow, Expansion> _expansions = [];
    private readonly MicroflowTable _micro;
    private readonly SlowPath _slow;
    private readonly OvsNetlinkOptions _options;
    private readonly OvsNetlinkCounters _counters;
    private int _round;

    public ExpandedFlows(
        SlowPath slow, OvsNetlinkOptions options, OvsNetlinkCounters counters)
    {
        _slow = slow;
        _options = options;
        _counters = counters;
        _micro = new MicroflowTable(options.MicroflowsMax);
    }

    /// <summary>The device, or null while it is away.</summary>
    public Func<NetlinkConnection?> Connection { get; init; } = () => null;

    /// <summary>Which meters the device has.</summary>
    public required Func<uint, bool> HasMeter { get; init; }

    private MegaflowTable Megaflows => _slow.Core.Flows;

    public int Count => Megaflows.Count;

    /// <summary>Microflows that the device has, as far as is known.</summary>
    public int MicroflowCount
    {
        get
        {
            lock (_gate) return _micro.Count;
        }
    }

    public FlowPutResult Put(
        in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions)
    {
        Put(key, mask, actions, out var result);
        return result;
    }

    private Expansion? Put(
        in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
        out FlowPutResult result)
    {
        Expansion? expansion;
        Microflow[] stale = [];
        lock (_gate)
        {
            var megaflow = Megaflows.Put(key, mask, actions, out result);
            if (megaflow is null) return null;
            if (!_expansions.TryGetValue(megaflow, out expansion))
            {
                expansion = new Expansion(megaflow) { IsSlow = IsUnmatched(mask) };
                _expansions.Add(megaflow, expansion);
                Track(expansion, key.RecirculationId);
            }
            else if (result == FlowPutResult.Replaced)
            {
                expansion.Version++;
                expansion.SlowActions = null;
                stale = [.. expansion.Microflows];
            }
        }

        var connection = Connection();
        if (connection is null) return expansion;
        foreach (var flow in stale)
        {
            _counters.CountReexpansion();
            Write(connection.Requests, connection, flow);
        }

        if (connection.Features.HasMasks && stale.Length == 0)
        {
            Install(connection.Requests, connection, expansion, in key, in mask);
        }

        return expansion;
    }

    public bool Delete(in FlowKey key, in FlowKey mask, out FlowStatistics last)
    {
        last = default;
        Expansion expansion;
        Microflow[] flows;
        lock (_gate)
        {
            var wanted = key;
            ulong visited = 0;
            var candidate = Megaflows.Find(ref wanted, ref visited);
            if (!Megaflows.Delete(key, mask, out _)) return false;
            if (candidate is not { IsDead: true } || !_expansions.ContainsKey(candidate))
            {
                candidate = _expansions.Keys.FirstOrDefault(megaflow => megaflow.IsDead);
            }

            if (candidate is null || !_expansions.Remove(candidate, out expansion!)) return true;
            Untrack(expansion, key.RecirculationId);
            flows = [.. expansion.Microflows];
            foreach (var flow in flows) _micro.Remove(flow);
        }

        if (Connection() is { } connection)
        {
            foreach (var flow in flows) Erase(connection.Requests, connection, flow);
        }

        lock (_gate) last = expansion.Statistics();
        return true;
    }

    public void Dump(FlowVisitor visit)
    {
        if (Connection() is { } connection) Refresh(connection);
        (Megaflow Flow, FlowStatistics Statistics)[] all;
        lock (_gate)
        {
            all = [.. _expansions.Values.Select(
                expansion => (expansion.Megaflow, expansion.Statistics()))];
        }

        foreach (var (flow, statistics) in all)
        {
            FlowKey key = default, mask = default;
            flow.ReadKey(ref key);
            flow.Subtable.ReadMask(ref mask);
            visit(key, mask, flow.ActionsImmutable, statistics);
        }
    }

    public int Flush()
    {
        int count;
        lock (_gate)
        {
            count = Megaflows.Flush();
            _expansions.Clear();
            _recirculated.Clear();
            _depths.Clear();
            foreach (var flow in _micro.All.ToArray()) _micro.Remove(flow);
        }

        if (Connection() is { } connection) FlushDevice(connection);
        return count;
    }

    /// <summary>Decides a packet, remembers the decision and puts it into the device.</summary>
    /// <param name="kernelKey">The upcall's key, unmasked: what the device can match.</param>
    /// <param name="full">The same with all that the packet says.</param>
    /// <returns>What to do with the packet; null: nobody could say.</returns>
    public ImmutableArray<DatapathAction>? Decide(
        NetlinkEndpoint? via, PacketBuffer packet, in FlowKey full, in FlowKey kernelKey,
        out DatapathAction[]? slowActions)
    {
        slowActions = null;
        var key = full;
        ulong visited = 0;
        var megaflow = Megaflows.Find(ref key, ref visited);
        Expansion? expansion = null;
        ImmutableArray<DatapathAction> actions;
        if (megaflow is not null)
        {
            _slow.Count(megaflow, packet, key.TcpFlags);
            actions = megaflow.ActionsImmutable;
            lock (_gate) _expansions.TryGetValue(megaflow, out expansion);
        }
        else
        {
            if (_slow.Handler is not { } handler) return null;
            var verdict = handler.Miss(packet, key, out var mask);
            actions = verdict.Actions.IsDefault ? [] : verdict.Actions;
            if (verdict.Install) expansion = Put(key, mask, actions, out _);
        }

        if (expansion is null || via is null || Connection() is not { } connection)
        {
            return actions;
        }

        if (!connection.Features.HasMasks)
        {
            FlowKey exact = default;
            Install(via, connection, expansion, in kernelKey, in exact);
        }

        slowActions = expansion.IsSlow ? SlowActionsOf(expansion) : null;
        return actions;
    }

    /// <summary>The prepared list of the megaflow that this packet belongs to.</summary>
    public DatapathAction[]? FindSlow(in FlowKey full, PacketBuffer packet)
    {
        var key = full;
        ulong visited = 0;
        if (Megaflows.Find(ref key, ref visited) is not { } megaflow) return null;
        Expansion? expansion;
        lock (_gate) _expansions.TryGetValue(megaflow, out expansion);
        if (expansion is null) return null;
        _slow.Count(megaflow, packet, key.TcpFlags);
        return SlowActionsOf(expansion);
    }

    private DatapathAction[] SlowActionsOf(Expansion expansion) =>
        expansion.SlowActions ??= _slow.Prepare(expansion.Megaflow.ActionsImmutable);

    /// <summary>Puts one microflow, evicting another if it must.</summary>
    private void Install(
        NetlinkEndpoint via, NetlinkConnection connection, Expansion expansion, in FlowKey key,
        in FlowKey mask)
    {
        var bytes = KeyBytes(connection, in key, in mask);
        Microflow flow;
        Microflow? victim = null;
        lock (_gate)
        {
            if (expansion.Megaflow.IsDead) return;
            if (_micro.Find(bytes) is { } known)
            {
                if (known.Owner == expansion && known.Version == expansion.Version) return;
                _micro.Remove(known);
                known.Owner.Retire(known);
            }
            else if (_micro.IsFull)
            {
                victim = _micro.Victim();
                if (victim is not null) _micro.Remove(victim);
            }

            flow = new Microflow
            {
                Bytes = bytes,
                Owner = expansion,
                Used = _slow.Core.NowMilliseconds(),
                Round = _round,
            };
            _micro.Add(flow);
            expansion.Microflows.Add(flow);
        }

        if (victim is not null)
        {
            _counters.CountEviction();
            Erase(via, connection, victim);
            lock (_gate) victim.Owner.Retire(victim);
        }

        if (Write(via, connection, flow)) _counters.CountInstall();
    }

    /// <summary>
    /// Writes a microflow with its megaflow's actions of now; what changed meanwhile is written
    /// again, and what was deleted meanwhile is deleted again.
    /// </summary>
    private bool Write(NetlinkEndpoint via, NetlinkConnection connection, Microflow flow)
    {
        for (var i = 0; i < RewritesMax; i++)
        {
            var version = flow.Owner.Version;
            ReadKeys(connection, flow, out var key, out var mask);
            var attributes = AttributesOf(connection, flow, in key, out var deeper);
            NetlinkOutcome outcome;
            lock (via.Gate)
            {
                var writer = via.Writer();
                // Create or replace: with CREATE set, one that is there would be EEXIST.
                var header = via.Header(OvsFamily.Flow, OvsCommand.New, via.Change);
                OvsFlowMessage message = default;
                message.Write(
                    ref writer, in header, in key, in mask, connection.Features.HasMasks,
                    attributes, via.KeyForm);
                outcome = via.Transact(ref writer, out _);
            }

            lock (_gate)
            {
                if (!outcome.IsOk)
                {
                    _micro.Remove(flow);
                    flow.Owner.Retire(flow);
                    return false;
                }

                flow.Version = version;
            }

            foreach (var other in deeper) Write(via, connection, other);
            lock (_gate)
            {
                if (!flow.IsDead && flow.Version == flow.Owner.Version) return true;
            }

            if (!flow.IsDead) continue;
            Erase(via, connection, flow);
            return false;
        }

        return true;
    }

    /// <summary>What the device shall do; a packet of a slow flow comes up each time.</summary>
    /// <param name="deeper">Other microflows that have to be written again for it.</param>
    private EquatableArray<OvsActionAttribute> AttributesOf(
        NetlinkConnection connection, Microflow flow, in FlowKey key,
        out ImmutableArray<Microflow> deeper)
    {
        var expansion = flow.Owner;
        var actions = expansion.Megaflow.ActionsImmutable;
        var number = key.RecirculationId;
        var translator = new KernelActionTranslator(connection.Features, HasMeter);
        var pid = PidOf(connection, in key);
        var isExact = !connection.Features.HasMasks;
        if (!(isExact && IsUnmatchedBy(expansion)) && IsShallow(connection, number, actions)
            && translator.TryTranslate(in key, isExact, actions, pid, out var attributes))
        {
            expansion.IsSlow = false;
            deeper = Deepen(connection, number, isTheDevices: true, actions);
            flow.NamesPid = attributes.AsEnumerable().Any(NamesPid);
            return attributes;
        }

        expansion.IsSlow = true;
        deeper = Deepen(connection, number, isTheDevices: false, actions);
        flow.NamesPid = true;
        return [new OvsUserspace(pid, UpcallUserdataCodec.SlowPath)];
    }

    private static bool NamesPid(OvsActionAttribute action) => action switch
    {
        OvsUserspace => true,
        OvsSample sample => sample.Actions.AsEnumerable().Any(NamesPid),
        OvsClone clone => clone.Actions.AsEnumerable().Any(NamesPid),
        OvsCheckPacketLength check => check.IfGreater.AsEnumerable().Any(NamesPid)
            || check.IfLessOrEqual.AsEnumerable().Any(NamesPid),
        _ => false,
    };

    /// <summary>The handle that hears packets of this ingress port.</summary>
    public static uint PidOf(NetlinkConnection connection, in FlowKey key) =>
        connection.Packets.IsEmpty
            ? 0
            : connection.Packets[(int)(key.InPort % (uint)connection.Packets.Length)].PortId;

    private static bool IsUnmatchedBy(Expansion expansion)
    {
        FlowKey mask = default;
        expansion.Megaflow.Subtable.ReadMask(ref mask);
        return IsUnmatched(mask);
    }

    /// <summary>The megaflow looks at something that the device's key has not.</summary>
    private static bool IsUnmatched(FlowKey mask)
    {
        var unmatched = s_unmatched;
        var left = mask.Words;
        var right = unmatched.Words;
        for (var i = 0; i < left.Length; i++)
        {
            if ((left[i] & right[i]) != 0) return true;
        }

        return false;
    }

    /// <summary>The key without what the device reads and does not match.</summary>
    private static FlowKey Matched(in FlowKey key)
    {
        var matched = key;
        var unmatched = s_unmatched;
        var words = matched.Words;
        var covers = unmatched.Words;
        for (var i = 0; i < words.Length; i++) words[i] &= ~covers[i];
        return matched;
    }

    private static FlowKey Unmatched() => new()
    {
        TcpFlagsWire = ushort.MaxValue,
        IgmpGroupWire = uint.MaxValue,
        NdReservedWire = uint.MaxValue,
        NdOptionsType = byte.MaxValue,
        PriorityWire = uint.MaxValue,
        PacketMarkWire = uint.MaxValue,
        NshFlags = byte.MaxValue,
        NshMdType = byte.MaxValue,
        NshNextProtocol = byte.MaxValue,
        NshTtl = byte.MaxValue,
        NshPathWire = uint.MaxValue,
        NshContext1Wire = uint.MaxValue,
        NshContext2Wire = uint.MaxValue,
        NshContext3Wire = uint.MaxValue,
        NshContext4Wire = uint.MaxValue,
        TunnelPortSourceWire = ushort.MaxValue,
        TunnelPortDestinationWire = ushort.MaxValue,
        TunnelGbpIdWire = ushort.MaxValue,
        TunnelGbpFlags = byte.MaxValue,
    };

    /// <summary>What tells a flow apart in the tables: the key, and a mask where masks count.
    /// </summary>
    private static byte[] KeyBytes(
        NetlinkConnection connection, in FlowKey key, in FlowKey mask)
    {
        if (!connection.Features.HasMasks)
        {
            var matched = Matched(in key);
            return Microflow.Significant(in matched).ToArray();
        }

        var form = NetlinkEndpoint.FormOf(connection.Dialect);
        Canonical(in key, in mask, form, out var plain, out var bits);
        return [.. Whole(in plain), .. Whole(in bits)];
    }

    /// <summary>Key and mask as they come back from the device.</summary>
    private static void Canonical(
        in FlowKey key, in FlowKey mask, OvsKeyForm form, out FlowKey plain, out FlowKey bits)
    {
        Span<byte> bytes = stackalloc byte[2048];
        var writer = new NetlinkWriter(bytes);
        OvsFlowKeyWriter.Write(ref writer, in key, in mask, form);
        OvsFlowKeyReader.TryRead(writer.Written, out plain, out _, out _);
        writer = new NetlinkWriter(bytes);
        OvsFlowKeyWriter.WriteMask(ref writer, in key, in mask, form);
        OvsFlowKeyReader.TryReadMask(writer.Written, in plain, out bits, out _, out _);
        var (from, cover) = (plain, bits);
        var words = from.Words;
        var covers = cover.Words;
        for (var i = 0; i < words.Length; i++) words[i] &= covers[i];
        plain = from;
        if ((cover.InPortWire, from.InPortWire) == (0u, 0u)) plain.InPortWire = uint.MaxValue;
    }

    private static ReadOnlySpan<byte> Whole(in FlowKey key) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<FlowKey>(in key));

    private static void ReadKeys(
        NetlinkConnection connection, Microflow flow, out FlowKey key, out FlowKey mask)
    {
        mask = default;
        if (!connection.Features.HasMasks)
        {
            flow.ReadKey(out key);
            return;
        }

        key = default;
        flow.Bytes.AsSpan(0, FlowKey.Size).CopyTo(key.Bytes);
        flow.Bytes.AsSpan(FlowKey.Size).CopyTo(mask.Bytes);
    }
}
