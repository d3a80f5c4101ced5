namespace Fabric.Datapath;

/// <summary>One part of the map: an index with its lock.</summary>
/// <remarks>Read without a lock, written under <see cref="Gate"/>.</remarks>
internal sealed class ConnectionShard
{
    private const int BucketsMin = 8;

    public readonly Lock Gate = new();
    private ConnectionIndex _index = new(BucketsMin);

    public ConnectionIndex Index => Volatile.Read(ref _index);

    /// <summary>Entries, of which a translated connection may have two here.</summary>
    public int Count { get; private set; }

    public void Insert(uint hash, ConnectionEntry entry)
    {
        if (Count >= _index.CountMax) Resize(_index.BucketCount * 2);
        _index.Insert(hash, entry.Word);
        Count++;
    }

    public void Remove(uint hash, ConnectionEntry entry)
    {
        _index.Remove(hash, entry.Word);
        Count--;
        if (_index.BucketCount > BucketsMin && Count < _index.CountMax / 8)
        {
            Resize(_index.BucketCount / 2);
        }
    }

    /// <summary>The connections that begin in this shard, in an array of the shared pool.</summary>
    public Connection[] Note(ConnectionMemory memory, out int count)
    {
        var noted = System.Buffers.ArrayPool<Connection>.Shared.Rent(Count);
        count = 0;
        foreach (var word in _index)
        {
            var entry = new ConnectionEntry((uint)word);
            if (!entry.IsReply) noted[count++] = memory.At(entry.Number);
        }

        return noted;
    }

    private void Resize(int bucketCount) =>
        Volatile.Write(ref _index, _index.Resized(bucketCount));
}

/// <summary>
/// What an index holds: a connection's number, and whether it lies here by its reply's key.
/// </summary>
internal readonly record struct ConnectionEntry(uint Word)
{
    private const uint ReplyBit = 1;

    public static ConnectionEntry Original(Connection connection) =>
        new((connection.Record.Number + 1) << 1);

    public static ConnectionEntry Reply(Connection connection) =>
        new(Original(connection).Word | ReplyBit);

    public bool IsReply => (Word & ReplyBit) != 0;
    public uint Number => (Word >> 1) - 1;
}
