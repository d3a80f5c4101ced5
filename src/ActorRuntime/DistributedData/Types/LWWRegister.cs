using Akka.Cluster;

namespace Akka.DistributedData;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Gives the timestamp of a new value from the present one's.</summary>
/// <param name="currentTimestamp">Timestamp of the present value; 0 if there is none.</param>
public delegate long Clock<in T>(long currentTimestamp, T value);

/// <summary>
/// One value; the writing with the highest timestamp wins, then the lower address.
/// </summary>
public sealed class LWWRegister<T> : IReplicatedData<LWWRegister<T>>, IEquatable<LWWRegister<T>>
{
    /// <summary>
    /// The later writing wins: wall clock ticks, and more than the present timestamp.
    /// </summary>
    public static readonly Clock<T> DefaultClock = (current, _) =>
        Math.Max(TimeProvider.System.GetUtcNow().UtcTicks, current + 1);

    /// <summary>The first writing wins.</summary>
    public static readonly Clock<T> ReverseClock = (current, _) =>
        Math.Min(-TimeProvider.System.GetUtcNow().UtcTicks, current - 1);

    public LWWRegister(UniqueAddress node, T initial)
        : this(node, initial, DefaultClock)
    {
    }

    public LWWRegister(UniqueAddress node, T initial, Clock<T> clock)
        : this(node, initial, clock(0, initial))
    {
    }

    public LWWRegister(UniqueAddress node, T value, long timestamp)
    {
        UpdatedBy = node;
        Value = value;
        Timestamp = timestamp;
    }

    public UniqueAddress UpdatedBy { get; }
    public T Value { get; }
    public long Timestamp { get; }

    public LWWRegister<T> WithValue(Cluster node, T value, Clock<T>? clock = null) =>
        WithValue(node.SelfUniqueAddress, value, clock);

    public LWWRegister<T> WithValue(UniqueAddress node, T value, Clock<T>? clock = null) =>
        new(node, value, (clock ?? DefaultClock)(Timestamp, value));

    public LWWRegister<T> Merge(LWWRegister<T> other)
    {
        if (Timestamp != other.Timestamp) return other.Timestamp > Timestamp ? other : this;
        return other.UpdatedBy.CompareTo(UpdatedBy) < 0 ? other : this;
    }

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => Merge((LWWRegister<T>)other);

    public bool Equals(LWWRegister<T>? other) =>
        other is not null && Timestamp == other.Timestamp && UpdatedBy == other.UpdatedBy
        && EqualityComparer<T>.Default.Equals(Value, other.Value);

    public override bool Equals(object? obj) => Equals(obj as LWWRegister<T>);

    public override int GetHashCode() => HashCode.Combine(Timestamp, UpdatedBy);

    public override string ToString() => $"LWWRegister({Value}, {Timestamp}, {UpdatedBy.Address})";
}
