using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Fabric.Tests.Pipeline;

/// <summary>
/// A real ovs-vswitchd with dummy devices and a real ovsdb-server, in a folder of their own.
/// </summary>
internal sealed class VswitchdOracle : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<Process> _daemons = [];

    /// <summary>The folder's path is short: it holds Unix sockets.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("fx-openflow-").FullName;

    public VswitchdOracle()
    {
        Run("/usr/bin/ovsdb-tool", "create", In("conf.db"),
            "/usr/share/openvswitch/vswitch.ovsschema");
        Start("/usr/sbin/ovsdb-server", In("conf.db"), "--remote=punix:" + In("db.sock"),
            "--unixctl=" + In("db.ctl"), "-vconsole:off", "--no-chdir");
        Await(In("db.sock"));
        Vsctl("--no-wait init");
        StartSwitch();
    }

    /// <summary>After ovs-vswitchd ended by itself: the bridges come back, without flows.</summary>
    public void RestartSwitch()
    {
        _daemons[^1].WaitForExit(Patience);
        _daemons.RemoveAt(_daemons.Count - 1);
        File.Delete(In("vs.ctl"));
        StartSwitch();
        Vsctl("--timeout=20 wait-until Open_vSwitch . cur_cfg>=0");
    }

    private void StartSwitch()
    {
        Start("/usr/sbin/ovs-vswitchd", "unix:" + In("db.sock"), "--enable-dummy",
            "--disable-system", "--unixctl=" + In("vs.ctl"), "-vconsole:off", "--no-chdir",
            "--pidfile=" + In("vs.pid"));
        Await(In("vs.ctl"));
    }

    public string In(string name) => Path.Combine(Folder, name);

    public void Vsctl(string words) =>
        Run("/usr/bin/ovs-vsctl", ["--db=unix:" + In("db.sock"), .. words.Split(' ')]);

    /// <summary>ovs-ofctl with the words given; throws what it complains about.</summary>
    public static string Ofctl(params string[] words) => Run("/usr/bin/ovs-ofctl", words);

    /// <summary>Runs ovs-ofctl; false and what it wrote when it fails.</summary>
    public static bool TryOfctl(out string output, params string[] words)
    {
        (var exitCode, output) = Try("/usr/bin/ovs-ofctl", words);
        return exitCode == 0;
    }

    /// <summary>A command of ovs-appctl; an error comes back as "ERROR: ...".</summary>
    /// <exception cref="IOException">The daemon is gone.</exception>
    public string Appctl(string method, params string[] words)
    {
        try
        {
            return Ask(method, words);
        }
        catch (SocketException error)
        {
            throw new IOException($"ovs-vswitchd does not answer: {error.Message}");
        }
    }

    private string Ask(string method, string[] words)
    {
        using var socket = new Socket(
            AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(In("vs.ctl")));
        socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        socket.Send(JsonSerializer.SerializeToUtf8Bytes(
            new { method, @params = words, id = 0 }));
        var text = new MemoryStream();
        var buffer = new byte[65536];
        while (true)
        {
            var count = socket.Receive(buffer);
            if (count == 0) throw new IOException("ovs-vswitchd closed its control socket");
            text.Write(buffer, 0, count);
            if (buffer[count - 1] != '}' || !TryParse(text.ToArray(), out var reply)) continue;
            using (reply)
            {
                return reply.RootElement.TryGetProperty("result", out var result)
                    && result.ValueKind == JsonValueKind.String
                    ? result.GetString()!
                    : "ERROR: " + reply.RootElement.GetProperty("error").GetString();
            }
        }
    }

    public void Dispose()
    {
        foreach (var daemon in Enumerable.Reverse(_daemons))
        {
            daemon.Kill();
            daemon.WaitForExit();
            daemon.Dispose();
        }

        Directory.Delete(Folder, recursive: true);
    }

    private static bool TryParse(byte[] bytes, out JsonDocument document)
    {
        try
        {
            document = JsonDocument.Parse(bytes);
            return true;
        }
        catch (JsonException)
        {
            document = null!;
            return false;
        }
    }

    private void Start(string program, params string[] arguments)
    {
        Assert.True(File.Exists(program),
            $"{program} is not installed: apt-get install openvswitch-switch");
        _daemons.Add(Process.Start(StartOf(program, arguments))!);
    }

    private ProcessStartInfo StartOf(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments);
        foreach (var variable in new[] { "OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR" })
        {
            start.Environment[variable] = Folder;
        }

        return start;
    }

    private static void Await(string path)
    {
        var clock = Stopwatch.StartNew();
        while (!Accepts(path))
        {
            Assert.True(clock.Elapsed < Patience, $"{path} did not appear");
            Thread.Yield();
        }
    }

    /// <summary>Somebody listens there: the file alone comes a little earlier.</summary>
    private static bool Accepts(string path)
    {
        using var socket = new Socket(
            AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        var (exitCode, output) = Try(program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)}: {output}");
        return output;
    }

    private static (int ExitCode, string Output) Try(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        process.BeginErrorReadLine();
        var output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(Patience)) process.Kill();
        process.WaitForExit();
        return (process.ExitCode, output + errors);
    }
}
