using Akka.Actor;
using Fabric.Controllers;
using Fabric.Host;

namespace Fabric.Switching;

/// <summary>ovs-appctl's command about OpenFlow controllers.</summary>
public static class ControllerCommands
{
    /// <param name="management">The actor of OpenFlow's connections, asked for each time: it
    /// may have changed.</param>
    public static void Register(
        UnixctlCommands commands, SwitchStore store, Func<ICanTell> management) =>
        commands.Register("bridge/reconnect", "[bridge]", 0, 1, request =>
        {
            var bridge = request.Arguments.FirstOrDefault();
            if (bridge is not null && store.FindBridge(bridge) is null)
            {
                throw new UnixctlException("Unknown bridge");
            }

            management().Tell(new ReconnectControllers(bridge), ActorRefs.NoSender);
            return Task.FromResult("");
        });
}
