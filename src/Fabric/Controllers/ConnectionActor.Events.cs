using Akka.Actor;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <content>Asynchronous messages: who wants them, and in which form.</content>
public sealed partial class ConnectionActor
{
    private const uint PacketInReasons = 1 << (int)PacketInReason.NoMatch
        | 1 << (int)PacketInReason.Action
        | 1 << (int)PacketInReason.ActionSet | 1 << (int)PacketInReason.Group
            | 1 << (int)PacketInReason.PacketOut;
    private const uint FlowRemovedReasons = 0x3F;
    private const uint FlowRemovedReasons13 = 0x0F;
    private const uint InvalidTtlBit = 1 << (int)PacketInReason.InvalidTtl;

    private readonly TokenBucket _packetInBucket;

    // Role status, table status and forwarded requests: only for those who ask.
    private OfAsyncMasks _masks = new(PacketInReasons, 0, 7, 7, FlowRemovedReasons, 0);
    private long _droppedCount;

    private void ReceiveEvents()
    {
        Receive<PacketInRaised>(OnPacketIn);
        Receive<FlowRemovedRaised>(raised => SendEvent(raised.FlowRemoved,
            _masks.FlowRemovedPrimary, _masks.FlowRemovedSecondary,
                (int)raised.FlowRemoved.Reason));
        Receive<PortStatusRaised>(raised => SendEvent(raised.PortStatus,
            _masks.PortStatusPrimary, _masks.PortStatusSecondary, (int)raised.PortStatus.Reason));
        Receive<TableStatusRaised>(raised => SendEvent(raised.TableStatus,
            _masks.TableStatusPrimary, _masks.TableStatusSecondary,
                (int)raised.TableStatus.Reason));
        Receive<RequestForwarded>(forwarded =>
        {
            if (Equals(forwarded.Origin, Self)) return;
            SendEvent(new OfRequestForward(forwarded.Xid, forwarded.Message),
                _masks.RequestForwardPrimary,
                _masks.RequestForwardSecondary, forwarded.Message is GroupMod ? 0 : 1);
        });
        Receive<FlowUpdatesRaised>(OnFlowUpdates);
    }

    /// <summary>Service connections hear of nothing until they set a miss length.</summary>
    private bool WantsEvents => _isEstablished && !_isClosing
        && (_traits.Kind == ConnectionKind.Primary || MissSendLength != 0);

    private void SendEvent(OfMessage message, uint primaryMask, uint secondaryMask, int reason)
    {
        var mask = IsSecondary ? secondaryMask : primaryMask;
        if (!WantsEvents || (mask & (1u << reason)) == 0) return;
        if (_pump.OutboundSize > Limits.AsyncOutboundSizeMax)
        {
            _droppedCount++;
            return;
        }

        Send(message, 0);
    }

    private void OnPacketIn(PacketInRaised raised)
    {
        if (raised.ControllerId != _controllerId) return;
        var packet = raised.PacketIn;
        var wanted = IsSecondary ? _masks.PacketInSecondary : _masks.PacketInPrimary;
        if (!WantsEvents || (wanted & (1u << ReasonBitOf(packet.Reason))) == 0) return;
        if (!_packetInBucket.TryTake())
        {
            _droppedCount++;
            return;
        }

        // Nothing is buffered, so the packet is always whole (OpenFlow 1.3 section A.4.1).
        var format = _packetInFormat;
        SendEvent(packet with { Format = format }, uint.MaxValue, uint.MaxValue, 0);
    }

    private static int ReasonBitOf(PacketInReason reason) => reason
        is PacketInReason.ExplicitMiss or PacketInReason.ImplicitMiss
        ? (int)PacketInReason.NoMatch : (int)reason;

    private void OnSetAsync(OfSetAsync async, uint xid, ReadOnlyMemory<byte> frame)
    {
        foreach (var (property, mask) in async.Changes)
        {
            if ((mask & ~OfAsyncRules.KnownBits(property, _version)) == 0) continue;
            SendError(OfErrorCode.AsyncInvalid, xid, frame);
            return;
        }

        _masks = OfAsyncRules.Apply(_masks, async);
    }

    private void SetInvalidTtl(bool wanted)
    {
        if (_version is not (OfVersion.OpenFlow11 or OfVersion.OpenFlow12)) return;
        _masks = _masks with
        {
            PacketInPrimary = wanted ? _masks.PacketInPrimary | InvalidTtlBit
                : _masks.PacketInPrimary & ~InvalidTtlBit,
        };
    }
}
