#nullable disable
using Akka.Actor;

namespace Akka.Util;

/// <summary>Stands for an object on the wire.</summary>
public interface ISurrogate
{
    ISurrogated FromSurrogate(ActorSystem system);
}

/// <summary>An object that crosses the wire as its surrogate.</summary>
public interface ISurrogated
{
    ISurrogate ToSurrogate(ActorSystem system);
}
