using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>Both keys of every connection: lock-free to read, locked by shard to write.</summary>
/// <remarks>
/// A shard is an array of chains of connections. One that is not translated lies in one chain for
/// both directions, because they hash alike; a translated one has a second link where its replies
/// hash to. Readers walk a chain without a lock: a removed link still leads on. Growing relinks the
/// chains in place under a version, and a reader who found nothing while that went on looks again.
/// The memory that readers may still hold is the garbage collector's business.
/// </remarks>
internal sealed class ConnectionMap
{
    private const int ShardCount = 64;
    private const int BucketsMin = 64;

    private readonly Shard[] _shards;
    private readonly ulong _seed;

    public ConnectionMap(ulong seed)
    {
        _seed = seed;
        _shards = new Shard[ShardCount];
        for (var i = 0; i < ShardCount; i++) _shards[i] = new Shard();
    }

    internal static int Shards => ShardCount;

    public uint HashOf(in ConntrackKey key) => key.HashWith(_seed);

    /// <summary>The connection with this key, and whether the key is its reply direction.</summary>
    public bool TryFind(in ConntrackKey key, out Connection connection, out bool isReply) =>
        TryFind(key, key.HashWith(_seed), out connection, out isReply);

    public bool TryFind(
        in ConntrackKey key, uint hash, out Connection connection, out bool isReply)
    {
        var shard = _shards[hash % ShardCount];
        while (true)
        {
            var version = Volatile.Read(ref shard.Version);
            var buckets = Volatile.Read(ref shard.Buckets);
            for (var link = Volatile.Read(ref buckets[IndexOf(hash, buckets)]);
                link is not null;
                link = Volatile.Read(ref link.Next))
            {
                if (link.Hash != hash) continue;
                var candidate = link.Connection;
                if (candidate.IsRemoved) continue;
                if (ConntrackKey.AreEqual(candidate.Original, key))
                {
                    connection = candidate;
                    isReply = false;
                    return true;
                }

                if (ConntrackKey.AreEqual(candidate.Reply, key))
                {
                    connection = candidate;
                    isReply = true;
                    return true;
                }
            }

            if ((version & 1) == 0 && Volatile.Read(ref shard.Version) == version) break;
            Thread.SpinWait(8); // The shard is growing: a matter of microseconds.
        }

        connection = null!;
        isReply = false;
        return false;
    }

    /// <summary>Adds both keys, or none when either is taken.</summary>
    public bool TryAdd(Connection connection)
    {
        // Both directions of what is not translated hash alike.
        var reply = connection.Nat == NatType.None
            ? connection.Hash
            : connection.Reply.HashWith(_seed);
        if (reply % ShardCount == connection.Hash % ShardCount)
        {
            lock (_shards[reply % ShardCount].Gate) return TryAddLocked(connection, reply);
        }

        var (first, second) = InOrder(connection.Hash, reply);
        lock (first.Gate)
            lock (second.Gate)
                return TryAddLocked(connection, reply);
    }

    private bool TryAddLocked(Connection connection, uint reply)
    {
        var original = connection.Hash;
        if (IsTaken(connection, original)) return false;
        if (reply != original && IsTaken(connection, reply)) return false;
        _shards[original % ShardCount].Insert(connection);
        if (reply != original)
        {
            _shards[reply % ShardCount].Insert(
                new ConnectionLink(reply) { Connection = connection });
        }

        return true;
    }

