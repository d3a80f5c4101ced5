using System.Collections.Immutable;
using System.Globalization;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>Spreads records over several replicated maps, by host id or another key.</summary>
/// <remarks>
/// What two hosts find to differ they send whole, a map at a time: of a thousand hosts four share
/// one. A map that nobody has written costs nothing.
/// </remarks>
internal static class HostShards
{
    public const int Count = 256;

    public static ImmutableArray<LWWDictionaryKey<string, TRecord>> KeysOf<TRecord>(string name) =>
        [.. Enumerable.Range(0, Count).Select(
            shard => new LWWDictionaryKey<string, TRecord>($"{name}.{shard}"))];

    /// <summary>The shard of a map that <see cref="KeysOf"/> has named.</summary>
    public static int IndexOf(string mapId) => int.Parse(
        mapId.AsSpan(mapId.LastIndexOf('.') + 1), NumberStyles.None,
        CultureInfo.InvariantCulture);

    /// <summary>FNV-1a: the same on every host and in every version.</summary>
    public static int ShardOf(string key) => (int)(HashOf(key) % Count);

    public static uint HashOf(string key)
    {
        var hash = 2_166_136_261u;
        foreach (var letter in key) hash = (hash ^ letter) * 16_777_619u;
        return hash;
    }
}
