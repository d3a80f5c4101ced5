using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>Who asked for a transaction, so that asking twice is not doing twice.</summary>
/// <param name="Incarnation">Of the endpoint's actor; its numbers begin anew with it.</param>
/// <param name="Number">From 1, rising.</param>
/// <param name="LowestOpen">Every smaller number has been answered and is not sent again.</param>
public readonly record struct RequestId(
    string HostId, long Incarnation, long Number, long LowestOpen);

/// <summary>The transactions of one endpoint that are in the log.</summary>
public sealed record OriginWindow(
    long Incarnation, long LowestOpen, ImmutableSortedSet<long> Done)
{
    public bool Contains(long number) => number < LowestOpen || Done.Contains(number);
}

/// <summary>The requests that the log already holds, as part of its state.</summary>
public sealed record Origins(ImmutableSortedDictionary<string, OriginWindow> Windows)
{
    public static readonly Origins Empty = new(Ordinal.EmptyMap<OriginWindow>());

    public bool Contains(RequestId id) => Windows.TryGetValue(id.HostId, out var window)
        && (window.Incarnation > id.Incarnation
            || (window.Incarnation == id.Incarnation && window.Contains(id.Number)));

    public Origins Add(RequestId id)
    {
        if (id.HostId.Length == 0) return this;
        var window = Windows.TryGetValue(id.HostId, out var known)
            && known.Incarnation >= id.Incarnation
                ? known
                : new OriginWindow(id.Incarnation, 0, ImmutableSortedSet<long>.Empty);
        var low = Math.Max(window.LowestOpen, id.LowestOpen);
        var done = window.Done.Add(id.Number);
        while (!done.IsEmpty && done[0] < low) done = done.Remove(done[0]);
        return new Origins(
            Windows.SetItem(id.HostId, window with { LowestOpen = low, Done = done }));
    }
}
