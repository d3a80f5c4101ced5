using System.Diagnostics;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>A folder in which daemons run under the names of the stock ones.</summary>
/// <remarks>
/// The launchers of `fabric shims` stand first on PATH where a test wants ours; OVS_RUNDIR and the
/// like lead into the folder. Whatever left a pidfile is ended with it.
/// </remarks>
internal sealed class DropInWorld : IDisposable
{
    public const string Schema = "/usr/share/openvswitch/vswitch.ovsschema";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _path;

    public DropInWorld(params string[] ours)
    {
        Folder = Directory.CreateTempSubdirectory("fabric-dropin-").FullName;
        Shims = Path.Combine(Folder, "shims");
        var made = RunDirect(
            "dotnet", Path.Combine(AppContext.BaseDirectory, "Fabric.HostNode.dll"), "shims",
            Shims);
        Assert.True(made.Succeeded, made.Error);
        foreach (var shim in Directory.GetFiles(Shims))
        {
            if (!ours.Contains(Path.GetFileName(shim))) File.Delete(shim);
        }

        _path = $"{Shims}:/usr/sbin:{Environment.GetEnvironmentVariable("PATH")}";
    }

    public string Folder { get; }
    public string Shims { get; }

    public static bool IsFull =>
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") is { Length: > 0 };

    /// <summary>Runs a script; its standard error counts as output too.</summary>
    public async Task<ShellResult> RunAsync(string script, TimeSpan? timeout = null) =>
        await Shell.RunAsync(
            "/bin/bash", ["-c", $"cd '{Folder}'; {script}"],
            new Dictionary<string, string>
            {
                ["OVS_RUNDIR"] = Folder,
                ["OVS_LOGDIR"] = Folder,
                ["OVS_DBDIR"] = Folder,
                ["OVS_SYSCONFDIR"] = Folder,
                ["OVN_RUNDIR"] = Folder,
                ["PATH"] = _path,
            },
            timeout ?? Patience);

    /// <summary>Runs a script that must succeed, and gives what it printed.</summary>
    public async Task<string> SaysAsync(string script, TimeSpan? timeout = null)
    {
        var result = await RunAsync(script, timeout);
        Assert.True(result.Succeeded,
            $"{script}: {result.ExitCode}: {result.Output}{result.Error}");
        return result.Output.TrimEnd('\n');
    }

    /// <summary>Database server and switch daemon, as upstream's tests start them.</summary>
    public async Task StartAsync(string options = "--enable-dummy --disable-system")
    {
        await SaysAsync($"""
            ovsdb-tool create conf.db {Schema} &&
            ovsdb-server --detach --no-chdir --pidfile --log-file -vconsole:off \
                --remote=punix:{Folder}/db.sock &&
            ovs-vsctl --no-wait init &&
            ovs-vswitchd {options} --disable-system-route --detach --no-chdir --pidfile \
                --log-file -vvconn -vofproto_dpif -vunixctl
            """);
    }

    /// <summary>Log lines that an operator would be woken by.</summary>
    public string[] Alarms(string log = "ovs-vswitchd.log") =>
    [
        .. File.ReadAllLines(Path.Combine(Folder, log)).Where(line =>
            line.Contains("|WARN|") || line.Contains("|ERR|") || line.Contains("|EMER|")),
    ];

    public void Dispose()
    {
        foreach (var file in Directory.GetFiles(Folder, "*.pid"))
        {
            try
            {
                if (!int.TryParse(File.ReadAllText(file).Trim(), out var pid)) continue;
                using var process = Process.GetProcessById(pid);
                process.Kill();
                process.WaitForExit(TimeSpan.FromSeconds(5));
            }
            catch (Exception error) when (
                error is ArgumentException or InvalidOperationException or FileNotFoundException)
            {
                // It has ended by itself.
            }
        }

        Directory.Delete(Folder, recursive: true);
    }

    private static ShellResult RunDirect(string program, params string[] arguments) =>
        Shell.RunAsync(program, arguments).GetAwaiter().GetResult();
}
