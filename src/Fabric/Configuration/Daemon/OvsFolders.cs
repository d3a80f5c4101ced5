namespace Fabric.Configuration;

/// <summary>
/// Where OVS's programs look for files, OVS_* variables honoured (ovs-vswitchd(8)).
/// </summary>
public static class OvsFolders
{
    public static string Run => Of("OVS_RUNDIR", "/run/openvswitch");
    public static string Log => Of("OVS_LOGDIR", "/var/log/openvswitch");
    public static string Database =>
        Of("OVS_DBDIR", Of("OVS_SYSCONFDIR", "/etc") + "/openvswitch");

    public static string PackageData => Of("OVS_PKGDATADIR", "/usr/share/openvswitch");

    /// <summary>'path' as it is if absolute, else below 'folder'.</summary>
    public static string Under(string folder, string path) =>
        Path.IsPathRooted(path) ? path : Path.Combine(folder, path);

    private static string Of(string variable, string standard) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : standard;
}
