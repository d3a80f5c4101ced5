using System.Collections.Immutable;

namespace Fabric.Datapath;

/// <summary>A datapath that has more to say than counters: for `fabric datapath show`.</summary>
public interface IDescribedDatapath
{
    /// <summary>One fact a line, without a line end.</summary>
    ImmutableArray<string> Details();
}
