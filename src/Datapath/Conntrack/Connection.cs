using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>
/// A link of a chain of the map: a connection, or a second place that leads to it.
/// </summary>
internal class ConnectionLink(uint hash)
{
    public ConnectionLink? Next;
    public readonly uint Hash = hash;

    /// <summary>
    /// Read and written by the connection only; here it fills what would be a hole.
    /// </summary>
    public uint Mark;

    /// <summary>The connection; a link that is one leads to itself.</summary>
    public Connection Connection = null!;
}

/// <summary>One tracked connection. Found under both of its keys.</summary>
/// <remarks>
/// <see cref="Original"/> is the first packet as it was before translation, <see cref="Reply"/>
/// what
/// an answer looks like before it is translated back. So a packet that goes in one direction
/// leaves as the reverse of the other direction's key: that is all that NAT needs to know.
/// Fields that packets change are guarded by <see cref="Enter"/>; counters and expiry are not,
/// because a lost increment or an expiry that is late by one packet harms nobody.
/// Every byte here is multiplied by a million: what few connections have is in
/// <see cref="ConnectionExtra"/>.
/// </remarks>
internal sealed class Connection : ConnectionLink
{
    public ConntrackKey Original;
    public ConntrackKey Reply;
    public TcpPeer OriginalPeer;
    public TcpPeer ReplyPeer;

    public ulong PacketsOriginal;
    public ulong BytesOriginal;
    public ulong PacketsReply;
    public ulong BytesReply;

    /// <summary>
    /// Milliseconds of the tracker's clock; from then on the entry counts as gone.
    /// </summary>
    public long ExpiresAt;
    public ConntrackTimeouts Timeouts = ConntrackTimeouts.Default;
    public ConnectionExtra? Extra;

    /// <summary>Seconds of the tracker's clock.</summary>
    public uint StartedAtSeconds;
    private int _busy;

    public NatType Nat;
    public GenericState Generic;
    public volatile bool IsRemoved;

    /// <summary>No packet of the other end was seen yet: what a flood is made of.</summary>
    public bool IsHalfOpen = true;

    public Connection(uint hash)
        : base(hash) => Connection = this;

    public ushort Zone => Original.Zone;
    public UInt128 Label => Extra?.Label ?? UInt128.Zero;

    public ConnectionExtra EnsureExtra() => Extra ??= new ConnectionExtra();

    /// <summary>Takes the connection for one packet; held for tens of nanoseconds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (Interlocked.CompareExchange(ref _busy, 1, 0) == 0) return;
        Wait();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave() => Volatile.Write(ref _busy, 0);

    private void Wait()
    {
        var spin = new SpinWait();
        while (Interlocked.CompareExchange(ref _busy, 1, 0) != 0) spin.SpinOnce(-1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Count(bool isReply, int size)
    {
        if (isReply)
        {
            PacketsReply++;
            BytesReply += (uint)size;
        }
        else
        {
            PacketsOriginal++;
            BytesOriginal += (uint)size;
        }
    }
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
