using System.Diagnostics;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>Debian's ovsdb-server and ovs-vswitchd with dummy ports.</summary>
internal sealed class StockSwitch : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly List<Process> _daemons = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("fx-windows-s-").FullName;

    public async Task StartAsync()
    {
        var database = Path.Combine(Folder, "conf.db");
        Run("ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema");
        var socket = Path.Combine(Folder, "db.sock");
        Start("/usr/sbin/ovsdb-server",
            $"--remote=punix:{socket}", $"--unixctl={Folder}/ovsdb-server.ctl", "--no-chdir",
            "-vconsole:off", database);
        await ThereAsync(socket);
        Vsctl("--no-wait", "init");
        var control = Path.Combine(Folder, "ovs-vswitchd.ctl");
        Start("/usr/sbin/ovs-vswitchd",
            "--enable-dummy=override", $"--unixctl={control}", "--no-chdir", "-vconsole:off",
            $"unix:{socket}");
        await ThereAsync(control);
    }

    public void Vsctl(params string[] words)
    {
        var (exitCode, _, error) = Run(
            "ovs-vsctl", [$"--db=unix:{Folder}/db.sock", "--timeout=30", .. words]);
        Assert.True(exitCode == 0, error);
    }

    public (int ExitCode, string Output, string Error) Run(
        string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["OVS_RUNDIR"] = Folder, ["OVS_LOGDIR"] = Folder },
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    private void Start(string program, params string[] arguments) =>
        _daemons.Add(Process.Start(new ProcessStartInfo(program, arguments)
        {
            Environment = { ["OVS_RUNDIR"] = Folder, ["OVS_LOGDIR"] = Folder },
        })!);

    private static async Task ThereAsync(string path)
    {
        var limit = Stopwatch.StartNew();
        while (!File.Exists(path) && limit.Elapsed < s_patience) await Task.Yield();
        Assert.True(File.Exists(path), path);
    }

    public void Dispose()
    {
        foreach (var daemon in _daemons)
        {
            daemon.Kill();
            daemon.WaitForExit();
        }

        Directory.Delete(Folder, recursive: true);
    }
}
