using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>One tracked connection, found under both of its keys: where its record is.</summary>
/// <remarks>
/// <see cref="Original"/> is the first packet as it was before translation, <see cref="Reply"/>
/// what an answer looks like before it is translated back. So a packet that goes in one direction
/// leaves as the reverse of the other direction's key: that is all that NAT needs to know.
/// Fields that packets change are guarded by <see cref="Enter"/>; counters and expiry are not,
/// because a lost increment or an expiry that is late by one packet harms nobody.
/// Of a map: valid while the thread reads (<see cref="ReaderEpoch"/>), for records are used
/// again later. Of a record elsewhere: as long as that stays where it is. The default is none.
/// </remarks>
internal readonly unsafe struct Connection : IEquatable<Connection>
{
    private readonly nint _address;

    private Connection(nint address) => _address = address;

    /// <param name="address">Of a record of a map.</param>
    public static Connection At(nint address) => new(address);

    /// <param name="record">In pinned memory, or on the caller's stack.</param>
    public static Connection At(ref ConnectionRecord record) =>
        At((nint)Unsafe.AsPointer(ref record));

    public nint Address => _address;

    /// <summary>There is none.</summary>
    public bool IsNone => _address == 0;

    public ref ConnectionRecord Record => ref Unsafe.AsRef<ConnectionRecord>((void*)_address);

    public ref ConntrackKey Original => ref Record.Original;
    public ref ConntrackKey Reply => ref Record.Reply;
    public ref TcpPeer OriginalPeer => ref Record.OriginalPeer;
    public ref TcpPeer ReplyPeer => ref Record.ReplyPeer;
    public ref ConntrackTimeouts Timeouts => ref Record.Timeouts;
    public ref ConnectionExtra? Extra => ref Record.Extra;
    public ref long ExpiresAt => ref Record.ExpiresAt;
    public ref uint Mark => ref Record.Mark;
    public ref NatType Nat => ref Record.Nat;
    public ref GenericState Generic => ref Record.Generic;
    public ref bool IsHalfOpen => ref Record.IsHalfOpen;
    public uint Hash => Record.OriginalHash;
    public ushort Zone => Record.Original.Zone;
    public UInt128 Label => Extra?.Label ?? UInt128.Zero;

    public bool IsRemoved
    {
        get => Volatile.Read(ref Record.IsRemoved);
        set => Volatile.Write(ref Record.IsRemoved, value);
    }

    public ConnectionExtra EnsureExtra() => Extra ??= new ConnectionExtra();

    /// <summary>Takes the connection for one packet; held for tens of nanoseconds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (Interlocked.CompareExchange(ref Record.Busy, 1, 0) == 0) return;
        Wait();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave() => Volatile.Write(ref Record.Busy, 0);

    private void Wait()
    {
        var spin = new SpinWait();
        while (Interlocked.CompareExchange(ref Record.Busy, 1, 0) != 0) spin.SpinOnce(-1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Count(bool isReply, int size)
    {
        ref var record = ref Record;
        if (isReply)
        {
            record.PacketsReply++;
            record.BytesReply += (uint)size;
        }
        else
        {
            record.PacketsOriginal++;
            record.BytesOriginal += (uint)size;
        }
    }

    public static bool operator ==(Connection left, Connection right) => left.Equals(right);
    public static bool operator !=(Connection left, Connection right) => !left.Equals(right);
    public bool Equals(Connection other) => _address == other._address;
    public override bool Equals(object? obj) => obj is Connection other && Equals(other);
    public override int GetHashCode() => _address.GetHashCode();
}
