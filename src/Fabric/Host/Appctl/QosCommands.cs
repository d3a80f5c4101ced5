using Fabric.Switching;

namespace Fabric.Host;

/// <summary>qos/show and qos/show-types: no device gets a queueing discipline here.</summary>
public static class QosCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        Add("qos/show", name => $"QoS not configured on {name}\n");
        Add("qos/show-types", name => $"No QoS types supported for interface: {name}\n");

        void Add(string command, Func<string, string> answer) =>
            commands.Register(command, "interface", 1, 1, request =>
            {
                var name = request.Arguments[0];
                var isThere = store.Datapaths.Any(datapath => datapath.Current.BridgesInOrder.Any(
                    bridge => bridge.PortsInOrder.Any(port => port.Name == name)));
                return Task.FromResult(isThere
                    ? answer(name) : throw new UnixctlException("no such interface"));
            });
    }
}
