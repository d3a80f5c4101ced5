namespace Fabric.Datapath;

/// <summary>What is known of one connection; lives in the map's pinned blocks.</summary>
/// <remarks>
/// Every byte here is multiplied by a million: what few connections have is in
/// <see cref="ConnectionExtra"/>.
/// </remarks>
internal struct ConnectionRecord
{
    public ConntrackTimeouts Timeouts;
    public ConnectionExtra? Extra;

    /// <summary>
    /// Milliseconds of the tracker's clock; from then on the entry counts as gone.
    /// </summary>
    public long ExpiresAt;

    public ulong PacketsOriginal;
    public ulong BytesOriginal;
    public ulong PacketsReply;
    public ulong BytesReply;

    /// <summary>Where it is (<see cref="ConnectionMemory"/>); its own for ever.</summary>
    public uint Number;
    public uint OriginalHash;
    public uint ReplyHash;
    public uint Mark;

    /// <summary>Seconds of the tracker's clock.</summary>
    public uint StartedAtSeconds;
    public int Busy;

    public NatType Nat;
    public GenericState Generic;
    public bool IsRemoved;

    /// <summary>No packet of the other end was seen yet: what a flood is made of.</summary>
    public bool IsHalfOpen;

    /// <summary>Of its zone's limits when it began (<see cref="ConntrackLimits"/>).</summary>
    public byte LimitEpoch;

    public ConntrackKey Original;
    public ConntrackKey Reply;
    public TcpPeer OriginalPeer;
    public TcpPeer ReplyPeer;
}

/// <summary>What only some connections have.</summary>
internal sealed class ConnectionExtra
{
    public UInt128 Label;

    /// <summary>"ftp" or "tftp": this is a control channel.</summary>
    public string? Helper;

    /// <summary>The control channel's original tuple, when one announced this connection.</summary>
    public ConntrackKey? Parent;

    /// <summary>
    /// How far the payload of either direction has grown or shrunk by rewriting (FTP).
    /// </summary>
    public SequenceShift ShiftOriginal;
    public SequenceShift ShiftReply;

    /// <summary>
    /// The end of a line whose beginning came in an earlier segment, by direction.
    /// </summary>
    public FtpLineState FtpOriginal;
    public FtpLineState FtpReply;
}

/// <summary>How far a connection without a handshake has come (UDP, ICMP, SCTP, others).</summary>
internal enum GenericState : byte { First, Multiple, Both }

/// <summary>What a tracked packet means for its connection.</summary>
internal enum TrackVerdict : byte
{
    /// <summary>Belongs to the connection, which is established.</summary>
    Established,
    /// <summary>Belongs to it, but no answer was seen yet.</summary>
    StillNew,
    /// <summary>Does not fit: out of window, impossible flags.</summary>
    Invalid,
    /// <summary>A fresh connection on a tuple whose old one is over.</summary>
    Reopened,
}
