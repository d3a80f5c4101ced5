namespace Fabric.Datapath;

/// <summary>State of one end of a TCP connection, as far as a bystander can know it.</summary>
/// <remarks>
/// Numbers and order are those that OVS's tools print (ct_dpif's TCP states); later states are
/// compared with &gt;=. Only those without "unused" are ever held.
/// </remarks>
internal enum TcpState : byte
{
    Closed,
    Listen, // Unused.
    SynSent,
    SynReceived, // Unused.
    Established,
    CloseWait, // Unused.
    FinWait1, // Unused.
    /// <summary>This end has sent its FIN.</summary>
    Closing,
    LastAck, // Unused.
    /// <summary>This end's FIN was acknowledged.</summary>
    FinWait2,
    /// <summary>The connection was reset.</summary>
    TimeWait,
}

/// <summary>What the tracker remembers of one end: twelve bytes.</summary>
internal struct TcpPeer
{
    /// <summary>The highest sequence number (exclusive) that this end has sent.</summary>
    public uint SentEnd;

    /// <summary>
    /// The highest sequence number (exclusive) that the other end lets it send; 1 = unknown.
    /// </summary>
    public uint AllowedEnd;

    /// <summary>
    /// The largest window that this end ever offered, as in the header (unscaled).
    /// </summary>
    public ushort WindowMax;
    private byte _scale;
    public TcpState State;

    private const byte Offered = 0x80, Unknown = 0x40;

    /// <summary>This end offered window scaling (RFC 7323).</summary>
    public readonly bool HasScale => (_scale & Offered) != 0;

    /// <summary>
    /// The handshake was not seen: whether and how far windows are scaled is open.
    /// </summary>
    public readonly bool IsScaleUnknown => (_scale & Unknown) != 0;
    public readonly int Scale => _scale & 0x0F;

    public void SetScale(int option) => _scale = option < 0 ? (byte)0 : (byte)(Offered | option);
    public void SetScaleUnknown() => _scale = Unknown;
}

/// <summary>One TCP segment's facts, in host order.</summary>
internal readonly record struct TcpSegment(
    byte Flags, uint Sequence, uint Acknowledgement, ushort Window, int PayloadSize,
    int ScaleOption)
{
    public const byte Fin = 0x01, Syn = 0x02, Reset = 0x04, Push = 0x08, Ack = 0x10, Urgent = 0x20;

    public bool IsSyn => (Flags & Syn) != 0;
    public bool IsAck => (Flags & Ack) != 0;
    public bool IsFin => (Flags & Fin) != 0;
    public bool IsReset => (Flags & Reset) != 0;

    /// <summary>First sequence number after this segment; SYN and FIN count one each.</summary>
    public uint End =>
        Sequence + (uint)PayloadSize + (IsSyn ? 1u : 0) + (IsFin ? 1u : 0);

    /// <summary>
    /// Flags that no honest end sends together: SYN with FIN or RST; neither ACK nor SYN nor RST;
    /// FIN, PSH or URG without ACK.
    /// </summary>
    public bool HasImpossibleFlags
    {
        get
        {
            if (IsSyn ? (Flags & (Reset | Fin)) != 0 : (Flags & (Ack | Reset)) == 0) return true;
            return !IsAck && (Flags & (Fin | Push | Urgent)) != 0;
        }
    }
}

/// <summary>
/// TCP state and window checking for a firewall that stands between the two ends.
/// </summary>
/// <remarks>
/// The four bounds are those of G. van Rooij, "Real Stateful TCP Packet Filtering in IP Filter"
/// (2000): a segment must end below what its receiver allowed, must not lie further back than one
/// window of the receiver, must not acknowledge what was never sent, and must not acknowledge
/// further back than 64 KiB (scaled); a reset must hit the next sequence number to within one
/// (RFC 5961 section 3.2). What is accepted beyond them, and which state follows, is what the
/// userspace tracker of Open vSwitch does; the differential test holds the two together.
/// </remarks>
internal static class TcpTracker
{
    /// <summary>One reassembled datagram and a segment: how far an ACK may be off.</summary>
    private const int AcknowledgementSlack = 0xFFFF + 1500;

    /// <summary>
    /// May this segment start a connection? SYN, or anything in mid-stream (loose), but not the
    /// answer to a SYN that was never seen.
    /// </summary>
    public static bool CanStart(in TcpSegment segment) =>
        !segment.HasImpossibleFlags && !(segment.IsSyn && segment.IsAck);

