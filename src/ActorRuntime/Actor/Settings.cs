#nullable disable
using Akka.Configuration;
using Akka.Event;

namespace Akka.Actor;

/// <summary>What a system is configured with.</summary>
public class Settings
{
    private readonly Config _user;
    private Config _fallback = ReferenceConfig.Core;

    internal Settings(ActorSystem system, Config config, Setup.ActorSystemSetup setup)
    {
        System = system;
        _user = config;
        Setup = setup;
        Rebuild();
        LogLevel = Config.GetString("akka.loglevel");
        StdoutLogLevel = Config.GetString("akka.stdout-loglevel");
        AskTimeout = Config.GetTimeSpan("akka.actor.ask-timeout", Timeout.InfiniteTimeSpan);
        DebugEventStream = Config.GetBoolean("akka.actor.debug.event-stream");
        DebugUnhandledMessage = Config.GetBoolean("akka.actor.debug.unhandled");
        DebugLifecycle = Config.GetBoolean("akka.actor.debug.lifecycle");
        Loggers = Config.GetStringList("akka.loggers");
        Logging.LogLevelFor(LogLevel);
    }

    public ActorSystem System { get; }
    public Setup.ActorSystemSetup Setup { get; }
    public Config Config { get; private set; }
    public string LogLevel { get; }
    public string StdoutLogLevel { get; }
    public IList<string> Loggers { get; }

    /// <summary>For asks without a timeout.</summary>
    public TimeSpan AskTimeout { get; }

    public bool DebugEventStream { get; }
    public bool DebugUnhandledMessage { get; }
    public bool DebugLifecycle { get; }

    /// <summary>Adds defaults below all that is there.</summary>
    public void InjectTopLevelFallback(Config config)
    {
        lock (this)
        {
            _fallback = config.WithFallback(_fallback);
            Rebuild();
        }
    }

    private void Rebuild() => Config = _user.WithFallback(_fallback);

    public override string ToString() => Config.ToString();
}
