namespace Fabric.Datapath;

/// <summary>State of one end of a TCP connection, as far as a bystander can know it.</summary>
/// <remarks>The order matters: later states are compared with &gt;=.</remarks>
internal enum TcpState : byte
{
    Closed,
    SynSent,
    SynReceived,
    Established,
    /// <summary>This end has sent its FIN.</summary>
    Closing,
    /// <summary>This end's FIN was acknowledged.</summary>
    FinWait2,
    /// <summary>The connection was reset or both ends are done.</summary>
    TimeWait,
}

/// <summary>What the tracker remembers of one end.</summary>
internal struct TcpPeer
{
    public TcpState State;

    /// <summary>Shift of this end's window (RFC 7323); valid when <see cref="HasScale"/>.</summary>
    public byte Scale;
    public bool HasScale;

    /// <summary>The highest sequence number (exclusive) that this end has sent.</summary>
    public uint SentEnd;

    /// <summary>The highest sequence number (exclusive) that the other end lets it send.</summary>
    public uint AllowedEnd;

    /// <summary>The largest window, in bytes, that this end ever offered.</summary>
    public uint WindowMax;
}

/// <summary>One TCP segment's facts, in host order.</summary>
internal readonly record struct TcpSegment(
    byte Flags, uint Sequence, uint Acknowledgement, ushort Window, int PayloadSize,
    int ScaleOption)
{
    public const byte Fin = 0x01, Syn = 0x02, Reset = 0x04, Ack = 0x10;

    public bool IsSyn => (Flags & Syn) != 0;
    public bool IsAck => (Flags & Ack) != 0;
    public bool IsFin => (Flags & Fin) != 0;
    public bool IsReset => (Flags & Reset) != 0;

    /// <summary>First sequence number after this segment; SYN and FIN count one each.</summary>
    public uint End =>
        Sequence + (uint)PayloadSize + (IsSyn ? 1u : 0) + (IsFin ? 1u : 0);
}

/// <summary>
/// TCP state and window checking for a firewall that stands between the two ends.
/// </summary>
/// <remarks>
/// The four bounds are those of G. van Rooij, "Real Stateful TCP Packet Filtering in IP Filter"
/// (2000): a segment must end below what its receiver allowed, must not lie further back than one
/// window of the receiver, must not acknowledge what was never sent, and must not acknowledge
/// further back than 64 KiB (scaled). States follow RFC 9293 section 3.3.2 seen from outside.
/// </remarks>
internal static class TcpTracker
{
    private const uint AcknowledgementWindow = 0xFFFF + 1500;

    /// <summary>
    /// May this segment start a connection? SYN, or anything in mid-stream (loose).
    /// </summary>
    /// <remarks>
    /// A SYN with ACK, a FIN or RST without connection, or no flag at all may not.
    /// </remarks>
    public static bool CanStart(in TcpSegment segment)
    {
        if (HasImpossibleFlags(segment)) return false;
        return !(segment.IsSyn && segment.IsAck) && !segment.IsReset;
    }

    public static void Start(Connection connection, in TcpSegment segment)
    {
        ref var source = ref connection.OriginalPeer;
        ref var target = ref connection.ReplyPeer;
        source = default;
        target = default;

        source.SentEnd = segment.End;
        source.WindowMax = Math.Max((uint)segment.Window, 1);
        if (segment.IsSyn)
        {
            source.HasScale = segment.ScaleOption >= 0;
            source.Scale = (byte)Math.Max(segment.ScaleOption, 0);
            source.State = TcpState.SynSent;
            // The answer will open the real window; until then a fast-open payload fits.
            source.AllowedEnd = segment.End + 1;
            target.WindowMax = 1;
            target.State = TcpState.Closed;
        }
        else
        {
            // Picked up in mid-stream: scaling is unknown, so the bounds start wide.
            source.State = segment.IsFin ? TcpState.Closing : TcpState.SynSent;
            source.HasScale = target.HasScale = true;
            source.Scale = target.Scale = 14;
            source.AllowedEnd = segment.End + AcknowledgementWindow;
            source.WindowMax = (uint)segment.Window << 14;
            target.WindowMax = 1;
            target.State = TcpState.Closed;
        }
    }

    public static TrackVerdict Update(
        Connection connection, in TcpSegment segment, bool isReply, bool isWindowChecked)
    {
        ref var source = ref isReply ? ref connection.ReplyPeer : ref connection.OriginalPeer;
        ref var target = ref isReply ? ref connection.OriginalPeer : ref connection.ReplyPeer;

        if (HasImpossibleFlags(segment)) return TrackVerdict.Invalid;

        var isOver = source.State >= TcpState.FinWait2 && target.State >= TcpState.FinWait2;
        if (segment.IsSyn && !segment.IsAck)
        {
            if (isOver || source.State == TcpState.TimeWait) return TrackVerdict.Reopened;
            if (!isReply && target.State == TcpState.Closed)
            {
                // Sent again before any answer, perhaps with another sequence number.
                Start(connection, segment);
                return TrackVerdict.StillNew;
            }
        }

        var isFirst = source.State == TcpState.Closed;
        if (isFirst) LearnSource(ref source, ref target, segment);

        if (isWindowChecked && !FitsWindow(ref source, ref target, segment))
        {
            if (isFirst) source = default;
            return TrackVerdict.Invalid;
        }

        Advance(ref source, ref target, segment);
        AdvanceStates(ref source, ref target, segment);
        return TrackVerdict.Established;
    }

