using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>
/// Packets from controllers: translated like any other, then run by the datapath.
/// </summary>
internal sealed class PacketOuts(BridgeState state, SwitchedDatapath? datapath, long now)
{
    public OfErrorCode Send(OfPacketOut packetOut)
    {
        if (packetOut.BufferId != FlowMod.NoBuffer) return OfErrorCode.RequestBufferUnknown;
        if (datapath?.Current.Bridges.GetValueOrDefault(state.Name) is not { } bridge)
        {
            return OfErrorCode.None;
        }

        var key = default(FlowKey);
        if (!TryRead(packetOut.Packet, bridge, packetOut.InPort, ref key, out var packet))
        {
            return OfErrorCode.None; // Too short for an address: it goes nowhere.
        }

        var origin = new TranslationOrigin(bridge, packetOut.InPort, 0, packetOut.Actions)
        {
            Metadata = packetOut.Metadata,
        };
        Run(packet, in key, origin);
        return OfErrorCode.None;
    }

    public OfErrorCode Resume(OfResume resume)
    {
        var paused = resume.PacketIn;
        if (datapath?.Current.Bridges.GetValueOrDefault(state.Name) is not { } bridge)
        {
            return OfErrorCode.None;
        }

        var key = default(FlowKey);
        if (!TryRead(paused.Packet, bridge, paused.InPort, ref key, out var packet))
        {
            return OfErrorCode.RequestBadPacket;
        }

        if (!PausedPackets.TryParse(paused.Continuation, out var id, ref key)
            || datapath.Recirculation.Find(id) is not { } frozen)
        {
            return OfErrorCode.ResumeStale;
        }

        Run(packet, in key, new TranslationOrigin(bridge, paused.InPort, 0, null)
        {
            Metadata = paused.Metadata,
            Frozen = frozen,
        });
        return OfErrorCode.None;
    }

    private void Run(PacketBuffer packet, in FlowKey key, TranslationOrigin origin)
    {
        var result = datapath!.Upcalls.Translate(
            in key, packet.Size, true, now, origin, packet: packet);
        result.Credits().Add(1, (ulong)packet.Size, now);
        if (result.Error != DropReason.None || result.Actions.IsEmpty) return;
        datapath.Provider.Execute(packet, in key, result.Actions);
    }

    private static bool TryRead(
        EquatableArray<byte> bytes, BridgeSnapshot bridge, uint inPort, ref FlowKey key,
        out PacketBuffer packet)
    {
        packet = new PacketBuffer(Math.Max(64, bytes.Count));
        packet.Load(bytes.AsSpan());
        if (bridge.Ports.TryGetValue(inPort, out var port) && port.DatapathPort is { } number)
        {
            key.InPort = number;
        }

        // What cannot be parsed can still be forwarded by its addresses.
        return FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out _)
            || packet.Size >= 14;
    }
}
