using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>
/// Tells when no thread can still hold what was taken out of a structure that is read without
/// locks.
/// </summary>
/// <remarks>
/// Each thread notes the epoch in which it began to read, and that it has stopped; both are plain
/// stores. Whoever wants to use memory again asks all processors for a barrier instead
/// (membarrier(2)), which costs microseconds and is asked for once in hundreds of entries.
/// </remarks>
internal sealed class ReaderEpoch
{
    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<ReaderEpoch>> Readers = [];
    private static long _now = 1;

    private long _since; // 0: reads nothing.

    public ReaderEpoch()
    {
        lock (Gate)
        {
            Readers.RemoveAll(weak => !weak.TryGetTarget(out _)); // Threads that have ended.
            Readers.Add(new WeakReference<ReaderEpoch>(this));
        }
    }

    /// <summary>
    /// The thread whose epoch this is reads until the result is disposed of; may be nested.
    /// </summary>
    /// <param name="owner">Of the memory: kept alive until then.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Reading Read(object owner)
    {
        if (_since != 0) return new Reading(null, owner);
        Volatile.Write(ref _since, Volatile.Read(ref _now));
        return new Reading(this, owner);
    }

    /// <summary>
    /// What was taken out before this call is free once <see cref="IsOver"/> says so of the result.
    /// </summary>
    public static long Next() => Interlocked.Increment(ref _now);

    /// <summary>No thread reads any more that began before 'epoch'.</summary>
    public static bool IsOver(long epoch)
    {
        Interlocked.MemoryBarrierProcessWide();
        lock (Gate)
        {
            foreach (var weak in Readers)
            {
                if (!weak.TryGetTarget(out var reader)) continue;
                var since = Volatile.Read(ref reader._since);
                if (since != 0 && since < epoch) return false;
            }
        }

        return true;
    }

    internal readonly ref struct Reading(ReaderEpoch? reader, object owner)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose()
        {
            GC.KeepAlive(owner);
            if (reader is not null) Volatile.Write(ref reader._since, 0);
        }
    }
}
