#nullable disable
namespace Akka.Actor;

/// <summary>The runtime answers it; the actor's handlers do not see it first.</summary>
public interface IAutoReceivedMessage;

/// <summary>Refused from untrusted senders.</summary>
public interface IPossiblyHarmful;

/// <summary>Does not restart the receive timeout.</summary>
public interface INotInfluenceReceiveTimeout;

/// <summary>Never leaves the process.</summary>
public interface INoSerializationVerificationNeeded;

/// <summary>The actor's received messages are logged at debug level if so configured.</summary>
public interface ILogReceive;

/// <summary>Stands for another reference, as probes of tests do.</summary>
internal interface IActorRefWrapper
{
    IActorRef Wrapped { get; }
}
