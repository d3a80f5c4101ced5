namespace Akka.DistributedData;

/// <summary>A switch that, once on, stays on.</summary>
public sealed class Flag : IReplicatedData<Flag>, IEquatable<Flag>
{
    public static readonly Flag False = new(false);
    public static readonly Flag True = new(true);

    internal Flag(bool enabled) => Enabled = enabled;

    public bool Enabled { get; }

    public static implicit operator bool(Flag flag) => flag.Enabled;

    public Flag SwitchOn() => True;

    public Flag Merge(Flag other) => other.Enabled ? other : this;

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => Merge((Flag)other);

    public bool Equals(Flag? other) => other is not null && Enabled == other.Enabled;

    public override bool Equals(object? obj) => Equals(obj as Flag);

    public override int GetHashCode() => Enabled.GetHashCode();

    public override string ToString() => $"Flag({Enabled})";
}
