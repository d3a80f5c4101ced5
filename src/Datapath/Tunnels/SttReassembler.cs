using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Puts STT frames together again from their segments.</summary>
/// <remarks>
/// Segments may come in any order. A segment that overlaps another, or disagrees about the frame's
/// size, makes the whole frame invalid. At most <see cref="FramesMax"/> frames are held; beyond,
/// the oldest goes; each goes after <see cref="TimeoutMilliseconds"/>. Used by one thread.
/// </remarks>
internal sealed class SttReassembler
{
    public const int FramesMax = 128;
    public const int TimeoutMilliseconds = 500;
    private const int RangesMax = 64;

    private readonly Dictionary<FrameName, Frame> _frames = new(FramesMax);
    private readonly Stack<Frame> _spare = new();

    /// <summary>Frames of which something is missing yet.</summary>
    public int Count => _frames.Count;

    /// <summary>Adds a segment; gives the frame back, STT header first, once it is whole.</summary>
    /// <returns>The reason why segment and frame were dropped, or None.</returns>
    public DropReason Add(
        in FrameName name, int frameSize, int offset, ReadOnlySpan<byte> data, long nowMilliseconds,
        PacketPool pool, out PacketBuffer? whole)
    {
        whole = null;
        if (!_frames.TryGetValue(name, out var frame))
        {
            if (_frames.Count >= FramesMax) DropOldest(pool);
            frame = _spare.TryPop(out var spare) ? spare : new Frame();
            frame.Packet = pool.Rent();
            frame.Packet.Reserve(frameSize);
            frame.Deadline = nowMilliseconds + TimeoutMilliseconds;
            frame.RangeCount = 0;
            frame.Received = 0;
            _frames.Add(name, frame);
        }

        if (frame.Packet!.Size != frameSize || offset + data.Length > frameSize
            || !frame.TryCover(offset, data.Length))
        {
            Forget(name, frame);
            pool.Release(frame.Packet!);
            return DropReason.SttReassembly;
        }

        data.CopyTo(frame.Packet.Bytes[offset..]);
        frame.Received += data.Length;
        if (frame.Received < frameSize) return DropReason.None;
        Forget(name, frame);
        whole = frame.Packet;
        return DropReason.None;
    }

    /// <summary>Drops frames that took too long; returns how many.</summary>
    public int Expire(long nowMilliseconds, PacketPool pool)
    {
        var count = 0;
        foreach (var (name, frame) in _frames)
        {
            if (frame.Deadline > nowMilliseconds) continue;
            Forget(name, frame);
            pool.Release(frame.Packet!);
            count++;
        }

        return count;
    }

    private void DropOldest(PacketPool pool)
    {
        FrameName oldest = default;
        Frame? found = null;
        foreach (var (name, frame) in _frames)
        {
            if (found is not null && frame.Deadline >= found.Deadline) continue;
            (oldest, found) = (name, frame);
        }

        if (found is null) return;
        Forget(oldest, found);
        pool.Release(found.Packet!);
    }

    private void Forget(in FrameName name, Frame frame)
    {
        _frames.Remove(name);
        if (_spare.Count < FramesMax) _spare.Push(frame);
    }

    /// <summary>Who sent a frame, and which.</summary>
    public readonly record struct FrameName(Ipv6Bytes Source, ushort Port, uint FrameId);

    private sealed class Frame
    {
        private readonly (int Start, int End)[] _ranges = new (int, int)[RangesMax];

        public PacketBuffer? Packet;
        public long Deadline;
        public int Received;
        public int RangeCount;

        /// <summary>Notes that these bytes came; false when some had come before.</summary>
        public bool TryCover(int start, int size)
        {
            var end = start + size;
            var at = 0;
            while (at < RangeCount && _ranges[at].End < start) at++;
            if (at < RangeCount && _ranges[at].End == start)
            {
                // Behind an earlier one, and perhaps up to the next: usual when all is in order.
                if (at + 1 < RangeCount && _ranges[at + 1].Start < end) return false;
                _ranges[at].End = end;
                if (at + 1 == RangeCount || _ranges[at + 1].Start != end) return true;
                _ranges[at].End = _ranges[at + 1].End;
                RemoveAt(at + 1);
                return true;
            }

            if (at < RangeCount && _ranges[at].Start < end) return false;
            if (at < RangeCount && _ranges[at].Start == end)
            {
                _ranges[at].Start = start;
                return true;
            }

            if (RangeCount == RangesMax) return false;
            Array.Copy(_ranges, at, _ranges, at + 1, RangeCount - at);
            _ranges[at] = (start, end);
            RangeCount++;
            return true;
        }

        private void RemoveAt(int index)
        {
            RangeCount--;
            Array.Copy(_ranges, index + 1, _ranges, index, RangeCount - index);
        }
    }
}
