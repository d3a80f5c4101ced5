using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Runs datapath actions on packets.</summary>
/// <remarks>
/// Bytes are shared between outputs and copies, and copied only when one holder is about to change
/// them (<see cref="Own"/>). Every way out without a port has a <see cref="DropReason"/>.
/// Allocates nothing per packet.
/// </remarks>
internal sealed partial class ActionExecutor(PacketContext context)
{
    /// <summary>Takes the packet's reference. 'key' may be changed.</summary>
    public void Run(
        PacketBuffer packet, ref FlowKey key, in PacketLayout layout, DatapathAction[] actions,
        int depth)
    {
        if (actions.Length == 0)
        {
            context.Drop(packet, DropReason.NoActions);
            return;
        }

        var run = new PacketRun
        {
            Packet = packet,
            Key = ref key,
            Layout = layout,
            SizeMax = int.MaxValue,
            Depth = depth,
        };
        Run(ref run, actions);
    }

    private void Run(ref PacketRun run, DatapathAction[] actions, int start = 0)
    {
        for (var i = start; i < actions.Length; i++)
        {
            if (run.Packet.SegmentSize != 0 && actions[i] is TunnelPushAction)
            {
                RunSegments(ref run, actions, i);
                return;
            }

            if (run.Key.NetworkFragment != 0 && actions[i] is ConntrackAction conntrack
                && context.Core.Conntrack.Reassembly.IsFor(run.Key))
            {
                TrackFragment(ref run, conntrack, actions[(i + 1)..]);
                return;
            }

            var reason = Step(ref run, actions[i], isLast: i == actions.Length - 1);
            if (reason == DropReason.None) continue;
            if (reason != Consumed) context.Drop(run.Packet, reason);
            return;
        }

        context.Pool.Release(run.Packet);
    }

    /// <summary>What a step returns when it gave the packet away.</summary>
    private const DropReason Consumed = unchecked((DropReason)(-1));

    private DropReason Step(ref PacketRun run, DatapathAction action, bool isLast)
    {
        switch (action)
        {
            case OutputAction output:
                return Output(ref run, output.Port, isLast);
            case SetTunnelAction tunnel:
                run.Tunnel = tunnel.Tunnel;
                return DropReason.None;
            case TunnelPushAction push:
                return Push(ref run, push);
            case TunnelPopAction pop:
                return Pop(ref run, pop.TunnelPort, isLast);
            case ConntrackAction conntrack:
                return Track(ref run, conntrack);
            case RecirculateAction recirculate:
                return Recirculate(ref run, recirculate.RecirculationId, isLast);
            case ConntrackClearAction:
                ConntrackTable.Clear(ref run.Key);
                return DropReason.None;
            case CloneAction clone:
                return Branch(ref run, clone.Actions, isLast);
            case SampleAction sample:
                var isTaken = sample.Probability == uint.MaxValue
                    || context.NextRandom() < sample.Probability;
                return isTaken ? Branch(ref run, sample.Actions, isLast) : DropReason.None;
            case CheckPacketLengthAction check:
                return Branch(
                    ref run,
                    LengthOf(run) > check.Length ? check.IfGreater : check.IfLessOrEqual, isLast);
            case TruncateAction truncate:
                run.SizeMax = truncate.SizeMax < run.Packet.Size
                    ? (int)truncate.SizeMax : int.MaxValue;
                return DropReason.None;
            case UserspaceAction userspace:
                context.Core.UpcallHandler?.Action(run.Packet, run.Key, userspace.Userdata);
                return DropReason.None;
            case MeterAction meter:
                return Charge(ref run, meter.MeterId);
            case HashAction hash:
                run.Key.DatapathHashWire = PacketHash.Of(ref run.Key, hash);
                return DropReason.None;
            case DropAction drop:
                return drop.Reason == DropReason.None ? DropReason.ExplicitDrop : drop.Reason;
            case LoadBalancedOutputAction:
                return DropReason.ActionUnsupported;
            default:
                return run.SizeMax == int.MaxValue
                    ? Rewrite(ref run, action) : RewriteCut(ref run, action);
        }
    }

    /// <summary>What is cut off stays the same when a header comes or goes before it.</summary>
    private DropReason RewriteCut(ref PacketRun run, DatapathAction action)
    {
        var before = run.Packet.Size;
        var reason = Rewrite(ref run, action);
        if (reason == DropReason.None) run.SizeMax += run.Packet.Size - before;
        return reason;
    }

