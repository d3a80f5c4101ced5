namespace Fabric.Benchmarks;

/// <summary>One group of figures that `fabric bench NAME` measures.</summary>
/// <remarks>
/// Every public class that implements this and has a constructor without parameters is found by
/// itself. A benchmark makes what it needs, starts the competitor itself, alternates the two, and
/// takes everything away when it ends or throws.
/// </remarks>
public interface IBenchmark
{
    /// <summary>The word after `fabric bench`, lower case, unique.</summary>
    string Name { get; }

    /// <summary>What is measured, in one line, for the list.</summary>
    string Summary { get; }

    /// <summary>Measures, and adds each figure to the report as soon as it is known.</summary>
    /// <exception cref="BenchmarkSkippedException">The machine lacks something.</exception>
    void Run(BenchmarkReport report);
}

/// <summary>What a benchmark needs is not on this machine; the message says what.</summary>
public sealed class BenchmarkSkippedException(string message) : Exception(message);
