using Fabric.Switching;

namespace Fabric.Host;

/// <summary>qos/show and qos/show-types: queues of ports' devices.</summary>
public static class QosCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store, Shaper shaper)
    {
        Add("qos/show", shaper.Show);
        Add("qos/show-types", name => shaper.IsDevice(name)
            ? string.Concat(QosLayout.Types.Select(type => $"QoS type: {type}\n"))
            : $"No QoS types supported for interface: {name}\n");

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