    private DropReason Output(ref PacketRun run, uint number, bool isLast)
    {
        var port = context.Core.Ports[number];
        if (port is null)
        {
            context.Drops.Add(DropReason.PortNotFound);
            return DropReason.None;
        }

        var packet = run.Packet;
        if (run.SizeMax < packet.Size)
        {
            var cut = context.Pool.Rent();
            cut.CopyFrom(packet);
            ChecksumCompletion.TryComplete(cut);
            cut.Gso = GsoKind.None;
            cut.SegmentSize = 0;
            cut.Trim(run.SizeMax);
            run.SizeMax = int.MaxValue;
            context.Enqueue(port, cut, EgressOf(ref run, port));
            return DropReason.None;
        }

        run.SizeMax = int.MaxValue;
        if (isLast)
        {
            context.Enqueue(port, packet, EgressOf(ref run, port));
            return Consumed;
        }

        packet.References++;
        context.Enqueue(port, packet, EgressOf(ref run, port));
        return DropReason.None;
    }

    private static EgressMetadata EgressOf(ref PacketRun run, PacketPort port) => new(
        run.Tunnel, port.WantsFlowHash ? PacketHash.FiveTuple(ref run.Key, basis: 0) : 0,
        Swap(run.Key.PacketMarkWire), Swap(run.Key.PacketTypeWire));

    private DropReason Track(ref PacketRun run, ConntrackAction action)
    {
        if (action.Nat is not null || action.Helper is not null) Own(ref run);
        var isChanged = context.Core.Conntrack.Execute(
            run.Packet, ref run.Key, action, context.NowMilliseconds);
        return isChanged ? Reparse(ref run) : DropReason.None;
    }

    private DropReason Recirculate(ref PacketRun run, uint recirculationId, bool isLast)
    {
        if (run.Depth >= DatapathLimits.DepthMax) return DropReason.RecirculationLimit;

        if (isLast)
        {
            Continue(ref run, recirculationId, ref run.Key);
            return Consumed;
        }

        run.Packet.References++;
        var key = run.Key;
        Continue(ref run, recirculationId, ref key);
        return DropReason.None;
    }

    private void Continue(ref PacketRun run, uint recirculationId, ref FlowKey key)
    {
        key.RecirculationId = recirculationId;
        if (run.Tunnel is { } tunnel) TunnelMetadataKey.ToKey(tunnel, ref key);
        context.RunFlow(run.Packet, ref key, run.Layout, run.Depth + 1);
    }

    /// <summary>Runs actions whose changes are forgotten afterwards.</summary>
    private DropReason Branch(
        ref PacketRun run, ImmutableArray<DatapathAction> actions, bool isLast)
    {
        if (actions.IsDefaultOrEmpty) return DropReason.None;
        if (run.Depth >= DatapathLimits.DepthMax) return DropReason.RecirculationLimit;

        var key = run.Key;
        var branch = new PacketRun
        {
            Packet = run.Packet,
            Key = ref key,
            Layout = run.Layout,
            Tunnel = run.Tunnel,
            SizeMax = run.SizeMax,
            Depth = run.Depth + 1,
        };
        if (!isLast) run.Packet.References++;
        Run(ref branch, ImmutableCollectionsMarshal.AsArray(actions)!);
        return isLast ? Consumed : DropReason.None;
    }

    private DropReason Charge(ref PacketRun run, uint meterId)
    {
        var isWithin = context.Core.Meters.TryPass(
            meterId, run.Packet.Size, context.NowMilliseconds, out var remark);
        if (!isWithin) return DropReason.MeterExceeded;
        if (remark == 0 || run.Layout.NetworkOffset < 0) return DropReason.None;

        // Raise the drop precedence of assured forwarding classes (RFC 2597).
        var dscp = run.Key.NetworkTos >> 2;
        var precedence = (dscp >> 1) & 3;
        if ((dscp & 1) != 0 || dscp >> 3 is 0 or > 4 || precedence == 0) return DropReason.None;
        var raised = (dscp & ~6) | (Math.Min(3, precedence + remark) << 1);
        Own(ref run);
        PacketEditor.SetTos(ref run, (byte)(raised << 2), 0xFC);
        return DropReason.None;
    }

    /// <summary>What check_pkt_len compares: one segment of a super-packet.</summary>
    private static int LengthOf(in PacketRun run)
    {
        var packet = run.Packet;
        if (packet.SegmentSize == 0 || run.Layout.TransportOffset < 0) return packet.Size;
        var header = run.Layout.TransportOffset + 8;
        if (run.Key.NetworkProtocol == IpProtocol.Tcp)
        {
            header = run.Layout.TransportOffset
                + ((packet.Bytes[run.Layout.TransportOffset + 12] >> 4) * 4);
        }

        return Math.Min(packet.Size, header + packet.SegmentSize);
    }

    /// <summary>Makes the packet's bytes the run's alone, before they are changed.</summary>
    private void Own(ref PacketRun run)
    {
        if (run.Packet.References <= 1) return;
        var copy = context.Pool.Rent();
        copy.CopyFrom(run.Packet);
        context.Pool.Release(run.Packet);
        run.Packet = copy;
    }

    /// <summary>Key and layout anew, after headers moved.</summary>
    private static DropReason Reparse(ref PacketRun run)
    {
        FlowKeyExtractor.TryExtract(run.Packet.Bytes, ref run.Key, out run.Layout, out var reason);
        return reason;
    }
}
