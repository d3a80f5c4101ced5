using System.Collections.Concurrent;

namespace Fabric.Switching;

/// <summary>Numbers of ports of trees, as upcalls carry them: any thread.</summary>
internal sealed class TreeNumbers
{
    private readonly ConcurrentDictionary<(string Bridge, string Interface), uint> _numbers =
        new();
    private readonly ConcurrentDictionary<uint, (string Bridge, string Interface)> _places = new();
    private uint _last;

    /// <summary>The same as long as this lives; never 0.</summary>
    public uint Of(string bridge, string face) => _numbers.GetOrAdd((bridge, face), place =>
    {
        var number = Interlocked.Increment(ref _last);
        _places[number] = place;
        return number;
    });

    public (string Bridge, string Interface)? Find(uint number) =>
        _places.TryGetValue(number, out var place) ? place : null;
}
