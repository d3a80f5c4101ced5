using Fabric.Switching;

namespace Fabric.Host;

/// <summary>ovs-appctl's commands beside those of bridges and of connection tracking.</summary>
public static class ManagementCommands
{
    /// <param name="readsSystemRoutes">False: --disable-system-route.</param>
    public static void Register(
        UnixctlCommands commands, SwitchStore store, bool readsSystemRoutes = true)
    {
        store.Underlay.Routes.ReadsSystem = readsSystemRoutes;
        DatapathFlowCommands.Register(commands, store);
        DatapathPortCommands.Register(commands, store);
        DatapathThreadCommands.Register(commands, store);
        DatapathFeatureCommands.Register(commands, store);
        DatapathTextCommands.Register(commands, store);
        ImplementationCommands.Register(commands, store);
        RouteCommands.Register(commands, store);
        NeighbourCommands.Register(commands, store);
        DummyDeviceCommands.Register(commands, store);
    }
}
