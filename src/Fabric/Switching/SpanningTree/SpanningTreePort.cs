namespace Fabric.Switching;

/// <summary>A port of a spanning tree, of either protocol.</summary>
public abstract class SpanningTreePort(string name)
{
    public string Name { get; } = name;
    public int Number { get; internal set; }

    /// <summary>Steps of 16 in the rapid protocol.</summary>
    public byte Priority { get; internal set; }

    public uint PathCost { get; internal set; }

    /// <summary>False: its link is down, or it was not asked to take part.</summary>
    public bool IsEnabled { get; internal set; }

    public ushort Id => (ushort)((Priority << 8) | Number);

    /// <summary>BPDUs that were sent, that came in, and that made no sense.</summary>
    public long SentCount { get; internal set; }
    public long HeardCount { get; internal set; }
    public long ErrorCount { get; internal set; }
}