    public static void Start(Connection connection, in TcpSegment segment)
    {
        ref var source = ref connection.OriginalPeer;
        ref var target = ref connection.ReplyPeer;
        source = default;
        target = default;

        source.SentEnd = segment.Sequence;
        source.AllowedEnd = segment.End + 1;
        source.WindowMax = Math.Max(segment.Window, (ushort)1);
        if (segment.IsSyn)
        {
            source.SetScale(segment.ScaleOption);
            // The window of a SYN is not scaled; all others are compared scaled.
            if (source.Scale > 0) source.WindowMax = Descale(source.WindowMax, source.Scale);
        }
        else
        {
            source.SetScaleUnknown();
            target.SetScaleUnknown();
        }

        target.AllowedEnd = 1;
        target.WindowMax = 1;
        source.State = TcpState.SynSent;
        target.State = TcpState.Closed;
    }

    /// <param name="seconds">
    /// Which timeout the connection now has; null: its expiry stays as it is.
    /// </param>
    public static TrackVerdict Update(
        Connection connection, in TcpSegment segment, bool isReply, bool isWindowChecked,
        out uint? seconds)
    {
        ref var source = ref isReply ? ref connection.ReplyPeer : ref connection.OriginalPeer;
        ref var target = ref isReply ? ref connection.OriginalPeer : ref connection.ReplyPeer;
        seconds = null;

        if (segment.HasImpossibleFlags) return TrackVerdict.Invalid;
        if (segment.IsSyn && !segment.IsAck)
        {
            if (source.State >= TcpState.FinWait2 && target.State >= TcpState.FinWait2)
            {
                source.State = target.State = TcpState.Closed;
                return TrackVerdict.Reopened;
            }

            if (source.State <= TcpState.SynSent)
            {
                source.State = TcpState.SynSent;
                seconds = connection.Timeouts.TcpSynSent;
                return TrackVerdict.StillNew;
            }
        }

        var bounds = new Bounds(ref source, ref target, segment);
        if (!isWindowChecked || bounds.Fit(source, target, segment))
        {
            bounds.Slide(ref source, ref target, segment);
            AdvanceStates(ref source, ref target, segment);
            seconds = connection.Timeouts.TcpSeconds(source.State, target.State);
            return TrackVerdict.Established;
        }

        if (!bounds.AlmostFit(source, target)) return TrackVerdict.Invalid;

        // Opening or just closed, and near: let through without a longer life.
        bounds.Slide(ref source, ref target, segment);
        if (segment.IsFin && source.State < TcpState.Closing) source.State = TcpState.Closing;
        if (segment.IsReset) source.State = target.State = TcpState.TimeWait;
        return TrackVerdict.Established;
    }

    /// <summary>
    /// Both ends open the connection by themselves (RFC 9293 section 3.5, figure 7): the SYN of the
    /// end that was not heard so far says where its numbers begin.
    /// </summary>
    /// <remarks>
    /// Open vSwitch 3.1 learns nothing from such a SYN and takes all that follows for invalid.
    /// </remarks>
    public static bool TryCross(
        Connection connection, in TcpSegment segment, bool isReply, out uint? seconds)
    {
        ref var source = ref connection.ReplyPeer;
        ref var target = ref connection.OriginalPeer;
        seconds = null;
        if (!isReply || !segment.IsSyn || segment.IsAck || segment.HasImpossibleFlags) return false;
        if (source.State != TcpState.Closed || target.State != TcpState.SynSent) return false;
        new Bounds(ref source, ref target, segment).Slide(ref source, ref target, segment);
        seconds = connection.Timeouts.TcpSynSent;
        return true;
    }

    private static void AdvanceStates(
        ref TcpPeer source, ref TcpPeer target, in TcpSegment segment)
    {
        if (segment.IsSyn && source.State < TcpState.SynSent) source.State = TcpState.SynSent;
        if (segment.IsFin && source.State < TcpState.Closing) source.State = TcpState.Closing;
        if (segment.IsAck)
        {
            if (target.State == TcpState.SynSent) target.State = TcpState.Established;
            else if (target.State == TcpState.Closing) target.State = TcpState.FinWait2;
        }

        if (segment.IsReset) source.State = target.State = TcpState.TimeWait;
    }

    /// <summary>A window as it is in headers after the handshake, rounded up.</summary>
    private static ushort Descale(ushort window, int scale) =>
        (ushort)((window + (1 << scale) - 1) >> scale);

    private static bool IsAtLeast(uint left, uint right) => (int)(left - right) >= 0;