    /// <summary>The first segment of this end tells where its sequence numbers are.</summary>
    private static void LearnSource(
        ref TcpPeer source, ref TcpPeer target, in TcpSegment segment)
    {
        source.SentEnd = segment.Sequence;
        if (segment.IsSyn)
        {
            source.HasScale = segment.ScaleOption >= 0;
            source.Scale = (byte)Math.Max(segment.ScaleOption, 0);
            if (!source.HasScale || !target.HasScale)
            {
                // Scaling holds only if both ends offered it (RFC 7323 section 2.2).
                source.HasScale = target.HasScale = false;
                source.Scale = target.Scale = 0;
            }

            source.State = TcpState.SynSent;
        }
        else
        {
            source.State = TcpState.SynSent;
        }

        source.WindowMax = Math.Max(source.WindowMax, 1);
        source.AllowedEnd = segment.End + Math.Max(target.WindowMax, 1);
        if (target.AllowedEnd == 0) target.AllowedEnd = segment.Acknowledgement;
    }

    private static bool FitsWindow(
        ref TcpPeer source, ref TcpPeer target, in TcpSegment segment)
    {
        var sequence = segment.Sequence;
        var end = segment.End;
        var acknowledgement = segment.IsAck ? segment.Acknowledgement : target.SentEnd;
        if (segment.IsReset && !segment.IsAck && sequence == 0)
        {
            // A reset without ACK may carry no useful number at all.
            sequence = end = source.SentEnd;
        }

        // An end that was not heard yet has no numbers to compare an acknowledgement with.
        var behind = target.State == TcpState.Closed
            ? 0
            : (int)(target.SentEnd - acknowledgement);
        var scaledWindow = AcknowledgementWindow << source.Scale;
        if (source.Scale > 14) scaledWindow = AcknowledgementWindow << 14;

        return (int)(source.AllowedEnd - end) >= 0
            && (int)(sequence - (source.SentEnd - Math.Max(target.WindowMax, 1)
                - AcknowledgementWindow)) >= 0
            && behind >= -(int)AcknowledgementWindow
            && behind <= (int)Math.Min(scaledWindow, int.MaxValue)
            && (!segment.IsReset || IsExactReset(source, sequence));
    }

    /// <summary>
    /// A reset must hit what its sender may send next, or an attacker could guess one anywhere in
    /// the window (RFC 5961 section 3.2).
    /// </summary>
    private static bool IsExactReset(in TcpPeer source, uint sequence) =>
        source.State < TcpState.Established
        || (int)(sequence - source.SentEnd) is >= -1 and <= 1;

    private static void Advance(ref TcpPeer source, ref TcpPeer target, in TcpSegment segment)
    {
        var window = segment.IsSyn ? segment.Window : (uint)segment.Window << source.Scale;
        source.WindowMax = Math.Max(source.WindowMax, window);
        if ((int)(segment.End - source.SentEnd) > 0) source.SentEnd = segment.End;
        if (!segment.IsAck) return;

        var allowed = segment.Acknowledgement + Math.Max(window, 1);
        if (target.AllowedEnd == 0 || (int)(allowed - target.AllowedEnd) > 0)
        {
            target.AllowedEnd = allowed;
        }
    }

    private static void AdvanceStates(
        ref TcpPeer source, ref TcpPeer target, in TcpSegment segment)
    {
        if (segment.IsSyn && source.State < TcpState.SynSent) source.State = TcpState.SynSent;
        if (segment.IsFin && source.State < TcpState.Closing) source.State = TcpState.Closing;
        if (segment.IsAck)
        {
            if (target.State == TcpState.SynSent) target.State = TcpState.Established;
            else if (target.State == TcpState.Closing
                && (int)(segment.Acknowledgement - target.SentEnd) >= 0)
            {
                target.State = TcpState.FinWait2;
            }

            // Its ACK of our side's SYN completes this end's half when it is no SYN itself.
            if (!segment.IsSyn && source.State == TcpState.SynSent
                && target.State >= TcpState.Established)
            {
                source.State = TcpState.Established;
            }
        }

        if (segment.IsReset) source.State = target.State = TcpState.TimeWait;
    }

    private static bool HasImpossibleFlags(in TcpSegment segment)
    {
        if (segment.IsSyn) return segment.IsReset || segment.IsFin;
        if (!segment.IsAck) return !segment.IsReset;
        return segment.IsFin && segment.IsReset;
    }

    /// <summary>The state that dump-conntrack prints for the connection.</summary>
    public static string NameOf(Connection connection)
    {
        var original = connection.OriginalPeer.State;
        var reply = connection.ReplyPeer.State;
        if (original == TcpState.TimeWait || reply == TcpState.TimeWait) return "CLOSED";
        if (original == TcpState.FinWait2 && reply == TcpState.FinWait2) return "TIME_WAIT";
        if (original >= TcpState.Closing || reply >= TcpState.Closing)
        {
            return original >= TcpState.Closing && reply >= TcpState.Closing
                ? "LAST_ACK"
                : original >= TcpState.Closing ? "FIN_WAIT_1" : "CLOSE_WAIT";
        }

        if (reply == TcpState.Closed) return "SYN_SENT";
        return original >= TcpState.Established && reply >= TcpState.Established
            ? "ESTABLISHED"
            : "SYN_RECV";
    }
}