    /// <summary>
    /// Another connection of the chain of 'hash' has one of the keys of 'connection'. Under the
    /// shard's lock.
    /// </summary>
    private bool IsTaken(Connection connection, uint hash)
    {
        var buckets = _shards[hash % ShardCount].Buckets;
        for (var link = buckets[IndexOf(hash, buckets)]; link is not null; link = link.Next)
        {
            if (link.Hash != hash) continue;
            var other = link.Connection;
            if (other.IsRemoved) continue;
            if (ConntrackKey.AreEqual(other.Original, connection.Original)
                || ConntrackKey.AreEqual(other.Original, connection.Reply)
                || ConntrackKey.AreEqual(other.Reply, connection.Original)
                || ConntrackKey.AreEqual(other.Reply, connection.Reply))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes both keys out; false when somebody else already did.</summary>
    public bool Remove(Connection connection)
    {
        var reply = connection.Nat == NatType.None
            ? connection.Hash
            : connection.Reply.HashWith(_seed);
        if (reply % ShardCount == connection.Hash % ShardCount)
        {
            lock (_shards[reply % ShardCount].Gate) return RemoveLocked(connection, reply);
        }

        var (first, second) = InOrder(connection.Hash, reply);
        lock (first.Gate)
            lock (second.Gate)
                return RemoveLocked(connection, reply);
    }

    private bool RemoveLocked(Connection connection, uint reply)
    {
        if (connection.IsRemoved) return false;
        connection.IsRemoved = true;
        _shards[connection.Hash % ShardCount].Unlink(connection.Hash, connection);
        if (reply != connection.Hash) _shards[reply % ShardCount].Unlink(reply, connection);
        return true;
    }

    /// <summary>Two shards in the order in which they are always locked.</summary>
    private (Shard First, Shard Second) InOrder(uint one, uint other)
    {
        var (low, high) = (one % ShardCount, other % ShardCount);
        return low < high ? (_shards[low], _shards[high]) : (_shards[high], _shards[low]);
    }

    /// <summary>Calls 'visit' once for each connection of shard 'index'.</summary>
    /// <remarks>
    /// Under the shard's lock only as long as it takes to note its connections: neither look-ups
    /// nor, for long, new connections wait for a visitor.
    /// </remarks>
    public void Visit(int index, Action<Connection> visit)
    {
        var shard = _shards[index];
        Connection[] noted;
        int count;
        lock (shard.Gate) noted = shard.Note(out count);
        for (var i = 0; i < count; i++)
        {
            if (!noted[i].IsRemoved) visit(noted[i]);
        }

        System.Buffers.ArrayPool<Connection>.Shared.Return(noted, clearArray: true);
    }

    /// <summary>
    /// Looks at most at 'limit' connections that hash near 'hash' for one to give up.
    /// </summary>
    public Connection? FindVictim(uint hash, int limit, Func<Connection, bool> isVictim)
    {
        var shard = _shards[hash % ShardCount];
        lock (shard.Gate)
        {
            var buckets = shard.Buckets;
            var start = IndexOf(hash, buckets);
            for (var i = 0; i < buckets.Length && limit > 0; i++)
            {
                var link = buckets[(start + i) & (buckets.Length - 1)];
                for (; link is not null && limit > 0; link = link.Next, limit--)
                {
                    var connection = link.Connection;
                    if (ReferenceEquals(connection, link) && isVictim(connection))
                    {
                        return connection;
                    }
                }
            }
        }

        return null;
    }

    /// <summary>How many links each shard holds, and how many chains it has.</summary>
    public (int Links, int Chains) SizeOf(int index)
    {
        var shard = _shards[index];
        lock (shard.Gate) return (shard.Count, shard.Buckets.Length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int IndexOf(uint hash, ConnectionLink?[] buckets) =>
        (int)((hash / ShardCount) & (uint)(buckets.Length - 1));

    private sealed class Shard
    {
        public readonly Lock Gate = new();
        public ConnectionLink?[] Buckets = new ConnectionLink?[BucketsMin];

        /// <summary>Odd while chains are being relinked.</summary>
        public int Version;
        public int Count;

        public void Insert(ConnectionLink link)
        {
            if (Count >= Buckets.Length + (Buckets.Length / 2)) Resize(Buckets.Length * 4);
            ref var head = ref Buckets[IndexOf(link.Hash, Buckets)];
            link.Next = head;
            Volatile.Write(ref head, link);
            Count++;
        }

        public void Unlink(uint hash, Connection connection)
        {
            ref var link = ref Buckets[IndexOf(hash, Buckets)];
            while (link is not null)
            {
                if (link.Hash == hash && ReferenceEquals(link.Connection, connection))
                {
                    Volatile.Write(ref link, link.Next);
                    Count--;
                    if (Buckets.Length > BucketsMin && Count < Buckets.Length / 16)
                    {
                        Resize(Buckets.Length / 4);
                    }

                    return;
                }

                link = ref link.Next;
            }
        }

        public Connection[] Note(out int count)
        {
            var noted = System.Buffers.ArrayPool<Connection>.Shared.Rent(Count);
            count = 0;
            foreach (var head in Buckets)
            {
                for (var link = head; link is not null; link = link.Next)
                {
                    if (ReferenceEquals(link.Connection, link)) noted[count++] = link.Connection;
                }
            }

            return noted;
        }

        private void Resize(int size)
        {
            var buckets = new ConnectionLink?[size];
            Volatile.Write(ref Version, Version + 1);
            Interlocked.MemoryBarrier();
            foreach (var head in Buckets)
            {
                for (var link = head; link is not null;)
                {
                    var next = link.Next;
                    ref var target = ref buckets[IndexOf(link.Hash, buckets)];
                    Volatile.Write(ref link.Next, target);
                    target = link;
                    link = next;
                }
            }

            Volatile.Write(ref Buckets, buckets);
            Volatile.Write(ref Version, Version + 1);
        }
    }
}