    /// <summary>
    /// The numbers of one segment, made comparable with what the ends are known for.
    /// </summary>
    private ref struct Bounds
    {
        private uint _start, _end, _acknowledgement;
        private ushort _window;
        private int _sourceScale, _targetScale;
        private int _skew;

        /// <summary>Learns of a source that was not heard before.</summary>
        public Bounds(ref TcpPeer source, ref TcpPeer target, in TcpSegment segment)
        {
            _window = segment.Window;
            if (!segment.IsSyn && source.HasScale && target.HasScale)
            {
                (_sourceScale, _targetScale) = (source.Scale, target.Scale);
            }
            else if (!segment.IsSyn && source.IsScaleUnknown && target.IsScaleUnknown)
            {
                _sourceScale = _targetScale = 14; // The widest (RFC 7323 section 2.3).
            }

            _start = segment.Sequence;
            _end = segment.End;
            _acknowledgement = segment.Acknowledgement;
            var isSkewChecked = true;
            if (source.State < TcpState.SynSent)
            {
                Learn(ref source, ref target, segment, out isSkewChecked);
            }

            // Some stacks leave the number 0 in a reset.
            if (!segment.IsAck || (segment.IsReset && _acknowledgement == 0))
            {
                _acknowledgement = target.SentEnd;
            }

            if (_start == _end) _start = _end = source.SentEnd; // No data: anywhere is fine.
            _skew = isSkewChecked ? (int)(target.SentEnd - _acknowledgement) : 0;
        }

        private void Learn(
            ref TcpPeer source, ref TcpPeer target, in TcpSegment segment, out bool isSkewChecked)
        {
            if (segment.IsSyn && target.HasScale)
            {
                source.SetScale(segment.ScaleOption);
                if (source.HasScale)
                {
                    _sourceScale = source.Scale;
                    _targetScale = target.Scale;
                    _window = Descale(_window, _sourceScale);
                }
                else
                {
                    // Scaling holds only if both ends offered it (RFC 7323 section 2.2).
                    target.WindowMax <<= target.Scale;
                    target.SetScale(-1);
                }
            }

            source.SentEnd = _start;
            source.State = TcpState.SynSent;
            isSkewChecked = true;
            var allowed = _end + Math.Max(1u, (uint)target.WindowMax << _targetScale);
            if (source.AllowedEnd == 1 || IsAtLeast(allowed, source.AllowedEnd))
            {
                // Picked up just now: what the other end has sent is not known well enough.
                source.AllowedEnd = allowed;
                isSkewChecked = false;
            }

            source.WindowMax = Math.Max(source.WindowMax, _window);
        }

        public readonly bool Fit(in TcpPeer source, in TcpPeer target, in TcpSegment segment) =>
            IsAtLeast(source.AllowedEnd, _end)
            && IsAtLeast(_start, source.SentEnd - ((uint)target.WindowMax << _targetScale))
            && _skew >= -AcknowledgementSlack
            && _skew <= AcknowledgementSlack << _sourceScale
            && (!segment.IsReset
                || (int)(segment.Sequence - source.SentEnd) is >= -1 and <= 1);

        /// <summary>
        /// One end is unknown or done, and the segment is within 64 KiB of the window: SYNs sent
        /// again, streams picked up, late FINs.
        /// </summary>
        public readonly bool AlmostFit(in TcpPeer source, in TcpPeer target) =>
            (target.State < TcpState.SynSent
                || target.State >= TcpState.FinWait2
                || source.State >= TcpState.FinWait2)
            && IsAtLeast(source.AllowedEnd + AcknowledgementSlack, _end)
            && IsAtLeast(_start, source.SentEnd - AcknowledgementSlack);

        public readonly void Slide(
            ref TcpPeer source, ref TcpPeer target, in TcpSegment segment)
        {
            source.WindowMax = Math.Max(source.WindowMax, _window);
            if ((int)(_end - source.SentEnd) > 0) source.SentEnd = _end;
            var window = (uint)_window << _sourceScale;
            if (IsAtLeast(_acknowledgement + window, target.AllowedEnd))
            {
                target.AllowedEnd = _acknowledgement + Math.Max(window, 1);
            }
        }
    }

    /// <summary>The state that dump-conntrack prints for the connection: the later end's.</summary>
    public static string NameOf(Connection connection) =>
        Math.Max((byte)connection.OriginalPeer.State, (byte)connection.ReplyPeer.State) switch
        {
            (byte)TcpState.FinWait2 => NameOf(TcpState.TimeWait),
            (byte)TcpState.SynReceived => NameOf(TcpState.Established),
            var state => NameOf((TcpState)state),
        };

    public static string NameOf(TcpState state) => state switch
    {
        TcpState.Closed => "CLOSED",
        TcpState.Listen => "LISTEN",
        TcpState.SynSent => "SYN_SENT",
        TcpState.SynReceived => "SYN_RECV",
        TcpState.Established => "ESTABLISHED",
        TcpState.CloseWait => "CLOSE_WAIT",
        TcpState.FinWait1 => "FIN_WAIT_1",
        TcpState.Closing => "CLOSING",
        TcpState.LastAck => "LAST_ACK",
        TcpState.FinWait2 => "FIN_WAIT_2",
        _ => "TIME_WAIT",
    };
}
