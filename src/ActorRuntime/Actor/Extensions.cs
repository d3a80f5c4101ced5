#nullable disable
namespace Akka.Actor;

/// <summary>Something that an actor system has once.</summary>
public interface IExtension;

/// <summary>Names an extension and makes it.</summary>
public interface IExtensionId
{
    Type ExtensionType { get; }

    /// <summary>The system's extension; made and registered if it is not there.</summary>
    object Apply(ActorSystem system);

    object Get(ActorSystem system);
    object CreateExtension(ExtendedActorSystem system);
}

public interface IExtensionId<out T> : IExtensionId where T : IExtension
{
    new T Apply(ActorSystem system);
    new T Get(ActorSystem system);
    new T CreateExtension(ExtendedActorSystem system);
}

/// <summary>Base of extension ids.</summary>
public abstract class ExtensionIdProvider<T> : IExtensionId<T> where T : IExtension
{
    public T Apply(ActorSystem system) => (T)system.RegisterExtension(this);
    public T Get(ActorSystem system) => Apply(system);
    public abstract T CreateExtension(ExtendedActorSystem system);

    public Type ExtensionType => typeof(T);
    object IExtensionId.Apply(ActorSystem system) => Apply(system);
    object IExtensionId.Get(ActorSystem system) => Get(system);
    object IExtensionId.CreateExtension(ExtendedActorSystem system) => CreateExtension(system);

    public override bool Equals(object obj) => obj is ExtensionIdProvider<T>;
    public override int GetHashCode() => typeof(T).GetHashCode();
}

/// <summary>Getting extensions by type.</summary>
public static class ActorSystemWithExtensions
{
    public static T WithExtension<T>(this ActorSystem system, IExtensionId extensionId)
        where T : class, IExtension => (T)system.RegisterExtension(extensionId);

    public static T WithExtension<T, TI>(this ActorSystem system)
        where T : class, IExtension where TI : IExtensionId, new() =>
        (T)system.RegisterExtension(new TI());
}
