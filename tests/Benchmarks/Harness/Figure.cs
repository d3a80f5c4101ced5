namespace Fabric.Benchmarks;

/// <summary>What a goal speaks of.</summary>
public enum GoalKind
{
    /// <summary>Nothing was promised: the figure is for information.</summary>
    None,

    /// <summary>Our value must be at least the goal.</summary>
    AtLeast,

    /// <summary>Our value must be at most the goal.</summary>
    AtMost,

    /// <summary>Ours divided by theirs must be at least the goal.</summary>
    RatioAtLeast,

    /// <summary>Ours divided by theirs must be at most the goal.</summary>
    RatioAtMost,
}

/// <summary>One figure: a median of ours, and of the competitor's if there is one.</summary>
/// <param name="Name">What was measured, and under which conditions.</param>
/// <param name="Unit">The unit of both values, SI or "msg/s", "ns", "Gbit/s".</param>
/// <param name="Ours">The median of our runs.</param>
/// <param name="Theirs">The median of the competitor's runs; null without one.</param>
/// <param name="Competitor">Who that is, "" for nobody.</param>
/// <param name="Kind">How the goal is meant.</param>
/// <param name="Goal">The goal; no meaning under <see cref="GoalKind.None"/>.</param>
public sealed record Figure(
    string Name, string Unit, double Ours, double? Theirs = null, string Competitor = "",
    GoalKind Kind = GoalKind.None, double Goal = 0)
{
    /// <summary>Ours divided by theirs; null where nothing was compared.</summary>
    public double? Ratio => Theirs is { } theirs and not 0 ? Ours / theirs : null;

    /// <summary>Whether the goal is held; null without a goal, or without a ratio for it.</summary>
    public bool? IsHeld => Kind switch
    {
        GoalKind.AtLeast => Ours >= Goal,
        GoalKind.AtMost => Ours <= Goal,
        GoalKind.RatioAtLeast => Ratio is { } ratio ? ratio >= Goal : null,
        GoalKind.RatioAtMost => Ratio is { } ratio ? ratio <= Goal : null,
        _ => null,
    };
}
