namespace Akka.DistributedData;

/// <summary>From how many replicas a value is read before the answer is given.</summary>
public interface IReadConsistency
{
    TimeSpan Timeout { get; }
}

/// <summary>On how many replicas a change is stored before the answer is given.</summary>
public interface IWriteConsistency
{
    TimeSpan Timeout { get; }
}

public sealed class ReadLocal : IReadConsistency
{
    public static readonly ReadLocal Instance = new();

    private ReadLocal()
    {
    }

    public TimeSpan Timeout => TimeSpan.Zero;
}

/// <param name="N">Replicas, this one included; at least 2.</param>
/// <param name="Timeout">Until the answer is a failure.</param>
public sealed record ReadFrom(int N, TimeSpan Timeout) : IReadConsistency;

/// <param name="Timeout">Until the answer is a failure.</param>
/// <param name="MinCapacity">At least so many replicas, in small clusters.</param>
public sealed record ReadMajority(TimeSpan Timeout, int MinCapacity = 0) : IReadConsistency;

public sealed record ReadAll(TimeSpan Timeout) : IReadConsistency;

public sealed class WriteLocal : IWriteConsistency
{
    public static readonly WriteLocal Instance = new();

    private WriteLocal()
    {
    }

    public TimeSpan Timeout => TimeSpan.Zero;
}

/// <param name="Count">Replicas, this one included; at least 2.</param>
/// <param name="Timeout">Until the answer is a failure.</param>
public sealed record WriteTo(int Count, TimeSpan Timeout) : IWriteConsistency;

/// <param name="Timeout">Until the answer is a failure.</param>
/// <param name="MinCapacity">At least so many replicas, in small clusters.</param>
public sealed record WriteMajority(TimeSpan Timeout, int MinCapacity = 0) : IWriteConsistency;

public sealed record WriteAll(TimeSpan Timeout) : IWriteConsistency;

internal static class ReplicaCounts
{
    /// <summary>Replicas that must answer, this one included, of 'all'.</summary>
    public static int Needed(IReadConsistency? consistency, int all) => consistency switch
    {
        ReadFrom from => Math.Min(from.N, all),
        ReadMajority majority => Majority(all, majority.MinCapacity),
        ReadAll => all,
        _ => 1,
    };

    public static int Needed(IWriteConsistency? consistency, int all) => consistency switch
    {
        WriteTo to => Math.Min(to.Count, all),
        WriteMajority majority => Majority(all, majority.MinCapacity),
        WriteAll => all,
        _ => 1,
    };

    private static int Majority(int all, int minCapacity) =>
        Math.Min(all, Math.Max(all / 2 + 1, minCapacity));
}
