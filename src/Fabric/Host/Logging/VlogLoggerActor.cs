using Akka.Actor;
using Akka.Event;

namespace Fabric.Host;

/// <summary>Writes the actor systems' log events to the <see cref="Vlog"/>.</summary>
/// <remarks>
/// Hears:  <see cref="LogEvent"/>, by subscription.
/// Says:   nothing.
/// Holds:  nothing.
/// Fails:  never by what it hears.
/// </remarks>
public sealed class VlogLoggerActor : ReceiveActor
{
    public static Props Props(Vlog log) => Akka.Actor.Props.Create(() => new VlogLoggerActor(log));

    public VlogLoggerActor(Vlog log)
    {
        Receive<LogEvent>(entry => log.Write(
            ModuleOf(entry), LevelOf(entry.LogLevel()), TextOf(entry)));
    }

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(Info));
        Context.System.EventStream.Subscribe(Self, typeof(Warning));
        Context.System.EventStream.Subscribe(Self, typeof(Error));
    }

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <summary>The class's name in OVS's way: TunnelsActor is "tunnels".</summary>
    private static string ModuleOf(LogEvent entry)
    {
        var isText = entry.LogClass is not { } type || type == typeof(string)
            || type.Name.StartsWith("DummyClass", StringComparison.Ordinal);
        if (isText) return entry.LogSource?.Split('(')[0] is { Length: > 0 } own ? own : "fabric";
        var name = entry.LogClass!.Name;
        var tick = name.IndexOf('`', StringComparison.Ordinal);
        if (tick >= 0) name = name[..tick];
        if (name.EndsWith("Actor", StringComparison.Ordinal) && name.Length > 5) name = name[..^5];
        var words = new System.Text.StringBuilder();
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && !char.IsUpper(name[i - 1])) words.Append('_');
            words.Append(char.ToLowerInvariant(name[i]));
        }

        return words.ToString();
    }

    private static VlogLevel LevelOf(LogLevel level) => level switch
    {
        LogLevel.DebugLevel => VlogLevel.Dbg,
        LogLevel.InfoLevel => VlogLevel.Info,
        LogLevel.WarningLevel => VlogLevel.Warn,
        _ => VlogLevel.Err,
    };

    private static string TextOf(LogEvent entry)
    {
        var text = $"{entry.Message}".ReplaceLineEndings(" ");
        return entry.Cause is null ? text : $"{text} ({entry.Cause.GetType().Name}: "
            + $"{entry.Cause.Message.ReplaceLineEndings(" ")})";
    }
}
