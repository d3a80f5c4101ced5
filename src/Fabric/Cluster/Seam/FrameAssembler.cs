namespace Fabric.Cluster;

/// <summary>Puts frames together again.</summary>
/// <remarks>
/// Frames of one sender arrive in order or not at all; a message of which a frame is missing is
/// given up when later ones need the room. Whoever sent it sends it again.
/// </remarks>
public sealed class FrameAssembler
{
    private readonly SortedDictionary<(string Host, long Id), Assembly> _open = new(
        Comparer<(string Host, long Id)>.Create((a, b) => a.Id != b.Id
            ? a.Id.CompareTo(b.Id)
            : string.CompareOrdinal(a.Host, b.Host)));

    /// <summary>Messages given up: malformed, too long, or incomplete for too long.</summary>
    public long DroppedCount { get; private set; }

    /// <returns>The whole message with its last frame, otherwise null.</returns>
    public ReadOnlyMemory<byte>? Add(HostFrame frame)
    {
        const int CountMax = LogLimits.MessageSizeMax / LogLimits.ChunkSize;
        if (frame.Count is < 1 or > CountMax || frame.Index < 0 || frame.Index >= frame.Count
            || frame.Bytes.Length > LogLimits.ChunkSize)
        {
            DroppedCount++;
            return null;
        }

        if (frame.Count == 1) return frame.Bytes;
        var key = (frame.FromHost, frame.MessageId);
        if (!_open.TryGetValue(key, out var assembly))
        {
            if (_open.Count == LogLimits.AssemblyCountMax) GiveUpOldest();
            _open.Add(key, assembly = new Assembly(frame.Count));
        }

        if (!assembly.TryAdd(frame) || !assembly.IsComplete) return null;
        _open.Remove(key);
        return assembly.Join();
    }

    private void GiveUpOldest()
    {
        _open.Remove(_open.Keys.First());
        DroppedCount++;
    }

    private sealed class Assembly(int count)
    {
        private readonly ReadOnlyMemory<byte>?[] _parts = new ReadOnlyMemory<byte>?[count];
        private int _missing = count;

        public bool IsComplete => _missing == 0;

        public bool TryAdd(HostFrame frame)
        {
            if (frame.Count != _parts.Length || _parts[frame.Index] is not null) return false;
            _parts[frame.Index] = frame.Bytes;
            _missing--;
            return true;
        }

        public ReadOnlyMemory<byte> Join()
        {
            var whole = new byte[_parts.Sum(part => part!.Value.Length)];
            var offset = 0;
            foreach (var part in _parts)
            {
                part!.Value.CopyTo(whole.AsMemory(offset));
                offset += part.Value.Length;
            }

            return whole;
        }
    }
}
