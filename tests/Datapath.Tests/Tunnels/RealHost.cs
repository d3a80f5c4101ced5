using System.Diagnostics;

namespace Fabric.Datapath.Tests.Tunnels;

/// <summary>Debian's ovs-vswitchd with its userspace datapath, inside a namespace.</summary>
/// <remarks>Its run folder is its own. Bridges need datapath_type=netdev.</remarks>
internal sealed class RealHost : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-ovs-").FullName;
    private readonly string _namespace;
    private readonly List<Process> _daemons = [];

    public RealHost(NetworkNamespace inside)
    {
        _namespace = inside.Name;
        Run("ovsdb-tool", "create", $"{_folder}/conf.db",
            "/usr/share/openvswitch/vswitch.ovsschema");
        Start("ovsdb-server", $"{_folder}/conf.db", $"--remote=punix:{_folder}/db.sock");
        Assert.True(DeviceLab.Eventually(() => ListeningSocket.IsAt($"{_folder}/db.sock")));
        Vsctl("--no-wait init");
        Start("ovs-vswitchd", $"unix:{_folder}/db.sock", "--pidfile", "--disable-system");
    }

    public static string? Missing => NetworkNamespace.Missing
        ?? (File.Exists("/usr/sbin/ovs-vswitchd") ? null : "needs openvswitch-switch")
        ?? (File.Exists("/usr/sbin/ethtool") ? null : "needs ethtool");

    /// <param name="words">As one types them; blanks separate.</param>
    public string Vsctl(string words) => Run(
        "ovs-vsctl", [$"--db=unix:{_folder}/db.sock", "--timeout=20", .. words.Split(' ')]);

    public string Ofctl(string words) => Run("ovs-ofctl", words.Split(' '));

    public string Appctl(string words) => Run("ovs-appctl", words.Split(' '));

    private string Run(string program, params string[] arguments)
    {
        var info = Info(program, arguments);
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        using var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new IOException($"{program} {string.Join(' ', arguments)}: {errors.Result}");
    }

    private void Start(string program, params string[] arguments) => _daemons.Add(Process.Start(
        Info(program, [.. arguments, "-vconsole:off", $"--log-file={_folder}/{program}.log"]))!);

    private ProcessStartInfo Info(string program, string[] arguments)
    {
        var info = new ProcessStartInfo(
            "nsenter", [$"--net=/run/netns/{_namespace}", "--", program, .. arguments]);
        foreach (var name in (string[])["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"])
        {
            info.Environment[name] = _folder;
        }

        return info;
    }

    public void Dispose()
    {
        _daemons.Reverse();
        foreach (var daemon in _daemons)
        {
            if (!daemon.HasExited) daemon.Kill(entireProcessTree: true);
            daemon.WaitForExit();
            daemon.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
