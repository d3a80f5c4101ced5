namespace Fabric.Datapath;

/// <summary>Opens the providers of this folder by the names that settings use.</summary>
public static class OvsNetlinkProviders
{
    /// <summary>How long one call to a device may take before it counts as lost.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>"ovsext", "genetlink", "emulator" (or "ovsext-emulator").</summary>
    public static bool IsKnown(string kind) =>
        kind is "ovsext" or "genetlink" or "emulator" or "ovsext-emulator";

    /// <summary>
    /// Opens a provider; it stays open, and tries again, when its device is away. Of
    /// openvswitch.ko the families must be there: without them there is nothing to wait for.
    /// </summary>
    /// <param name="name">"system@ovs-system".</param>
    /// <param name="makeInternalPort"><see cref="OvsNetlinkOptions.MakeInternalPort"/></param>
    public static bool TryOpen(
        string kind, string name, TimeProvider clock, Action<string> log,
        Func<string, string?>? makeInternalPort, out IDatapathProvider provider,
        out string error)
    {
        provider = null!;
        if (!TryDevice(kind, clock, out var device, out error)) return false;
        var opened = new OvsNetlinkDatapath(device!, new OvsNetlinkOptions
        {
            ProviderName = kind == "ovsext-emulator" ? "emulator" : kind,
            Name = name,
            Clock = clock,
            Log = log,
            MakeInternalPort = makeInternalPort,
        })
        {
            // A fault while a miss is decided costs that packet, not the host's network.
            Faulted = fault => log($"upcall: {fault}"),
        };
        if (kind == "genetlink" && !opened.IsConnected)
        {
            error = "openvswitch.ko is not loaded: modprobe openvswitch, or use another datapath";
            opened.Dispose();
            return false;
        }

        provider = opened;
        return true;
    }

    private static bool TryDevice(
        string kind, TimeProvider clock, out INetlinkDevice? device, out string error)
    {
        device = null;
        error = "";
        switch (kind)
        {
            case "ovsext" when OperatingSystem.IsWindows():
                device = new WindowsDevice(Patience);
                return true;
            case "genetlink" when OperatingSystem.IsLinux():
                device = new GenericNetlinkDevice(Patience);
                return true;
            case "emulator" or "ovsext-emulator":
                device = new OvsextEmulator(new EmulatorProfile(UsesDevices: true), clock);
                return true;
            default:
                error = $"datapath provider {kind} is not for this operating system";
                return false;
        }
    }
}
