namespace Akka.Event;

/// <summary>Not reported as a dead letter, but as a suppressed one.</summary>
public interface IDeadLetterSuppression;
