using Akka.Configuration;
using Fabric.Host;
using Fabric.HostNode.Composition;

namespace Fabric.HostNode.DropIn;

/// <summary>Settings for a process without a configuration file.</summary>
internal static class DropInSettings
{
    /// <remarks>
    /// FABRIC_DATAPATH says what datapath type "system" means, as fabric.datapath.system does
    /// for a host node. Not set: on Linux the managed datapath, which works wherever this runs.
    /// </remarks>
    public static HostSettings Create() => HostSettings.Read(
        ConfigurationFactory.ParseString("fabric.host.id = ovs-vswitchd")
            .WithFallback(ConfigurationFile.Reference()),
        Environment.GetEnvironmentVariable) with
    {
        SystemDatapath = Environment.GetEnvironmentVariable("FABRIC_DATAPATH")
            ?? (OperatingSystem.IsLinux() ? "userspace" : ""),
    };
}
