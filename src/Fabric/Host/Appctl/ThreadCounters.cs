using System.Collections.Concurrent;
using System.Diagnostics;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>A packet thread of a datapath.</summary>
/// <param name="Index">From 0; -1: callers' own threads.</param>
internal readonly record struct ThreadKey(string Datapath, int Index)
{
    public bool IsThread => Index >= 0;
}

/// <summary>What a packet thread has counted.</summary>
internal readonly record struct ThreadCounters(
    ulong Received, ulong Recirculated, ulong Cached, ulong Signature, ulong Megaflow,
    ulong Subtables, ulong Missed, ulong Lost, TimeSpan Busy)
{
    public static ThreadCounters Of(ThreadStatistics from) => new(
        from.Received, from.Recirculated, from.CacheHit, from.SignatureHit, from.MegaflowHit,
        from.SubtablesVisited, from.Missed, from.Lost, from.Busy);

    /// <summary>Of a datapath that does not tell its threads apart.</summary>
    public static ThreadCounters Of(DatapathStatistics from) => new(
        from.Hit + from.Missed, 0, from.CacheHit, 0, from.Hit - Math.Min(from.Hit, from.CacheHit),
        from.MaskHit, from.Missed, from.Lost, TimeSpan.Zero);

    public static ThreadCounters operator +(ThreadCounters a, ThreadCounters b) => new(
        a.Received + b.Received, a.Recirculated + b.Recirculated, a.Cached + b.Cached,
        a.Signature + b.Signature, a.Megaflow + b.Megaflow, a.Subtables + b.Subtables,
        a.Missed + b.Missed, a.Lost + b.Lost, a.Busy + b.Busy);

    /// <summary>What came since 'b'; never less than nothing.</summary>
    public static ThreadCounters operator -(ThreadCounters a, ThreadCounters b) => new(
        Less(a.Received, b.Received), Less(a.Recirculated, b.Recirculated),
        Less(a.Cached, b.Cached), Less(a.Signature, b.Signature), Less(a.Megaflow, b.Megaflow),
        Less(a.Subtables, b.Subtables), Less(a.Missed, b.Missed), Less(a.Lost, b.Lost),
        a.Busy > b.Busy ? a.Busy - b.Busy : TimeSpan.Zero);

    private static ulong Less(ulong a, ulong b) => a - Math.Min(a, b);
}

/// <summary>Where counters stood when an operator cleared them.</summary>
internal sealed class ClearedCounters
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly ConcurrentDictionary<ThreadKey, (ThreadCounters Counters, long Time)> _marks =
        new();

    public void Clear(ThreadKey thread, ThreadCounters now) =>
        _marks[thread] = (now, Stopwatch.GetTimestamp());

    public ThreadCounters Of(ThreadKey thread) => _marks.GetValueOrDefault(thread).Counters;

    public TimeSpan SinceOf(ThreadKey thread) => Stopwatch.GetElapsedTime(
        _marks.TryGetValue(thread, out var mark) ? mark.Time : _start);
}
