using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Fabric.Benchmarks.Ovsdb;

/// <summary>The drop-in daemons beside Debian's, with the same clients.</summary>
public sealed class OvsdbBenchmark : IBenchmark
{
    private const string Schema = "/usr/share/openvswitch/vswitch.ovsschema";
    private const string ServerSetting = "DOTNET_TieredCompilation";
    private const int Monitors = 100;
    private const int Ports = 1000;
    private const int Rows = 10_000;

    private const string Increment = """
        ["Open_vSwitch",{"op":"mutate","table":"Open_vSwitch","where":[],
        "mutations":[["next_cfg","+=",1]]}]
        """;

    private const string Monitor = """
        ["Open_vSwitch","m",{"Open_vSwitch":[{"columns":["next_cfg","cur_cfg","external_ids"]}]}]
        """;

    public string Name => "ovsdb";

    public string Summary => "transactions, monitors, memory; ports until ovs-vsctl returns";

    public void Run(BenchmarkReport report)
    {
        if (!File.Exists("/usr/sbin/ovsdb-server"))
        {
            throw new BenchmarkSkippedException("Debian's openvswitch-switch is not installed");
        }

        using var lab = new Lab();
        var ours = StartServer(lab, "ours", [.. InstalledHost.Words, "ovsdb-server"]);
        var theirs = StartServer(lab, "theirs", ["/usr/sbin/ovsdb-server"]);
        var count = report.IsQuick ? 3_000 : 10_000;
        Transact(ours, count); // Code that is compiled on its way is no figure.
        var (a, b) = report.Alternate(() => Transact(ours, count), () => Transact(theirs, count));
        report.Add(new Figure($"{count:N0} single-row transactions, one client", "s", a, b,
            "ovsdb-server", GoalKind.RatioAtMost, 1.0));

        using (var listeners = new Listeners(ours, theirs))
        {
            count /= 5;
            Transact(ours, count);
            (a, b) = report.Alternate(() => Transact(ours, count), () => Transact(theirs, count));
            report.Add(new Figure($"{count:N0} transactions, {Monitors} monitors", "s", a, b,
                "ovsdb-server", GoalKind.RatioAtMost, 1.0));
        }

        using (var client = new OvsdbClient(ours.Socket))
        {
            for (var i = 0; i < Rows; i += 100)
            {
                client.Call("transact", "[\"Open_vSwitch\""
                    + string.Concat(Enumerable.Range(i, 100).Select(Row)) + "]");
            }
        }

        report.Add(new Figure($"memory with {Rows:N0} rows", "MB", Megabytes(ours.Process),
            Kind: GoalKind.AtMost, Goal: 150));
        MeasurePorts(report, lab);
    }

    private sealed record Server(Process Process, string Folder)
    {
        public string Socket => $"{Folder}/db.sock";
    }

    /// <summary>Clients of both servers that read whatever comes.</summary>
    private sealed class Listeners : IDisposable
    {
        private readonly OvsdbClient[] _clients;
        private readonly Thread _thread;
        private volatile bool _isOver;

        public Listeners(params Server[] servers)
        {
            _clients = [.. servers.SelectMany(server => Enumerable.Range(0, Monitors)
                .Select(_ => new OvsdbClient(server.Socket)))];
            foreach (var client in _clients) client.Call("monitor_cond", Monitor);
            _thread = new Thread(Read) { IsBackground = true };
            _thread.Start();
        }

        private void Read()
        {
            var buffer = new byte[1 << 16];
            while (!_isOver)
            {
                var ready = _clients.Select(client => client.Socket).ToList();
                Socket.Select(ready, null, null, 10_000);
                foreach (var socket in ready) socket.Receive(buffer);
            }
        }

        public void Dispose()
        {
            _isOver = true;
            _thread.Join();
            foreach (var client in _clients) client.Dispose();
        }
    }

    private static string Row(int number) => """
        ,{"op":"insert","table":"Queue","row":{"external_ids":["map",[["name","rowNUMBER"]]]}}
        """.Replace("NUMBER", number.ToString(CultureInfo.InvariantCulture));

