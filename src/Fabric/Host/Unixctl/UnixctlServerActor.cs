using Akka.Actor;
using Akka.Event;

namespace Fabric.Host;

/// <summary>Keeps one control socket served.</summary>
/// <remarks>
/// Hears:  nothing; commands run where they are registered.
/// Says:   nothing.
/// Holds:  the listener.
/// Fails:  when the path cannot be bound; its parent starts it anew.
/// </remarks>
public sealed class UnixctlServerActor : ReceiveActor
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute;

    private readonly string _path;
    private readonly UnixctlCommands _commands;
    private UnixctlListener? _listener;

    public static Props Props(string path, UnixctlCommands commands) =>
        Akka.Actor.Props.Create(() => new UnixctlServerActor(path, commands));

    public UnixctlServerActor(string path, UnixctlCommands commands)
    {
        _path = path;
        _commands = commands;
    }

    protected override void PreStart()
    {
        _listener = UnixctlListener.Start(_path, _commands, Mode);
        Context.GetLogger().Info("{0}: listening", _path);
    }

    protected override void PostStop()
    {
        // The socket closes before this returns; what is under way ends by itself.
        if (_listener is { } listener) _ = listener.DisposeAsync().AsTask();
    }
}
