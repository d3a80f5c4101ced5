using System.Diagnostics;
using System.Text;

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
        Start("/usr/sbin/ovs-vswitchd",
            "--enable-dummy=override", $"--unixctl={Control}", "--no-chdir", "-vconsole:off",
            $"unix:{socket}");
        await ThereAsync(Control);
    }

    /// <summary>Bridges br-stock and br-ours that begin alike, each with two ports.</summary>
    public void AddTwins()
    {
        foreach (var side in (string[])["stock", "ours"])
        {
            Vsctl(
                "add-br", $"br-{side}", "--", "set", "Bridge", $"br-{side}",
                "datapath_type=dummy", "other-config:datapath-id=00000000000000aa",
                "--", "add-port", $"br-{side}", $"p1-{side}",
                "--", "set", "Interface", $"p1-{side}", "type=dummy", "ofport_request=1",
                "--", "add-port", $"br-{side}", $"p2-{side}",
                "--", "set", "Interface", $"p2-{side}", "type=dummy", "ofport_request=2");
        }
    }

    /// <summary>A control command to ovs-vswitchd.</summary>
    public (int ExitCode, string Output, string Error) Appctl(params string[] words) =>
        Run("ovs-appctl", ["--timeout=30", "-t", Control, .. words]);

    public string Control => Path.Combine(Folder, "ovs-vswitchd.ctl");

    public void Vsctl(params string[] words)
    {
        var (exitCode, _, error) = Run(
            "ovs-vsctl", [$"--db=unix:{Folder}/db.sock", "--timeout=30", .. words]);
        Assert.True(exitCode == 0, error);
    }

    /// <summary>Runs a tool; again when a busy switch did not take its connection.</summary>
    public (int ExitCode, string Output, string Error) Run(
        string program, params string[] arguments)
    {
        const int TriesMax = 5;
        for (var tries = 1; ; tries++)
        {
            var result = RunOnce(program, arguments);
            if (tries == TriesMax || !result.Error.Contains("failed to open socket"))
                return result;
        }
    }

    private (int ExitCode, string Output, string Error) RunOnce(
        string program, string[] arguments)
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

    /// <summary>Runs a program and gathers what it says on standard error until disposed.</summary>
    public Listener Listen(string program, params string[] arguments) =>
        new(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true,
            Environment = { ["OVS_RUNDIR"] = Folder, ["OVS_LOGDIR"] = Folder },
        });

    private void Start(string program, params string[] arguments) =>
        _daemons.Add(Process.Start(new ProcessStartInfo(program, arguments)
        {
            Environment = { ["OVS_RUNDIR"] = Folder, ["OVS_LOGDIR"] = Folder },
        })!);

    private static async Task ThereAsync(string path)
    {
        var limit = Stopwatch.StartNew();
        while (!ListeningSocket.IsAt(path) && limit.Elapsed < s_patience) await Task.Yield();
        Assert.True(ListeningSocket.IsAt(path), path);
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

/// <summary>A program that talks.</summary>
internal sealed class Listener : IDisposable
{
    private readonly SharedWriter _heard = new();
    private readonly Process _process;

    public Listener(ProcessStartInfo start)
    {
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => _heard.WriteLine(line.Data);
        _process.BeginErrorReadLine();
    }

    public string Text => _heard.ToString();

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}

/// <summary>What one thread writes and another looks at.</summary>
internal sealed class SharedWriter : TextWriter
{
    private readonly StringBuilder _text = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        lock (_text) _text.Append(value);
    }

    public override void WriteLine(string? value)
    {
        lock (_text) _text.Append(value).Append('\n');
    }

    public override string ToString()
    {
        lock (_text) return _text.ToString();
    }
}
