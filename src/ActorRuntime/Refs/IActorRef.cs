#nullable disable
using System.Runtime.CompilerServices;
using Akka.Util;

namespace Akka.Actor;

/// <summary>Whatever a message can be told to.</summary>
public interface ICanTell
{
    /// <summary>Sends a message, at most once and without waiting.</summary>
    void Tell(object message, IActorRef sender);
}

/// <summary>
/// A handle to an actor, here or elsewhere; equal to others of the same incarnation.
/// </summary>
public interface IActorRef : ICanTell, IEquatable<IActorRef>, IComparable<IActorRef>, ISurrogated
{
    ActorPath Path { get; }
}

/// <summary>Tell and Forward with the actor that is running as the sender.</summary>
public static class ActorRefImplicitSenderExtensions
{
    /// <summary>Sends with the running actor as sender, or none outside of actors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Tell(this IActorRef receiver, object message) =>
        receiver.Tell(message, ActorCell.Current?.Self);

    /// <summary>Sends on behalf of the sender of the message in hand.</summary>
    public static void Forward(this IActorRef receiver, object message) =>
        receiver.Tell(message, ActorCell.Current?.Sender);
}

/// <summary>Constants that stand for nobody.</summary>
public static class ActorRefs
{
    /// <summary>Null: the message has no sender.</summary>
    public static readonly IActorRef NoSender = null;

    public static readonly Nobody Nobody = Nobody.Instance;
}

/// <summary>Questions about references.</summary>
public static class ActorRefExtensions
{
    /// <summary>True for null and for <see cref="Nobody"/>.</summary>
    public static bool IsNobody(this IActorRef actorRef) => actorRef is null or Nobody;
}

/// <summary>The reference that is no actor: it drops whatever it is told.</summary>
public sealed class Nobody : IActorRef
{
    public static readonly Nobody Instance = new();

    private Nobody() { }

    public ActorPath Path { get; } =
        new RootActorPath(new Address("akka", "all-systems")) / "Nobody";

    public void Tell(object message, IActorRef sender) { }
    public bool Equals(IActorRef other) => ReferenceEquals(this, other);
    public int CompareTo(IActorRef other) => Path.CompareTo(other?.Path);
    public override string ToString() => "Nobody";
    public ISurrogate ToSurrogate(ActorSystem system) => NobodySurrogate.Instance;

    /// <summary>Nobody on the wire.</summary>
    public sealed class NobodySurrogate : ISurrogate
    {
        internal static readonly NobodySurrogate Instance = new();
        public ISurrogated FromSurrogate(ActorSystem system) => Nobody.Instance;
    }
}

/// <summary>References across the wire: the path with address and uid.</summary>
public sealed record ActorRefSurrogate(string Path) : ISurrogate
{
    public ISurrogated FromSurrogate(ActorSystem system) =>
        ((ExtendedActorSystem)system).Provider.ResolveActorRef(Path);
}
