using System.Diagnostics;
using System.Globalization;
using Fabric.Datapath;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Demo;

/// <summary>One `fabric host` process of the demo with its folders, sockets and log.</summary>
internal sealed class DemoHost : IAsyncDisposable
{
    private readonly DemoTopology _topology;
    private readonly string _folder;
    private Process? _process;
    private StreamWriter? _log;

    public DemoHost(DemoTopology topology, int number)
    {
        _topology = topology;
        Number = number;
        _folder = Path.Combine(topology.Folder, Id);
        Environment = new Dictionary<string, string>
        {
            ["OVS_RUNDIR"] = RunFolder,
            ["OVN_RUNDIR"] = RunFolder,
            ["OVS_LOGDIR"] = _folder,
            ["OVS_DBDIR"] = _folder,
            ["OVS_SYSCONFDIR"] = _folder,
            ["FABRIC_RUNDIR"] = RunFolder,
            ["FABRIC_STATEDIR"] = Path.Combine(_folder, "state"),
            // The .NET runtime's own sockets outlive a process that is killed.
            ["TMPDIR"] = _folder,
        };
    }

    public int Number { get; }
    public string Id => $"host{Number.ToString(CultureInfo.InvariantCulture)}";
    public string RunFolder => Path.Combine(_folder, "run");
    public string LogFile => Path.Combine(_folder, "host.log");
    public NetworkNamespace Namespace => _topology.Hosts[Number - 1];
    public IReadOnlyDictionary<string, string> Environment { get; }
    /// <summary>0 when it does not run.</summary>
    public int ProcessId => _process?.Id ?? 0;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Writes the configuration; the first host forms the cluster.</summary>
    public void Configure(int hosts, string? datapath, string pkiFolder)
    {
        Directory.CreateDirectory(RunFolder);
        var seeds = Enumerable.Range(1, hosts)
            .Select(host => $"\"{DemoTopology.HostAddress(host)}:2552\"");
        File.WriteAllText(Path.Combine(_folder, "fabric.conf"),
            $$"""
            fabric {
              host.id = "{{Id}}"
              datapath.system = "{{datapath ?? ""}}"
              datapath.keep = off
              chassis {
                encap-ip = "{{DemoTopology.HostAddress(Number)}}"
                encap-type = geneve
              }
              cluster {
                form = {{(Number == 1 ? "on" : "off")}}
                address = "{{DemoTopology.HostAddress(Number)}}"
                port = 2552
                seeds = [{{string.Join(", ", seeds)}}]
                tls {
                  ca = "{{pkiFolder}}/ca.pem"
                  certificate = "{{pkiFolder}}/{{Id}}.pem"
                  key = "{{pkiFolder}}/{{Id}}.key"
                }
              }
            }

            """);
    }

    public void Start()
    {
        var info = Shell.Info("nsenter",
            [.. Namespace.Prefix[1..], .. Executable.Words, "host", "--config",
                Path.Combine(_folder, "fabric.conf")],
            Environment);
        _log ??= new StreamWriter(new FileStream(
            LogFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            AutoFlush = true,
        };
        var log = _log;
        _process = new Process { StartInfo = info };
        _process.OutputDataReceived += (_, line) => Append(log, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(log, line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>SIGKILL, at once and without a farewell.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Runs a tool against this host's sockets.</summary>
    public Task<ShellResult> ToolAsync(
        string program, IEnumerable<string> arguments, TimeSpan? timeout = null) =>
        Shell.RunAsync(program, arguments, Environment, timeout);

    /// <summary>Runs one of our own verbs at this host.</summary>
    public Task<ShellResult> FabricAsync(params IEnumerable<string> arguments)
    {
        var command = Executable.Words;
        return Shell.RunAsync(command[0], [.. command[1..], .. arguments], Environment);
    }

    public string LastLogLines(int count) => File.Exists(LogFile)
        ? string.Join('\n', File.ReadLines(LogFile).TakeLast(count))
        : "";

    private static void Append(StreamWriter log, string? line)
    {
        if (line is null) return;
        lock (log) log.WriteLine(line);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            // SIGTERM first: a host node that is told to go takes its devices along.
            await Shell.RunAsync("kill", ["-TERM", $"{process.Id}"]);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        await KillAsync();
        // One that had to be killed left its flows in the kernel, as it should elsewhere.
        if (EbpfPins.All().Any(folder => Path.GetFileName(folder).StartsWith(
            $"{Id}@", StringComparison.Ordinal)))
        {
            await Shell.RunAsync("nsenter",
                [.. Namespace.Prefix[1..], .. Executable.Words, "datapath", "uninstall", Id],
                Environment);
        }

        if (_log is not null) await _log.DisposeAsync();
    }
}
