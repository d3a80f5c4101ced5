namespace Fabric.HostNode.Windows;

/// <summary>Where things are on Windows.</summary>
/// <param name="State">Databases and keys: %ProgramData%\Fabric.</param>
/// <param name="Run">Fabric's own sockets.</param>
/// <param name="Sockets">Sockets that the pipes lead to; nobody else opens these.</param>
/// <param name="Public">
/// What OVS tools call their run folder: the placeholder files of the pipes are here.
/// </param>
/// <param name="Log">ovs-vswitchd.log.</param>
internal sealed record WindowsPaths(
    string State, string Run, string Sockets, string Public, string Log)
{
    /// <summary>Paths below %ProgramData%, unless the environment says otherwise.</summary>
    /// <param name="environment">Environment variables by name; null when not set.</param>
    /// <param name="programData">%ProgramData%.</param>
    public static WindowsPaths Find(Func<string, string?> environment, string programData)
    {
        var root = Join(programData, "Fabric");
        var run = environment("FABRIC_RUNDIR") ?? Join(root, "run");
        return new WindowsPaths(
            environment("FABRIC_STATEDIR") ?? root, run, Join(run, "ovs"),
            environment("OVS_RUNDIR") ?? Join(programData, "openvswitch"),
            environment("OVS_LOGDIR") ?? Join(root, "log"));
    }

    /// <summary>
    /// What the rooms of the host node read: they listen where only the pipes look.
    /// </summary>
    public IEnumerable<(string Name, string Value)> Environment() =>
    [
        ("FABRIC_STATEDIR", State), ("FABRIC_RUNDIR", Run), ("OVS_RUNDIR", Sockets),
        ("OVN_RUNDIR", Sockets), ("OVS_LOGDIR", Log), ("OVS_DBDIR", State),
    ];

    /// <summary>The configuration file that the service reads.</summary>
    public string Configuration => Join(State, "fabric.conf");

    /// <remarks>By hand: Path.Combine on Linux would put the wrong separator in.</remarks>
    private static string Join(string folder, string name)
    {
        var separator = folder.Contains('\\') ? '\\' : Path.DirectorySeparatorChar;
        return folder.TrimEnd('\\', '/') + separator + name;
    }
}
