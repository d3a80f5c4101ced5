using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Outer headers put on and taken off without leaving the datapath.</content>
internal sealed partial class ActionExecutor
{
    /// <summary>
    /// The actions from 'start' on, for each segment of a super-packet: a header that is pushed
    /// covers one packet.
    /// </summary>
    private void RunSegments(ref PacketRun run, DatapathAction[] actions, int start)
    {
        if (!context.TryCut(run.Packet, Swap(run.Key.PacketTypeWire), out var segmenter)) return;
        while (context.TryNext(ref segmenter, out var segment))
        {
            var key = run.Key;
            var branch = new PacketRun
            {
                Packet = segment,
                Key = ref key,
                Layout = run.Layout,
                SizeMax = run.SizeMax,
                Depth = run.Depth,
            };
            Run(ref branch, actions, start);
        }

        context.Pool.Release(run.Packet);
    }

    private DropReason Push(ref PacketRun run, TunnelPushAction push)
    {
        if (run.SizeMax < run.Packet.Size)
        {
            Own(ref run);
            run.Packet.Trim(run.SizeMax);
        }

        run.SizeMax = int.MaxValue;
        Own(ref run);
        var packet = run.Packet;
        if (!ChecksumCompletion.TryComplete(packet)) return DropReason.ChecksumInvalid;
        var port = context.Core.Ports[push.TunnelPort];
        var innerSize = packet.Size;
        if (!packet.TryPush(push.Header.Length, out var header))
        {
            return DropReason.HeadroomExhausted;
        }

        push.Header.CopyTo(header);
        var sequence = port is null ? 0 : Interlocked.Increment(ref port.PushSequence) - 1;
        var source = context.Core.SourcePorts.For(PacketHash.FiveTuple(ref run.Key, basis: 0));
        if (!OuterHeader.TryFinish(
            packet.Bytes, push.Kind, push.Header.Length, source, sequence))
        {
            return DropReason.MtuExceeded;
        }

        port?.CountTransmitted(1, innerSize, 0);
        run.Tunnel = null;
        TunnelMetadataKey.Clear(ref run.Key);
        ConntrackTable.Clear(ref run.Key);
        run.Key.PacketTypeWire = 0;
        run.Key.InPort = push.OutPort;
        return Reparse(ref run);
    }

    private DropReason Pop(ref PacketRun run, uint number, bool isLast)
    {
        if (run.Depth >= DatapathLimits.DepthMax) return DropReason.RecirculationLimit;
        if (isLast)
        {
            Own(ref run);
        }
        else
        {
            run.Packet.References++;
        }

        var outer = new PacketRun
        {
            Packet = run.Packet,
            Key = ref run.Key,
            Layout = run.Layout,
            Depth = run.Depth,
        };
        if (!isLast) Own(ref outer);
        if (outer.Packet.SegmentSize == 0 || IsInnerSuperPacket(in outer))
        {
            PopOne(ref outer, number);
        }
        else
        {
            PopSegments(ref outer, number);
        }

        return isLast ? Consumed : DropReason.None;
    }

    /// <summary>
    /// What is to be cut is inside the tunnel: the unfinished checksum lies behind the outer
    /// header. A sender on this machine left that to us; it goes on whole.
    /// </summary>
    private static bool IsInnerSuperPacket(in PacketRun outer) =>
        outer.Packet.ChecksumStart > outer.Layout.TransportOffset;

    /// <summary>Tunnelled packets that came in one message of the kernel's (UDP GRO).</summary>
    private void PopSegments(ref PacketRun outer, uint number)
    {
        if (!context.TryCut(outer.Packet, packetType: 0, out var segmenter)) return;
        while (context.TryNext(ref segmenter, out var segment))
        {
            var branch = outer;
            branch.Packet = segment;
            branch.Layout.EndOffset = segment.Size;
            PopOne(ref branch, number);
        }

        context.Pool.Release(outer.Packet);
    }

    private void PopOne(ref PacketRun outer, uint number)
    {
        var key = default(FlowKey);
        var reason = TryOpen(ref outer, number, ref key);
        if (reason == DropReason.None)
        {
            var packet = outer.Packet;
            if (FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out reason))
            {
                context.RunFlow(packet, ref key, layout, outer.Depth + 1);
                return;
            }
        }

        context.Drop(outer.Packet, reason);
    }

    /// <summary>Takes off the outer headers and puts what they say into 'key'.</summary>
    private DropReason TryOpen(ref PacketRun outer, uint number, ref FlowKey key)
    {
        var packet = outer.Packet;
        if (context.Core.Ports[number] is not { Spec.Tunnel: { } spec } port)
        {
            return DropReason.PortNotFound;
        }

        packet.Trim(outer.Layout.EndOffset);
        var reason = OuterPacket.Read(in outer, spec.Kind, ref key, out var headers);
        if (reason != DropReason.None) return reason;
        var flagsWire = key.TunnelFlagsWire;
        reason = TunnelCodec.Read(
            spec, context.Core.GeneveOptions, packet.Bytes[headers..], ref key, out var size);
        if (size < 0)
        {
            // GRE and ERSPAN share an IP protocol: what is not the one is the other.
            if (OtherGre(spec.Kind) is not { Spec.Tunnel: { } otherSpec } other) return reason;
            (port, spec) = (other, otherSpec);
            reason = TunnelCodec.Read(
                spec, context.Core.GeneveOptions, packet.Bytes[headers..], ref key, out size);
        }

        if (reason != DropReason.None) return reason;
        key.TunnelFlagsWire |= flagsWire;
        key.InPort = port.Number;
        packet.Pull(headers + size);
        packet.IsChecksumValid = false;
        port.CountReceived(1, packet.Size);
        return DropReason.None;
    }

    private PacketPort? OtherGre(TunnelKind kind)
    {
        foreach (var port in context.Core.Ports.All)
        {
            if (port.Spec.Tunnel is { } tunnel && tunnel.Kind != kind
                && !OuterHeader.IsUdp(tunnel.Kind) && tunnel.Kind != TunnelKind.Stt
                && (kind == TunnelKind.Erspan || tunnel.Kind == TunnelKind.Erspan))
            {
                return port;
            }
        }

        return null;
    }
}
