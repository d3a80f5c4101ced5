using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>One tracked connection. Found under both of its keys.</summary>
/// <remarks>
/// <see cref="Original"/> is the first packet as it was before translation, <see cref="Reply"/> what
/// an answer looks like before it is translated back. So a packet that goes in one direction
/// leaves as the reverse of the other direction's key: that is all that NAT needs to know.
/// Fields that packets change are guarded by <see cref="Enter"/>; counters and expiry are not,
/// because a lost increment or an expiry that is late by one packet harms nobody.
/// </remarks>
internal sealed class Connection
{
    public ConntrackKey Original;
    public ConntrackKey Reply;

    public uint Mark;
    public UInt128 Label;
    public NatType Nat;
    public string? Helper;
    public ConntrackTimeouts Timeouts = ConntrackTimeouts.Default;

    /// <summary>The connection whose control channel announced this one, or null.</summary>
    public Connection? Parent;

    /// <summary>
    /// Milliseconds of the tracker's clock; from then on the entry counts as gone.
    /// </summary>
    public long ExpiresAt;
    public long StartedAt;
    public bool IsRemoved;

    public ulong PacketsOriginal;
    public ulong BytesOriginal;
    public ulong PacketsReply;
    public ulong BytesReply;

    public GenericState Generic;
    public TcpPeer OriginalPeer;
    public TcpPeer ReplyPeer;

    private int _busy;

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
