namespace Fabric.Datapath;

/// <summary>Both keys of every connection: lock-free to read, locked by shard to write.</summary>
/// <remarks>
/// A connection that is not translated has one entry for both directions, because they hash alike;
/// a translated one has a second entry where its replies hash to. Whoever reads, or holds what
/// was found, does so inside <see cref="Read"/>.
/// </remarks>
internal sealed class ConnectionMap
{
    internal const int Shards = 64;

    private readonly ConnectionMemory _memory = new();
    private readonly ConnectionShard[] _shards;
    private readonly ulong _seed;

    public ConnectionMap(ulong seed)
    {
        _seed = seed;
        _shards = new ConnectionShard[Shards];
        for (var i = 0; i < Shards; i++) _shards[i] = new ConnectionShard();
    }

    public uint HashOf(in ConntrackKey key) => key.HashWith(_seed);

    /// <summary>Connections found now stay what they are until it is disposed of.</summary>
    public ReaderEpoch.Reading Read() => TrackerThread.Current.Epoch.Read(this);

    /// <summary>The connection with this key, and whether the key is its reply direction.</summary>
    public bool TryFind(in ConntrackKey key, out Connection connection, out bool isReply) =>
        TryFind(key, key.HashWith(_seed), out connection, out isReply);

    public bool TryFind(
        in ConntrackKey key, uint hash, out Connection connection, out bool isReply)
    {
        var found = _shards[hash % Shards].Index.Find(hash);
        while (found.MoveNext())
        {
            connection = _memory.At(new ConnectionEntry(found.Current).Number);
            if (connection.IsRemoved) continue;
            isReply = !ConntrackKey.AreEqual(connection.Original, key);
            if (!isReply || ConntrackKey.AreEqual(connection.Reply, key)) return true;
        }

        connection = default;
        isReply = false;
        return false;
    }

    /// <summary>Adds a connection under both of its keys, or not when either is taken.</summary>
    /// <param name="record">What the connection begins with; is copied.</param>
    public bool TryAdd(ref ConnectionRecord record, out Connection connection)
    {
        // Both directions of what is not translated hash alike.
        record.ReplyHash = record.Nat == NatType.None
            ? record.OriginalHash
            : record.Reply.HashWith(_seed);
        if (record.ReplyHash % Shards == record.OriginalHash % Shards)
        {
            lock (_shards[record.OriginalHash % Shards].Gate)
                return TryAddLocked(ref record, out connection);
        }

        var (first, second) = InOrder(record.OriginalHash, record.ReplyHash);
        lock (first.Gate)
            lock (second.Gate)
                return TryAddLocked(ref record, out connection);
    }

    private bool TryAddLocked(ref ConnectionRecord record, out Connection connection)
    {
        var (original, reply) = (record.OriginalHash, record.ReplyHash);
        connection = default;
        if (IsTaken(record, original)) return false;
        if (reply != original && IsTaken(record, reply)) return false;
        var shard = _shards[original % Shards];
        connection = _memory.Rent();
        record.Number = connection.Record.Number;
        connection.Record = record;
        shard.Insert(original, ConnectionEntry.Original(connection));
        if (reply != original)
        {
            _shards[reply % Shards].Insert(reply, ConnectionEntry.Reply(connection));
        }

        return true;
    }

    /// <summary>
    /// A connection under 'hash' has one of the keys of 'record'. Under the shard's lock.
    /// </summary>
    private bool IsTaken(in ConnectionRecord record, uint hash)
    {
        var found = _shards[hash % Shards].Index.Find(hash);
        while (found.MoveNext())
        {
            var other = _memory.At(new ConnectionEntry(found.Current).Number);
            if (other.IsRemoved) continue;
            if (ConntrackKey.AreEqual(other.Original, record.Original)
                || ConntrackKey.AreEqual(other.Original, record.Reply)
                || ConntrackKey.AreEqual(other.Reply, record.Original)
                || ConntrackKey.AreEqual(other.Reply, record.Reply))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes both keys out; false when somebody else already did.</summary>
    /// <remarks>The caller reads: until it stops, nobody gets the connection's memory.</remarks>
    public bool Remove(Connection connection)
    {
        ref var record = ref connection.Record;
        if (record.ReplyHash % Shards == record.OriginalHash % Shards)
        {
            lock (_shards[record.OriginalHash % Shards].Gate) return RemoveLocked(connection);
        }

        var (first, second) = InOrder(record.OriginalHash, record.ReplyHash);
        lock (first.Gate)
            lock (second.Gate)
                return RemoveLocked(connection);
    }

    private bool RemoveLocked(Connection connection)
    {
        if (connection.IsRemoved) return false;
        connection.IsRemoved = true;
        ref var record = ref connection.Record;
        var shard = _shards[record.OriginalHash % Shards];
        shard.Remove(record.OriginalHash, ConnectionEntry.Original(connection));
        if (record.ReplyHash != record.OriginalHash)
        {
            _shards[record.ReplyHash % Shards].Remove(
                record.ReplyHash, ConnectionEntry.Reply(connection));
        }

        _memory.Retire(connection);
        return true;
    }

    /// <summary>Two shards in the order in which they are always locked.</summary>
    private (ConnectionShard First, ConnectionShard Second) InOrder(uint one, uint other)
    {
        var (low, high) = (one % Shards, other % Shards);
        return low < high ? (_shards[low], _shards[high]) : (_shards[high], _shards[low]);
    }

    /// <summary>Calls 'visit' once for each connection of shard 'index'.</summary>
    /// <remarks>
    /// Under the shard's lock only as long as it takes to note its connections: neither look-ups
    /// nor, for long, new connections wait for a visitor.
    /// </remarks>
    public void Visit(int index, Action<Connection> visit)
    {
        using var reading = Read();
        var shard = _shards[index];
        Connection[] noted;
        int count;
        lock (shard.Gate) noted = shard.Note(_memory, out count);
        for (var i = 0; i < count; i++)
        {
            if (!noted[i].IsRemoved) visit(noted[i]);
        }

        System.Buffers.ArrayPool<Connection>.Shared.Return(noted);
    }

    /// <summary>Gives back memory that a flood left behind.</summary>
    public void Trim() => _memory.Trim();

    /// <summary>
    /// Looks at most at 'limit' connections that hash near 'hash' for one to give up; or none.
    /// </summary>
    public Connection FindVictim(uint hash, int limit, Func<Connection, bool> isVictim)
    {
        var shard = _shards[hash % Shards];
        lock (shard.Gate)
        {
            foreach (var word in shard.Index.From(hash))
            {
                if (limit-- <= 0) break;
                var entry = new ConnectionEntry((uint)word);
                if (entry.IsReply) continue;
                var connection = _memory.At(entry.Number);
                if (isVictim(connection)) return connection;
            }
        }

        return default;
    }
}
