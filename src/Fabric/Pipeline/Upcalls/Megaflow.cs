using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>
/// Names a flow of a datapath: a hash of its masked key and its mask (OVS: ufid).
/// </summary>
public static class MegaflowId
{
    public static UInt128 Of(in FlowKey key, in FlowKey mask)
    {
        var keys = MemoryMarshal.Cast<FlowKey, ulong>(new ReadOnlySpan<FlowKey>(in key));
        var masks = MemoryMarshal.Cast<FlowKey, ulong>(new ReadOnlySpan<FlowKey>(in mask));
        ulong upper = 0x243F_6A88_85A3_08D3;
        ulong lower = 0x1319_8A2E_0370_7344;
        for (var i = 0; i < keys.Length; i++)
        {
            if (masks[i] == 0) continue;
            var word = keys[i] & masks[i];
            upper = KeyStages.Mix(upper + (ulong)i, word ^ BitOperations.RotateLeft(masks[i], 23));
            lower = KeyStages.Mix(lower ^ upper, masks[i] + word);
        }

        return new UInt128(upper, lower);
    }

    /// <summary>As dpctl/dump-flows -m prints it.</summary>
    public static string ToText(UInt128 id)
    {
        var text = id.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
        return $"ufid:{text[..8]}-{text[8..12]}-{text[12..16]}-{text[16..20]}-{text[20..]}";
    }
}

/// <summary>What is remembered of a flow that was given to the datapath.</summary>
internal sealed class Megaflow(
    ImmutableArray<DatapathAction> actions, MegaflowCredits credits, long generation, long now)
{
    public ImmutableArray<DatapathAction> Actions { get; set; } = actions;
    public MegaflowCredits Credits { get; set; } = credits;

    /// <summary>State of the world that the actions were right for.</summary>
    public long Generation { get; set; } = generation;
    public long CreatedMilliseconds { get; } = now;

    /// <summary>It waits for something: the next round takes it away.</summary>
    public bool IsTransient { get; init; }

    /// <summary>What was already told to rules and buckets.</summary>
    public ulong Packets { get; set; }
    public ulong Bytes { get; set; }

    /// <summary>Round of the last dump that showed it; 0: not seen yet.</summary>
    public long SeenRound { get; set; }

    public void Credit(in FlowStatistics statistics)
    {
        if (statistics.Packets > Packets)
        {
            Credits.Add(statistics.Packets - Packets,
                statistics.Bytes > Bytes ? statistics.Bytes - Bytes : 0,
                statistics.UsedMilliseconds);
        }

        Credits.SeeFlags(statistics.TcpFlags);
        (Packets, Bytes) = (statistics.Packets, statistics.Bytes);
    }
}

/// <summary>The flows that were given to one datapath, by id.</summary>
internal sealed class MegaflowTable
{
    private readonly ConcurrentDictionary<UInt128, Megaflow> _flows = new();
    private int _count;

    /// <summary>Kept beside the dictionary, whose own count takes every one of its locks.</summary>
    public int Count => Volatile.Read(ref _count);

    public Megaflow? Find(UInt128 id) => _flows.GetValueOrDefault(id);

    public void Set(UInt128 id, Megaflow flow)
    {
        while (!_flows.TryAdd(id, flow))
        {
            if (_flows.TryGetValue(id, out var known) && _flows.TryUpdate(id, flow, known)) return;
        }

        Interlocked.Increment(ref _count);
    }

    public void Remove(UInt128 id)
    {
        if (_flows.TryRemove(id, out _)) Interlocked.Decrement(ref _count);
    }

    public void Clear()
    {
        foreach (var id in _flows.Keys) Remove(id);
    }

    /// <summary>Forgets flows that the datapath no longer has, or never took.</summary>
    public void Prune(long round, long now, int graceMilliseconds)
    {
        foreach (var (id, flow) in _flows)
        {
            if (flow.SeenRound != round && now - flow.CreatedMilliseconds > graceMilliseconds)
            {
                if (!_flows.TryRemove(new KeyValuePair<UInt128, Megaflow>(id, flow))) continue;
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
