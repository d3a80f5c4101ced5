#nullable disable
namespace Akka.Actor
{
    /// <summary>Base of the exceptions that the runtime throws.</summary>
    public class AkkaException : Exception
    {
        public AkkaException() { }
        public AkkaException(string message, Exception cause = null) : base(message, cause) { }
        protected Exception Cause => InnerException;
    }

    /// <summary>The name is malformed or taken.</summary>
    public sealed class InvalidActorNameException(string message, Exception innerException = null)
        : AkkaException(message, innerException);

    /// <summary>The message cannot be sent.</summary>
    public class InvalidMessageException(string message) : AkkaException(message)
    {
        public InvalidMessageException() : this("Message is null") { }
    }

    /// <summary>A selection found nobody in time.</summary>
    public sealed class ActorNotFoundException : AkkaException
    {
        public ActorNotFoundException() { }
        public ActorNotFoundException(string message, Exception innerException = null)
            : base(message, innerException) { }
    }

    /// <summary>An actor could not be made or started.</summary>
    public class ActorInitializationException : AkkaException
    {
        public ActorInitializationException() { }
        public ActorInitializationException(string message) : base(message) { }
        public ActorInitializationException(string message, Exception cause)
            : base(message, cause) { }
        public ActorInitializationException(
            IActorRef actor, string message, Exception cause = null)
            : base(actor is null ? message : $"{actor}: {message}", cause) => Actor = actor;
        public IActorRef Actor { get; }
    }

    /// <summary>PreRestart failed; the restart goes on.</summary>
    public sealed class PreRestartException(
        IActorRef actor, Exception restartException, Exception cause, object optionalMessage)
        : ActorInitializationException(actor,
            $"exception in PreRestart({cause?.GetType().Name}, " +
            $"{optionalMessage?.GetType().Name ?? "null"})", restartException)
    {
        public Exception OriginalCause => cause;
    }

    /// <summary>Making or starting the new incarnation failed.</summary>
    public sealed class PostRestartException(
        IActorRef actor, Exception cause, Exception originalCause)
        : ActorInitializationException(actor,
            $"Exception post restart ({originalCause?.GetType().Name ?? "null"})", cause)
    {
        public Exception OriginalCause => originalCause;
    }

    /// <summary>The actor was sent <see cref="Kill"/>.</summary>
    public sealed class ActorKilledException(string message) : AkkaException(message);

    /// <summary>A watched actor ended and its Terminated was not handled.</summary>
    public class DeathPactException(IActorRef deadActor)
        : AkkaException($"Monitored actor [{deadActor}] terminated")
    {
        public IActorRef DeadActor => deadActor;
    }

    /// <summary>The actor is not in a state that allows this.</summary>
    public sealed class IllegalActorStateException(string message) : AkkaException(message);

    /// <summary>The stash is full.</summary>
    public class StashOverflowException(string message, Exception cause = null)
        : AkkaException(message, cause);

    /// <summary>No answer came in time.</summary>
    public sealed class AskTimeoutException(string message) : AkkaException(message);
}

namespace Akka.Configuration
{
    /// <summary>The configuration cannot be read, or lacks what is needed.</summary>
    public class ConfigurationException : Akka.Actor.AkkaException
    {
        public ConfigurationException(string message) : base(message) { }
        public ConfigurationException(string message, Exception cause) : base(message, cause) { }
    }
}

namespace Akka
{
    /// <summary>The result of something that is just done.</summary>
    public sealed class Done
    {
        public static readonly Done Instance = new();
        private Done() { }
    }

    /// <summary>The value of something that has none.</summary>
    public sealed class NotUsed
    {
        public static readonly NotUsed Instance = new();
        private NotUsed() { }
    }
}
