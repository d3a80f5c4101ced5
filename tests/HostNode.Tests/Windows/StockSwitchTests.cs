namespace Fabric.HostNode.Tests.Windows;

/// <summary>Tests beside Debian's ovs-vswitchd, begun anew for each case.</summary>
public abstract class StockSwitchTests : IAsyncLifetime
{
    private protected StockSwitch Switch { get; } = new();

    public virtual async Task InitializeAsync()
    {
        await Switch.StartAsync();
        Switch.AddTwins();
    }

    public Task DisposeAsync()
    {
        Switch.Dispose();
        return Task.CompletedTask;
    }
}
