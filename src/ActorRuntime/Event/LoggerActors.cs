#nullable disable
using Akka.Actor;
using Akka.Util;

namespace Akka.Event;

/// <summary>
/// Starts the loggers that configuration names, other than the standard output's.
/// </summary>
internal static class LoggerActors
{
    private static readonly Type[] Channels =
        [typeof(Debug), typeof(Info), typeof(Warning), typeof(Error)];

    public static void Start(ActorSystemRuntime system)
    {
        foreach (var name in system.Settings.Loggers)
        {
            if (name.Contains("Akka.Event.DefaultLogger") ||
                name.Contains("Akka.Event.StandardOutLogger")) continue;
            var type = TypeNames.Get(name, "akka.loggers");
            if (typeof(ILogSink).IsAssignableFrom(type))
            {
                system.EventStream.AddSink((ILogSink)Activator.CreateInstance(type, system));
                continue;
            }
            var logger = system.SystemActorOf(Props.Create(type), $"log-{type.Name}");
            foreach (var channel in Channels) system.EventStream.Subscribe(logger, channel);
            logger.Tell(new InitializeLogger(system.EventStream), system.DeadLetters);
        }
    }
}
