using System.Collections.Immutable;

namespace Akka.DistributedData;

/// <summary>Changes of an <see cref="ORSet{T}"/>, in the order in which they were made.</summary>
public sealed class ORSetDelta<T> : IRequireCausalDeliveryOfDeltas, IReplicatedDeltaSize
    where T : notnull
{
    internal enum Kind
    {
        /// <summary>Elements were added; the others of the receiver stay.</summary>
        Add = 1,

        /// <summary>The one element was removed as far as the version vector had seen it.</summary>
        Remove = 2,

        /// <summary>The whole set, as after Clear.</summary>
        Full = 3,
    }

    internal ORSetDelta(ImmutableArray<(Kind Kind, ORSet<T> State)> steps) => Steps = steps;

    internal ImmutableArray<(Kind Kind, ORSet<T> State)> Steps { get; }

    internal static ORSetDelta<T> Of(Kind kind, ORSet<T> state) => new([(kind, state)]);

    public int DeltaSize => Steps.Length;

    IDeltaReplicatedData IReplicatedDelta.Zero => ORSet<T>.Empty;

    /// <summary>Of the elements of a set those that these changes may have taken away.</summary>
    internal IEnumerable<T> Removable(IEnumerable<T> elements) =>
        Steps.Any(step => step.Kind == Kind.Full)
            ? elements
            : Steps.Where(step => step.Kind == Kind.Remove)
                .SelectMany(step => step.State.Dots.Keys);

    /// <summary>These changes, then the other ones. Neighbouring additions become one.</summary>
    public ORSetDelta<T> Then(ORSetDelta<T> later)
    {
        var steps = Steps.ToBuilder();
        foreach (var (kind, state) in later.Steps)
        {
            if (kind == Kind.Add && steps.Count > 0 && steps[^1].Kind == Kind.Add)
            {
                steps[^1] = (Kind.Add, steps[^1].State.Joined(state));
            }
            else if (kind == Kind.Full)
            {
                steps.Clear();
                steps.Add((kind, state));
            }
            else
            {
                steps.Add((kind, state));
            }
        }

        return new ORSetDelta<T>(steps.ToImmutable());
    }

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => Then((ORSetDelta<T>)other);
}
