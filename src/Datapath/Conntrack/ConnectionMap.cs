namespace Fabric.Datapath;

/// <summary>Both keys of every connection: lock-free to read, locked by shard to write.</summary>
/// <remarks>
/// A shard is an array of chains. Readers walk a chain without a lock: nodes are immutable but for
/// their successor, a removed node still leads on, and growing publishes a new array of new nodes.
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

    internal int Shards => ShardCount;

    /// <summary>The connection with this key, and whether the key is its reply direction.</summary>
    public bool TryFind(in ConntrackKey key, out Connection connection, out bool isReply)
    {
        var hash = key.HashWith(_seed);
        var buckets = Volatile.Read(ref _shards[hash % ShardCount].Buckets);
        var node = Volatile.Read(ref buckets[IndexOf(hash, buckets)]);
        while (node is not null)
        {
            var candidate = node.Connection;
            if (node.Hash == hash
                && (node.IsReply ? candidate.Reply : candidate.Original).Equals(key))
            {
                connection = candidate;
                isReply = node.IsReply;
                return true;
            }

            node = Volatile.Read(ref node.Next);
        }

        connection = null!;
        isReply = false;
        return false;
    }

    /// <summary>Adds both keys, or none when either is taken.</summary>
    public bool TryAdd(Connection connection)
    {
        var (original, reply) = (
            connection.Original.HashWith(_seed), connection.Reply.HashWith(_seed));
        var first = _shards[Math.Min(original % ShardCount, reply % ShardCount)];
        var second = _shards[Math.Max(original % ShardCount, reply % ShardCount)];
        lock (first.Gate)
            lock (second.Gate)
            {
                if (TryFind(connection.Original, out _, out _)) return false;
                if (TryFind(connection.Reply, out _, out _)) return false;
                _shards[original % ShardCount].Insert(original, connection, isReply: false);
                if (!connection.Reply.Equals(connection.Original))
                {
                    _shards[reply % ShardCount].Insert(reply, connection, isReply: true);
                }

                return true;
            }
    }

    /// <summary>Takes both keys out; false when somebody else already did.</summary>
    public bool Remove(Connection connection)
    {
        var (original, reply) = (
            connection.Original.HashWith(_seed), connection.Reply.HashWith(_seed));
        var first = _shards[Math.Min(original % ShardCount, reply % ShardCount)];
        var second = _shards[Math.Max(original % ShardCount, reply % ShardCount)];
        lock (first.Gate)
            lock (second.Gate)
            {
                if (connection.IsRemoved) return false;
                connection.IsRemoved = true;
                _shards[original % ShardCount].Unlink(original, connection);
                _shards[reply % ShardCount].Unlink(reply, connection);
                return true;
            }
    }

    /// <summary>Calls 'visit' once for each connection of shard 'index'.</summary>
    public void Visit(int index, Action<Connection> visit)
    {
        var buckets = Volatile.Read(ref _shards[index].Buckets);
        foreach (var head in buckets)
        {
            for (var node = head; node is not null; node = Volatile.Read(ref node.Next))
            {
                if (!node.IsReply && !node.Connection.IsRemoved) visit(node.Connection);
            }
        }
    }

    private static int IndexOf(uint hash, Node?[] buckets) =>
        (int)((hash / ShardCount) & (uint)(buckets.Length - 1));

    private sealed class Node(uint hash, Connection connection, bool isReply, Node? next)
    {
        public readonly uint Hash = hash;
        public readonly Connection Connection = connection;
        public readonly bool IsReply = isReply;
        public Node? Next = next;
    }

    private sealed class Shard
    {
        public readonly Lock Gate = new();
        public Node?[] Buckets = new Node?[BucketsMin];
        private int _count;

        public void Insert(uint hash, Connection connection, bool isReply)
        {
            if (_count >= Buckets.Length) Resize(Buckets.Length * 2);
            ref var head = ref Buckets[IndexOf(hash, Buckets)];
            Volatile.Write(ref head, new Node(hash, connection, isReply, head));
            _count++;
        }

        public void Unlink(uint hash, Connection connection)
        {
            ref var link = ref Buckets[IndexOf(hash, Buckets)];
            while (link is not null)
            {
                if (ReferenceEquals(link.Connection, connection) && link.Hash == hash)
                {
                    Volatile.Write(ref link, link.Next);
                    _count--;
                    if (Buckets.Length > BucketsMin && _count < Buckets.Length / 8)
                    {
                        Resize(Buckets.Length / 2);
                    }

                    return;
                }

                link = ref link.Next;
            }
        }

        private void Resize(int size)
        {
            var buckets = new Node?[size];
            foreach (var head in Buckets)
            {
                for (var node = head; node is not null; node = node.Next)
                {
                    ref var target = ref buckets[IndexOf(node.Hash, buckets)];
                    target = new Node(node.Hash, node.Connection, node.IsReply, target);
                }
            }

            Volatile.Write(ref Buckets, buckets);
        }
    }
}
