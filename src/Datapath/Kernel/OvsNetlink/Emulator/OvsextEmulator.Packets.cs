using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <content>Flows, packets to execute, packets that go up.</content>
public sealed partial class OvsextEmulator
{
    /// <summary>The last key attribute that the driver's parser has a rule for.</summary>
    private const int KeyAttributeMax = (int)OvsKey.ConntrackTupleIpv6;

    private const OvsKeyForm Form = OvsKeyForm.Complete | OvsKeyForm.Ovsext;

    /// <summary>All that the driver's key has, exactly: TTL and TOS, but no TCP flags.</summary>
    private static readonly FlowKey s_exact = Exact();

    /// <summary>Actions as they were put, for dumps: the driver does not look at them.</summary>
    private readonly Dictionary<(FlowKey Key, FlowKey Mask), byte[]> _flowActions = [];
    private ulong _lost;

    private static FlowKey Exact()
    {
        FlowKey mask = default;
        mask.Bytes.Fill(0xFF);
        mask.PriorityWire = 0;
        mask.PacketMarkWire = 0;
        mask.TcpFlagsWire = 0;
        mask.IgmpGroupWire = 0;
        mask.NdReservedWire = 0;
        mask.NdOptionsType = 0;
        (mask.NshFlags, mask.NshMdType, mask.NshNextProtocol, mask.NshTtl) = (0, 0, 0, 0);
        mask.NshPathWire = 0;
        (mask.NshContext1Wire, mask.NshContext2Wire) = (0, 0);
        (mask.NshContext3Wire, mask.NshContext4Wire) = (0, 0);
        (mask.TunnelPortSourceWire, mask.TunnelPortDestinationWire) = (0, 0);
        (mask.TunnelGbpIdWire, mask.TunnelGbpFlags) = (0, 0);
        (mask.GtpuFlags, mask.GtpuMessageType) = (0, 0);
        (mask.ErspanVersion, mask.ErspanIndexWire) = (0, 0);
        (mask.ErspanDirection, mask.ErspanHardwareId) = (0, 0);
        return mask;
    }

    private int Flow(in OvsMessage message, ref NetlinkWriter answer)
    {
        if (!OvsFlowMessage.TryParse(message, out var flow, out _))
        {
            return OvsErrorCatalogue.Invalid;
        }

        if (message.Header.Command == OvsCommand.Delete && !flow.HasKey)
        {
            _flowActions.Clear();
            Packets.Flows.Flush();
            return 0;
        }

        if (!flow.HasKey || !TryKey(flow.Key, out var key)) return OvsErrorCatalogue.Invalid;
        var mask = s_exact;
        if (Profile.HasMegaflows && flow.HasMask
            && !OvsFlowKeyReader.TryReadMask(flow.Mask, in key, out mask, out _, out _))
        {
            return OvsErrorCatalogue.Invalid;
        }

        if (Profile.HasMegaflows && !flow.HasMask) mask = MaskOf(in key);
        Trim(ref key, in mask);
        var isThere = _flowActions.ContainsKey((key, mask));
        switch (message.Header.Command)
        {
            case OvsCommand.New:
                const ushort Exclusive = NetlinkFlags.Create | NetlinkFlags.Exclusive;
                if (isThere && (message.Header.Flags & Exclusive) != 0)
                {
                    return OvsErrorCatalogue.Exists;
                }

                return PutFlow(in key, in mask, flow.Actions);
            case OvsCommand.Set:
                return isThere
                    ? PutFlow(in key, in mask, flow.Actions)
                    : OvsErrorCatalogue.NotFound;
            case OvsCommand.Get:
                if (!isThere) return OvsErrorCatalogue.NotFound;
                foreach (var found in Find(key, mask))
                {
                    WriteFlow(ref answer, Answer(in message), in key, in mask, found, true);
                }

                return 0;
            case OvsCommand.Delete:
                if (!Packets.Flows.Delete(key, mask, out var last))
                {
                    return OvsErrorCatalogue.NotFound;
                }

                _flowActions.Remove((key, mask));
                WriteFlow(ref answer, Answer(in message), in key, in mask, last, false);
                return 0;
            default:
                return OvsErrorCatalogue.Invalid;
        }
    }

    /// <summary>Of the flow that was put with this key; a driver with masks finds by it.</summary>
    private FlowKey MaskOf(in FlowKey key)
    {
        foreach (var (flow, mask) in _flowActions.Keys)
        {
            var masked = key;
            Trim(ref masked, in mask);
            if (masked == flow) return mask;
        }

        return s_exact;
    }

    /// <summary>No mask, no look at the actions: whatever it is, it is taken.</summary>
    private int PutFlow(in FlowKey key, in FlowKey mask, ReadOnlySpan<byte> actions)
    {
        var list = EmulatorActions.Read(actions, Profile, out _);
        var result = Packets.Flows.Put(key, mask, list);
        if (result == FlowPutResult.Full) return 28; // ENOSPC
        _flowActions[(key, mask)] = actions.ToArray();
        return 0;
    }

    private List<FlowStatistics> Find(FlowKey key, FlowKey mask)
    {
        var found = new List<FlowStatistics>();
        Packets.Flows.Dump((in FlowKey candidate, in FlowKey bits,
            ImmutableArray<DatapathAction> _, in FlowStatistics statistics) =>
        {
            if (candidate == key && bits == mask) found.Add(statistics);
        });
        return found;
    }

