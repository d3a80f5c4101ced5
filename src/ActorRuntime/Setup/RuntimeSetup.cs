#nullable disable
using Akka.Dispatch;

namespace Akka.Actor;

/// <summary>What the runtime takes from outside: time, chance, threads and the transport.</summary>
/// <remarks>
/// Several systems that share a <see cref="DeterministicDispatcher"/>, a
/// <see cref="VirtualTimeProvider"/> and seeded random sources run in one thread and always in
/// the same way.
/// </remarks>
internal sealed class RuntimeSetup : Setup.Setup
{
    /// <summary>Clock and timers; the system's by default.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Source of uids and jitter; null: not reproducible.</summary>
    public Random Random { get; init; }

    /// <summary>Null: the thread pool.</summary>
    public ActorDispatcher Dispatcher { get; init; }

    /// <summary>What remoting uses in place of TCP; its type is the provider's business.</summary>
    public object Transport { get; init; }

    /// <summary>Takes log entries in place of the configured loggers.</summary>
    public Akka.Event.ILogSink LogSink { get; init; }
}
