using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Fabric.Datapath.Tests.Conntrack;

/// <summary>Debian's Open vSwitch with its userspace tracker, in a folder of its own.</summary>
/// <remarks>
/// Ports are dummies, the clock stands still but for <see cref="Warp"/>, and what leaves is read
/// back from capture files.
/// </remarks>
internal sealed class RealTracker : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-ct-").FullName;
    private Socket? _control;
    private readonly Dictionary<string, FileStream> _captures = [];
    private readonly Process _process;
    private int _sent;

    public RealTracker(IEnumerable<string> inputs, IEnumerable<string> outputs, string flows)
    {
        Run("ovsdb-tool", "create", Path("conf.db"), "/usr/share/openvswitch/vswitch.ovsschema");
        Run("ovsdb-server", Path("conf.db"), $"--remote=punix:{Path("db.sock")}", "--detach",
            $"--pidfile={Path("ovsdb.pid")}", $"--unixctl={Path("ovsdb.ctl")}", "--no-chdir",
            $"--log-file={Path("ovsdb.log")}", "-vconsole:off");
        Vsctl("--no-wait", "init");
        Run("ovs-vswitchd", $"unix:{Path("db.sock")}", "--enable-dummy", "--disable-system",
            "--detach", $"--pidfile={Path("vswitchd.pid")}", $"--unixctl={Path("control")}",
            "--no-chdir", $"--log-file={Path("vswitchd.log")}", "-vconsole:off");
        _process = Process.GetProcessById(int.Parse(File.ReadAllText(Path("vswitchd.pid"))));
        List<string> setup = [
            "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy",
            "fail-mode=secure"];
        foreach (var name in inputs.Concat(outputs))
        {
            setup.AddRange(["--", "add-port", "br0", name, "--", "set", "interface", name,
                "type=dummy", $"ofport_request={name[1..]}"]);
        }

        foreach (var name in outputs)
        {
            setup.AddRange(["--", "set", "interface", name, $"options:tx_pcap={Path(name)}"]);
        }

        Vsctl([.. setup]);
        File.WriteAllText(Path("flows"), flows);
        Run("ovs-ofctl", "-O", "OpenFlow15", "add-flows", $"unix:{Path("br0.mgmt")}",
            Path("flows"));
        Command("time/stop");
    }

    /// <summary>Hands in one frame; returns what left through two ports for it.</summary>
    /// <remarks>The command alone only queues: two of them could be handled in any order.</remarks>
    public (byte[] First, byte[] Second) Receive(
        string port, byte[] frame, string first, string second)
    {
        Command("netdev-dummy/receive", port, Convert.ToHexString(frame));
        return (NextSent(first), NextSent(second));
    }

    /// <summary>The next frame that left through 'port'.</summary>
    private byte[] NextSent(string port)
    {
        if (!_captures.TryGetValue(port, out var file))
        {
            file = new FileStream(Path(port), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite, bufferSize: 0);
            file.Position = 24;
            _captures.Add(port, file);
        }

        var deadline = Stopwatch.StartNew();
        var header = new byte[16];
        while (true)
        {
            var start = file.Position;
            if (file.ReadAtLeast(header, 16, throwOnEndOfStream: false) == 16)
            {
                var frame = new byte[BitConverter.ToInt32(header, 8)];
                if (file.ReadAtLeast(frame, frame.Length, false) == frame.Length) return frame;
            }

            file.Position = start;
            if (deadline.Elapsed > TimeSpan.FromSeconds(10))
            {
                throw new IOException($"nothing left through {port}");
            }

            if (_process.HasExited) throw new RealTrackerDiedException();

            Thread.Yield();
        }
    }

    public void Warp(int milliseconds) => Command("time/warp", $"{milliseconds}");

    public string[] Dump(params string[] options) =>
        Command("dpctl/dump-conntrack", options)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public string Command(string name, params string[] arguments)
    {
        _control ??= Connect();
        var request = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["method"] = name,
            ["params"] = arguments,
            ["id"] = ++_sent,
        });
        try
        {
            _control.Send(request);
            return Answer(_control, name);
        }
        catch (SocketException)
        {
            throw new RealTrackerDiedException();
        }
    }

    private static string Answer(Socket control, string name)
    {
        var answer = new List<byte>();
        var buffer = new byte[65536];
        while (true)
        {
            var count = control.Receive(buffer);
            if (count == 0) throw new SocketException();
            answer.AddRange(buffer.AsSpan(0, count));
            if (!TryParse([.. answer], out var document)) continue;
            using (document)
            {
                var error = document!.RootElement.GetProperty("error");
                if (error.ValueKind != JsonValueKind.Null) throw new IOException(error.ToString());
                return document.RootElement.GetProperty("result").GetString() ?? "";
            }
        }
    }

    private static bool TryParse(byte[] bytes, out JsonDocument? document)
    {
        document = null;
        if (bytes[^1] != (byte)'}') return false;
        var reader = new Utf8JsonReader(bytes);
        try
        {
            return JsonDocument.TryParseValue(ref reader, out document);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path("control")));
        return socket;
    }

    private string Path(string name) => System.IO.Path.Combine(_folder, name);

    private void Vsctl(params string[] arguments) =>
        Run("ovs-vsctl", [$"--db=unix:{Path("db.sock")}", "--timeout=20", .. arguments]);

    private void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        foreach (var name in (string[])["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"])
        {
            start.Environment[name] = _folder;
        }

        using var process = Process.Start(start)!;
        // A daemon keeps standard error: only the parent's end is waited for.
        process.WaitForExit(20_000);
        if (!process.HasExited || process.ExitCode != 0)
        {
            throw new IOException(
                $"{program} {string.Join(' ', arguments)}: {process.StandardError.ReadToEnd()}");
        }
    }

    public void Dispose()
    {
        _control?.Dispose();
        foreach (var capture in _captures.Values) capture.Dispose();
        foreach (var name in (string[])["vswitchd.pid", "ovsdb.pid"])
        {
            if (!File.Exists(Path(name))) continue;
            if (!int.TryParse(File.ReadAllText(Path(name)), out var id)) continue;
            try
            {
                Process.GetProcessById(id).Kill();
            }
            catch (ArgumentException)
            {
                // It is gone already.
            }
        }

        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>
/// A test that compares with Debian's Open vSwitch and says when that is missing.
/// </summary>
internal sealed class NeedsOpenVswitchAttribute : FactAttribute
{
    public NeedsOpenVswitchAttribute()
    {
        if (!File.Exists("/usr/sbin/ovs-vswitchd")) Skip = "needs the package openvswitch-switch";
    }
}

/// <summary>ovs-vswitchd closed its control socket.</summary>
internal sealed class RealTrackerDiedException() : Exception("ovs-vswitchd ended");
