using System.Collections.Immutable;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>Spreads records of hosts over several replicated maps, by host id.</summary>
/// <remarks>
/// One map for all hosts would outgrow a frame of remoting at some hundred hosts, and every change
/// of one host would concern the records of all.
/// </remarks>
internal static class HostShards
{
    public const int Count = 16;

    public static ImmutableArray<LWWDictionaryKey<string, TRecord>> KeysOf<TRecord>(string name) =>
        [.. Enumerable.Range(0, Count).Select(
            shard => new LWWDictionaryKey<string, TRecord>($"{name}.{shard}"))];

    /// <summary>FNV-1a: the same on every host and in every version.</summary>
    public static int ShardOf(string host)
    {
        var hash = 2_166_136_261u;
        foreach (var letter in host) hash = (hash ^ letter) * 16_777_619u;
        return (int)(hash % Count);
    }
}
