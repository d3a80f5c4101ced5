using System.Diagnostics;
using Fabric.HostNode.Demo;

namespace Fabric.Benchmarks.OpenFlow;

/// <summary>
/// Our `vswitchd` in place of ovs-vswitchd, beside Debian's ovsdb-server: stock tools drive both.
/// </summary>
internal sealed class DropInSwitch
{
    private readonly Dictionary<string, string> _environment;
    private readonly string _namespace;
    private readonly string _folder;

    /// <summary>The daemon itself, for its memory.</summary>
    public Process Daemon { get; }

    public DropInSwitch(Lab lab, string name)
    {
        _namespace = name;
        _folder = Directory.CreateDirectory(Path.Combine(lab.Folder, $"ours-{name}")).FullName;
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
        Tool("ovs-vsctl", $"--db=unix:{_folder}/db.sock", "--no-wait", "init");
        Daemon = lab.Start(name, _environment,
        [
            .. InstalledHost.Words, "vswitchd", $"unix:{_folder}/db.sock", "-vconsole:off",
            "--pidfile", "--enable-dummy",
        ]);
    }

    public string Vsctl(params string[] words) =>
        Tool(["ovs-vsctl", $"--db=unix:{_folder}/db.sock", "--timeout=60", .. words]);

    public string Appctl(params string[] words) => Tool(["ovs-appctl", .. words]);

    public string Ofctl(params string[] words) => Tool(["ovs-ofctl", .. words]);

    private string Tool(params string[] command)
    {
        var result = Shell.RunAsync("nsenter",
            [$"--net=/run/netns/{_namespace}", "--", .. command], _environment,
            TimeSpan.FromMinutes(2)).Result;
        return result.Succeeded ? result.Output : throw new InvalidOperationException(
            $"{string.Join(' ', command)}: {result.Error.Trim()}");
    }
}
