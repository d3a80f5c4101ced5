using System.Collections.Immutable;
using System.Runtime.Versioning;
using Akka.Actor;
using Fabric.Host;

namespace Fabric.HostNode.Windows;

/// <summary>What a Hyper-V host has beside the rooms of every host; nothing elsewhere.</summary>
internal static class WindowsRooms
{
    /// <summary>The room /vifs: NICs of virtual machines and containers, by themselves.</summary>
    public static ImmutableArray<HostRoom> All(TimeProvider time, Action<string> log) =>
        !OperatingSystem.IsWindows()
            ? []
            : [new HostRoom("vifs", find => VifsActor.Props(
                find("configuration"), Guid.NewGuid,
                vifs => OperatingSystem.IsWindows()
                    ? Watch(vifs, time, log)
                    : throw new PlatformNotSupportedException()))];

    /// <summary>
    /// Makes the adapter of an internal port on the switch that has the extension: null when
    /// it is there, or what is wrong. For <see cref="Datapath.OvsNetlinkOptions"/>.
    /// </summary>
    public static string? MakeInternalPort(string name)
    {
        if (!OperatingSystem.IsWindows()) return null;
        using var host = SwitchHost();
        var found = host.Switches(out var error)?.FirstOrDefault(one => one.HasExtension);
        if (found is null)
        {
            return error.Length > 0 ? error : "no virtual switch has the extension enabled";
        }

        return host.TryAddInternalPort(found.Id, name, out error) ? null : error;
    }

    [SupportedOSPlatform("windows")]
    public static IVirtualSwitchHost SwitchHost() =>
        new WmiVirtualSwitchHost(new ManagementWmiSession(WmiVirtualSwitchHost.Namespace));

    [SupportedOSPlatform("windows")]
    private static VifWatch Watch(IActorRef vifs, TimeProvider time, Action<string> log)
    {
        var library = Path.Combine(Environment.SystemDirectory, "computenetwork.dll");
        var containers = File.Exists(library) ? new HcnSession() : null;
        return new VifWatch(SwitchHost(), containers, vifs, time, log);
    }
}