    private List<byte[]> DumpFlows(OvsHeader header)
    {
        var all = new List<byte[]>();
        var bytes = new byte[NetlinkLimits.MessageSizeMax];
        var answer = header with { Flags = NetlinkFlags.Multi };
        Packets.Flows.Dump((in FlowKey key, in FlowKey mask,
            ImmutableArray<DatapathAction> _, in FlowStatistics statistics) =>
        {
            var writer = new NetlinkWriter(bytes);
            WriteFlow(ref writer, answer, in key, in mask, statistics, true);
            if (!writer.HasOverflowed) all.Add(writer.Written.ToArray());
        });
        return all;
    }

    private void WriteFlow(
        ref NetlinkWriter writer, OvsHeader header, in FlowKey key, in FlowKey mask,
        FlowStatistics statistics, bool withActions)
    {
        var keyWriter = new NetlinkWriter(new byte[1024]);
        var maskWriter = new NetlinkWriter(new byte[1024]);
        var flow = new OvsFlowMessage
        {
            HasKey = true,
            HasStatistics = true,
            Packets = statistics.Packets,
            Bytes = statistics.Bytes,
            TcpFlags = (byte)statistics.TcpFlags,
            UsedMilliseconds = statistics.UsedMilliseconds == 0
                ? null
                : (ulong)statistics.UsedMilliseconds,
        };
        if (Profile.HasMegaflows)
        {
            OvsFlowKeyWriter.Write(ref keyWriter, in key, in mask, Form);
            OvsFlowKeyWriter.WriteMask(ref maskWriter, in key, in mask, Form);
            flow.HasMask = true;
            flow.Mask = maskWriter.Written;
        }
        else
        {
            OvsFlowKeyWriter.Write(ref keyWriter, in key, Form);
        }

        flow.Key = keyWriter.Written;
        if (withActions && _flowActions.TryGetValue((key, mask), out var actions))
        {
            flow.HasActions = true;
            flow.Actions = actions;
        }

        flow.Write(ref writer, in header);
    }

    private int Execute(in OvsMessage message)
    {
        if (message.Header.Command != OvsPacketCommand.Execute
            || !OvsPacketMessage.TryParse(message, out var wanted, out _)
            || !TryKey(wanted.Key, out var key))
        {
            return OvsErrorCatalogue.Invalid;
        }

        var actions = EmulatorActions.Read(wanted.Actions, Profile, out var hasUnknown);
        var packet = new PacketBuffer(wanted.Packet.Length);
        packet.Load(wanted.Packet);
        if (!actions.IsEmpty) Packets.Execute(packet, in key, actions);
        return hasUnknown ? OvsErrorCatalogue.NotSupported : 0;
    }

    /// <summary>Refuses what the driver's parser has no rule for.</summary>
    private static bool TryKey(ReadOnlySpan<byte> attributes, out FlowKey key)
    {
        key = default;
        var reader = new NetlinkAttributeReader(attributes, "key");
        while (reader.TryNext())
        {
            if (reader.Type > KeyAttributeMax) return false;
            if (reader.Type == (int)OvsKey.Tunnel && !IsTunnelKnown(reader.Value)) return false;
        }

        return reader.IsSound(out _)
            && OvsFlowKeyReader.TryRead(attributes, out key, out _, out _);
    }

    /// <summary>Tunnel attributes 0 to 8, 12 and 13.</summary>
    internal static bool IsTunnelKnown(ReadOnlySpan<byte> attributes)
    {
        var reader = new NetlinkAttributeReader(attributes, "tunnel");
        while (reader.TryNext())
        {
            if (reader.Type is > 8 and not (12 or 13)) return false;
        }

        return reader.IsSound(out _);
    }

    /// <summary>A flow's key as the table has it: zero where the mask is.</summary>
    private static void Trim(ref FlowKey key, in FlowKey mask)
    {
        var cover = mask;
        var words = key.Words;
        var covers = cover.Words;
        for (var i = 0; i < words.Length; i++) words[i] &= covers[i];
    }

    private void QueueUp(
        PacketBuffer packet, in FlowKey key, byte command, uint pid, ReadOnlySpan<byte> userdata)
    {
        if (pid == 0) _pids.TryGetValue(key.InPort, out pid);
        _handles.TryGetValue(pid, out var handle);

        // Segmented and with checksums: what goes up is complete.
        if (packet.ChecksumStart >= 0) ChecksumCompletion.TryComplete(packet);
        var bytes = new byte[packet.Size + userdata.Length + 1024];
        var writer = new NetlinkWriter(bytes);
        var header = new OvsHeader(
            OvsFamilyIds.Ovsext.Packet, 0, 0, pid, command, OvsFamilyIds.VersionOf(
                OvsFamily.Packet));
        OvsPacketMessage.WriteUpcall(
            ref writer, in header, packet.Bytes, in key, userdata, Form);
        if (handle is null || writer.HasOverflowed
            || !handle.QueuePacket(writer.Written.ToArray()))
        {
            Interlocked.Increment(ref _lost);
        }
    }

    /// <summary>Packets that the flow table does not know, and userspace actions.</summary>
    private sealed class EmulatorUpcalls(OvsextEmulator owner) : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            owner.QueueUp(packet, in key, OvsPacketCommand.Miss, 0, default);
            return new UpcallVerdict([], Install: false);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata) =>
            owner.QueueUp(
                packet, in key, OvsPacketCommand.Action, (uint)userdata.Cookie,
                userdata.Data.AsSpan());
    }
}
