using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The subtables of one ingress port, most useful first.</summary>
internal sealed class PortClassifier
{
    /// <summary>Replaced whole by writers and by ranking; readers walk what they took.</summary>
    public volatile Subtable[] Subtables = [];

    /// <summary>Flows in all of them. Writers only.</summary>
    public int FlowCount;

    public Megaflow? Find(ref FlowKey key, ref ulong subtablesVisited)
    {
        var subtables = Subtables;
        for (var i = 0; i < subtables.Length; i++)
        {
            var flow = subtables[i].Find(ref key);
            if (flow is null) continue;
            subtables[i].Hits++;
            subtablesVisited += (uint)i + 1;
            return flow;
        }

        subtablesVisited += (uint)subtables.Length;
        return null;
    }

    /// <summary>Puts the subtables in the order of their hits, and forgets half of those.</summary>
    public void Rank()
    {
        var ranked = Subtables.ToArray();
        var hits = Array.ConvertAll(ranked, subtable => -subtable.Hits);
        Array.Sort(hits, ranked);
        foreach (var subtable in ranked) subtable.Hits /= 2;
        Subtables = ranked;
    }
}
