#nullable disable
using System.Collections.Immutable;

namespace Akka.Actor.Setup;

/// <summary>Something that an actor system is created with, found by its type.</summary>
public abstract class Setup
{
    public ActorSystemSetup And(Setup other) => ActorSystemSetup.Create(this, other);
}

/// <summary>What an actor system is created with.</summary>
public sealed class ActorSystemSetup
{
    public static readonly ActorSystemSetup Empty = new(ImmutableDictionary<Type, Setup>.Empty);

    private readonly ImmutableDictionary<Type, Setup> _setups;

    private ActorSystemSetup(ImmutableDictionary<Type, Setup> setups) => _setups = setups;

    /// <summary>Of several of one type the last holds.</summary>
    public static ActorSystemSetup Create(params Setup[] setup) =>
        new(setup.Aggregate(
            ImmutableDictionary<Type, Setup>.Empty,
            (all, one) => all.SetItem(one.GetType(), one)));

    public Akka.Util.Option<T> Get<T>() where T : Setup =>
        _setups.TryGetValue(typeof(T), out var setup)
            ? new Akka.Util.Option<T>((T)setup) : Akka.Util.Option<T>.None;

    /// <summary>With the setup in place of another of its type.</summary>
    public ActorSystemSetup WithSetup<T>(T setup) where T : Setup =>
        new(_setups.SetItem(setup.GetType(), setup));

    public ActorSystemSetup And<T>(T setup) where T : Setup => WithSetup(setup);
}
