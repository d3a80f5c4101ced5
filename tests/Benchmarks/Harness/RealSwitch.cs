using System.Diagnostics;
using Fabric.HostNode.Demo;

namespace Fabric.Benchmarks;

/// <summary>
/// Debian's `ovsdb-server` and `ovs-vswitchd` with run folders of their own, in one namespace.
/// </summary>
/// <remarks>The userspace datapath (`netdev`): bridges need `datapath_type=netdev`.</remarks>
public sealed class RealSwitch
{
    private readonly Dictionary<string, string> _environment;
    private readonly string _namespace;
    private readonly string _folder;

    /// <summary>The daemon itself, for its memory and processor time.</summary>
    public Process Daemon { get; }

    /// <exception cref="BenchmarkSkippedException">Open vSwitch is not installed.</exception>
    public RealSwitch(Lab lab, string name, params string[] daemonOptions)
    {
        if (!File.Exists("/usr/sbin/ovs-vswitchd"))
        {
            throw new BenchmarkSkippedException("Debian's openvswitch-switch is not installed");
        }

        _namespace = name;
        _folder = Directory.CreateDirectory(Path.Combine(lab.Folder, $"ovs-{name}")).FullName;
        _environment = new()
        {
            ["OVS_RUNDIR"] = _folder, ["OVS_LOGDIR"] = _folder, ["OVS_DBDIR"] = _folder,
        };
        Lab.Run("ovsdb-tool", "create", $"{_folder}/conf.db",
            "/usr/share/openvswitch/vswitch.ovsschema");
        lab.Start(name, _environment, "/usr/sbin/ovsdb-server", $"{_folder}/conf.db",
            $"--remote=punix:{_folder}/db.sock", "-vconsole:off");
        Lab.WaitUntil(
            () => ListeningSocket.IsAt($"{_folder}/db.sock"), TimeSpan.FromSeconds(10), "db.sock");
        Vsctl("--no-wait", "init");
        Daemon = lab.Start(name, _environment,
            ["/usr/sbin/ovs-vswitchd", $"unix:{_folder}/db.sock", "-vconsole:off", "--pidfile",
                .. daemonOptions]);
    }

    /// <summary>Runs `ovs-vsctl` against it and gives back what it printed.</summary>
    public string Vsctl(params string[] words) =>
        Tool(["ovs-vsctl", $"--db=unix:{_folder}/db.sock", "--timeout=60", .. words]);

    /// <summary>Runs `ovs-ofctl` against it; sockets are in its run folder.</summary>
    public string Ofctl(params string[] words) => Tool(["ovs-ofctl", .. words]);

    /// <summary>Runs `ovs-appctl` against it.</summary>
    public string Appctl(params string[] words) => Tool(["ovs-appctl", .. words]);

    private string Tool(string[] command)
    {
        var result = Shell.RunAsync("nsenter",
            [$"--net=/run/netns/{_namespace}", "--", .. command], _environment,
            TimeSpan.FromMinutes(2)).Result;
        return result.Succeeded ? result.Output : throw new InvalidOperationException(
            $"{string.Join(' ', command)}: {result.Error.Trim()}");
    }
}