    private static double Transact(Server server, int count)
    {
        using var client = new OvsdbClient(server.Socket);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < count; i++) client.Call("transact", Increment);
        return watch.Elapsed.TotalSeconds;
    }

    private static Dictionary<string, string> Environment(string folder) => new()
    {
        ["OVS_RUNDIR"] = folder, ["OVS_LOGDIR"] = folder, ["OVS_DBDIR"] = folder,
        [ServerSetting] = "0", // As the launchers of `fabric shims` start it.
    };

    private static Server StartServer(Lab lab, string name, string[] program)
    {
        var folder = Directory.CreateDirectory(Path.Combine(lab.Folder, name)).FullName;
        Lab.Run("ovsdb-tool", "create", $"{folder}/conf.db", Schema);
        var process = lab.Start("", Environment(folder),
            [.. program, $"{folder}/conf.db", $"--remote=punix:{folder}/db.sock", "-vconsole:off",
                "--pidfile"]);
        Lab.WaitUntil(
            () => ListeningSocket.IsAt($"{folder}/db.sock"), TimeSpan.FromSeconds(30),
            $"{name}: db.sock");
        using var client = new OvsdbClient($"{folder}/db.sock");
        client.Call(
            "transact", """["Open_vSwitch",{"op":"insert","table":"Open_vSwitch","row":{}}]""");
        return new Server(process, folder);
    }

    /// <summary>All ports in one transaction, until ovs-vsctl returns with their numbers.</summary>
    private static void MeasurePorts(BenchmarkReport report, Lab lab)
    {
        var ours = StartSwitch(lab, "switch-ours", [.. InstalledHost.Words, "vswitchd"]);
        var theirs = StartSwitch(lab, "switch-theirs", ["/usr/sbin/ovs-vswitchd"]);
        AddPorts(ours);
        var (a, b) = report.Alternate(() => AddPorts(ours), () => AddPorts(theirs));
        report.Add(new Figure($"{Ports:N0} dummy ports in one transaction", "s", a, b,
            "ovs-vswitchd", GoalKind.AtMost, 1.0));
        report.Add(new Figure("the same, beside ovs-vswitchd", "s", a, b, "ovs-vswitchd",
            GoalKind.RatioAtMost, 1.67));
    }

    private static string StartSwitch(Lab lab, string name, string[] program)
    {
        var server = StartServer(lab, name, ["/usr/sbin/ovsdb-server"]);
        var environment = Environment(server.Folder);
        environment.Remove(ServerSetting);
        lab.Start("", environment,
            [.. program, $"unix:{server.Socket}", "-vconsole:off", "--pidfile", "--enable-dummy",
                "--disable-system"]);
        Vsctl(server.Socket, "add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy");
        return server.Socket;
    }

    private static double AddPorts(string socket)
    {
        var words = Enumerable.Range(0, Ports).SelectMany(
            port => (string[])["--", "add-port", "br0", $"q{port}", "--", "set", "Interface",
                $"q{port}", "type=dummy"]).Skip(1).ToArray();
        var watch = Stopwatch.StartNew();
        Vsctl(socket, words);
        var seconds = watch.Elapsed.TotalSeconds;
        var numbers = Vsctl(socket, "--bare", "--columns=ofport", "find", "Interface", "type=dummy")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Count(line => int.TryParse(line, CultureInfo.InvariantCulture, out var n) && n > 0);
        if (numbers != Ports) throw new InvalidOperationException($"{numbers} ports have a number");
        Vsctl(socket, [.. Enumerable.Range(0, Ports).SelectMany(
            port => (string[])["--", "del-port", "br0", $"q{port}"]).Skip(1)]);
        return seconds;
    }

    private static string Vsctl(string socket, params string[] words) =>
        Lab.Run("ovs-vsctl", [$"--db=unix:{socket}", "--timeout=60", .. words]);

    private static double Megabytes(Process process)
    {
        process.Refresh();
        return process.WorkingSet64 / 1e6;
    }
}
