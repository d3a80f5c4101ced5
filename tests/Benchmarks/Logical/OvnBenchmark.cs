using System.Diagnostics;
using System.Globalization;
using Fabric.HostNode.Demo;

namespace Fabric.Benchmarks;

/// <summary>
/// The same ovn-nbctl commands at a fabric host and at Debian's OVN, from command to flows.
/// </summary>
/// <remarks>
/// One hypervisor each. Times are those of `ovn-nbctl --wait=hv`, its own start (about 10 ms)
/// included, so that both sides count the same. Theirs are ovn-northd, ovn-controller,
/// ovs-vswitchd (userspace datapath) and three ovsdb-servers.
/// </remarks>
public sealed class OvnBenchmark : IBenchmark
{
    private const int PodCount = 1_000;
    private const int VipCount = 500;

    public string Name => "ovn";
    public string Summary => "logical networks: ovn-nbctl to flows, beside Debian's OVN";

    public void Run(BenchmarkReport report)
    {
        if (!File.Exists("/usr/bin/ovn-northd") || !File.Exists("/usr/bin/ovn-controller"))
            throw new BenchmarkSkippedException("Debian's ovn-central and ovn-host are missing");
        using var lab = new Lab();
        using var ours = new FabricWorld(lab);
        using var theirs = new OvnWorld(lab);
        OvnTarget[] both = [ours, theirs];
        foreach (var world in both) world.Begin();
        Changes(report, ours, theirs, 10, 20);
        Changes(report, ours, theirs, report.IsQuick ? 1_000 : 10_000, 30);
        Pods(report, ours, theirs);
        var switches = report.IsQuick ? 1_000 : 5_000;
        ours.AddSwitches(switches);
        var name = $"ls-add, {switches} switches";
        if (!theirs.IsInStep)
        {
            report.Add(new Figure(
                name, "ms", BenchmarkReport.Median([.. Enumerable.Range(0, report.Runs)
                    .Select(_ => ours.Timed("ls-add", ours.Fresh()))]),
                Kind: GoalKind.AtMost, Goal: 1000));
            return;
        }

        theirs.AddSwitches(switches);
        var add = report.Alternate(
            () => ours.Timed("ls-add", ours.Fresh()), () => theirs.Timed("ls-add", theirs.Fresh()));
        report.Add(new Figure(
            name, "ms", add.Ours, add.Theirs, "OVN 23.03", GoalKind.AtMost, 1000));
    }

    private static void Changes(
        BenchmarkReport report, FabricWorld ours, OvnWorld theirs, int ports, double goal)
    {
        foreach (var world in (OvnTarget[])[ours, theirs]) world.AddPorts(ports);
        var set = report.Alternate(
            () => ours.Timed(ours.NewSet()), () => theirs.Timed(theirs.NewSet()));
        report.Add(new Figure(
            $"address set changed, {ports} ports", "ms", set.Ours, set.Theirs, "OVN 23.03",
            GoalKind.AtMost, goal));
        var port = report.Alternate(
            () => ours.Timed(ours.NewPort()), () => theirs.Timed(theirs.NewPort()));
        report.Add(new Figure(
            $"port added, {ports} ports", "ms", port.Ours, port.Theirs, "OVN 23.03",
            GoalKind.AtMost, 30));
        var acl = report.Alternate(
            () => ours.Timed(ours.NewAcl()), () => theirs.Timed(theirs.NewAcl()));
        report.Add(new Figure(
            $"ACL added, {ports} ports", "ms", acl.Ours, acl.Theirs, "OVN 23.03",
            GoalKind.AtMost, 30));
    }

    private static void Pods(BenchmarkReport report, FabricWorld ours, OvnWorld theirs)
    {
        foreach (var world in (OvnTarget[])[ours, theirs]) world.AddPods(PodCount, VipCount);
        var vip = report.Alternate(
            () => ours.Timed(ours.NewVip()), () => theirs.Timed(theirs.NewVip()));
        report.Add(new Figure(
            $"service added, {PodCount} pods and {VipCount} VIPs", "ms", vip.Ours, vip.Theirs,
            "OVN 23.03"));
        var cold = (Ours: ours.Restarted(), Theirs: theirs.Restarted());
        if (cold.Theirs is null)
            report.Note("OVN 23.03 was not in step again within four minutes");
        report.Add(new Figure(
            "restart until in step", "ms", cold.Ours!.Value, cold.Theirs, "OVN 23.03",
            GoalKind.AtMost, 10_000));
        report.Add(new Figure(
            "memory of all daemons", "MB", ours.Megabytes(), theirs.Megabytes(), "OVN 23.03",
            GoalKind.AtMost, 300));
    }

    /// <summary>Something that ovn-nbctl can be used at.</summary>
    private abstract class OvnTarget(Lab lab, string name) : IDisposable
    {
        private int _next;

        protected Lab Lab { get; } = lab;
        protected string Space { get; } = lab.Namespace(name);
        protected string Folder { get; } =
            Directory.CreateDirectory(Path.Combine(lab.Folder, name)).FullName;

        protected List<Process> Daemons { get; } = [];

        protected Dictionary<string, string> Environment => new()
        {
            ["OVS_RUNDIR"] = Folder, ["OVS_LOGDIR"] = Folder, ["OVS_DBDIR"] = Folder,
            ["OVN_RUNDIR"] = Folder, ["OVN_LOGDIR"] = Folder, ["OVN_DBDIR"] = Folder,
            ["OVS_SYSCONFDIR"] = Folder, ["FABRIC_RUNDIR"] = Folder,
            ["FABRIC_STATEDIR"] = Path.Combine(Folder, "state"),
        };

        protected string Nb => $"unix:{Folder}/ovnnb_db.sock";

        /// <summary>Starts it, with one switch, a group, a set, and 50 bound ports.</summary>
        public void Begin()
        {
            Start();
            Lab.WaitUntil(
                () => Shell.RunAsync(
                    "ovn-nbctl", [$"--db={Nb}", "--timeout=2", "--wait=hv", "sync"]).Result
                    .Succeeded,
                TimeSpan.FromSeconds(90), $"{GetType().Name} is there");
            Nbctl("ls-add", "s", "--", "create", "Address_Set", "name=set",
                "addresses=10.9.0.1");
            Nbctl("pg-add", "g", "--", "acl-add", "g", "to-lport", "1000",
                "outport == @g && ip4.src == $set", "allow-related");
            AddPorts(10);
            var words = new List<string>();
            for (var i = 0; i < 10; i++)
            {
                words.AddRange(["--", "add-port", "br-int", $"i{i}", "--", "set", "Interface",
                    $"i{i}", "type=internal", $"external_ids:iface-id=p{i}"]);
            }

            Vsctl([.. words.Skip(1)]);
            Nbctl("--wait=hv", "sync");
        }

        protected abstract void Start();

        /// <summary>
        /// Milliseconds of a restart of what makes the flows; null: it did not end.
        /// </summary>
        public abstract double? Restarted();

        public double Megabytes()
        {
            long total = 0;
            foreach (var daemon in Daemons)
            {
                daemon.Refresh();
                total += daemon.WorkingSet64;
            }

            return total / 1e6;
        }

        protected string Vsctl(params string[] words) => Lab.Run(
            "ovs-vsctl", [$"--db=unix:{Folder}/db.sock", "--timeout=60", .. words]);

        public string Nbctl(params string[] words) =>
            Lab.Run("ovn-nbctl", [$"--db={Nb}", "--timeout=240", .. words]);

        /// <summary>Milliseconds until hypervisors have done it.</summary>
        public double Timed(params string[] words)
        {
            var watch = Stopwatch.StartNew();
            Nbctl(["--wait=hv", .. words]);
            return watch.Elapsed.TotalMilliseconds;
        }

        public string Fresh() =>
            string.Create(CultureInfo.InvariantCulture, $"new{_next++}");

        private int _ports;

        /// <summary>Up to so many ports of the switch; 200 a transaction.</summary>
        public void AddPorts(int count)
        {
            while (_ports < count)
            {
                var words = new List<string>();
                for (var i = 0; i < 200 && _ports < count; i++, _ports++)
                    words.AddRange(["--", .. Port($"p{_ports}", _ports)]);
                Nbctl([.. words.Skip(1)]);
            }

            Nbctl("--wait=hv", "sync");
        }

        private static string[] Port(string name, int number) =>
        [
            $"--id=@{name}", "create", "Logical_Switch_Port", $"name={name}",
            $"addresses=\"02:00:00:{number >> 16 & 255:x2}:{number >> 8 & 255:x2}:"
                + $"{number & 255:x2} 10.{number >> 16 & 255}.{number >> 8 & 255}."
                + $"{number & 255}\"",
            "--", "add", "Logical_Switch", "s", "ports", $"@{name}",
            "--", "add", "Port_Group", "g", "ports", $"@{name}",
        ];

        /// <summary>
        /// A port alone: to change the group's whole set takes ovn-nbctl longer than all others.
        /// </summary>
        public string[] NewPort()
        {
            var (name, number) = (Fresh(), _next);
            return
            [
                "lsp-add", "s", name, "--", "lsp-set-addresses", name,
                $"02:00:01:00:{number >> 8 & 255:x2}:{number & 255:x2} "
                    + $"10.77.{number >> 8 & 255}.{number & 255}",
            ];
        }

        public string[] NewSet() =>
        [
            "set", "Address_Set", "set",
            "addresses=" + string.Join(',', Enumerable.Range(1, 50)
                .Select(i => $"10.9.{_next % 200}.{i}").Append($"10.8.0.{_next++ % 250}")),
        ];

        public string[] NewAcl() =>
        [
            "acl-add", "s", "to-lport", $"{2000 + _next++}",
            "outport == \"p3\" && ip4 && tcp.dst == 22", "allow-related",
        ];

        public void AddPods(int pods, int vips)
        {
            AddPorts(pods);
            for (var i = 0; i < vips; i += 50)
            {
                var words = new List<string>();
                for (var j = i; j < i + 50; j++) words.AddRange(["--", .. Vip(j)]);
                Nbctl([.. words.Skip(1)]);
            }

            Nbctl("--wait=hv", "sync");
        }

        private static string[] Vip(int number) =>
        [
            "lb-add", $"lb{number}", $"172.16.{number >> 8}.{number & 255}:80",
            $"10.0.{number >> 8}.{number & 255}:8080,10.0.1.{number & 255}:8080",
            "--", "ls-lb-add", "s", $"lb{number}",
        ];

        public string[] NewVip() => Vip(5_000 + _next++);

        public void AddSwitches(int count)
        {
            for (var i = 0; i < count; i += 500)
            {
                var words = new List<string>();
                for (var j = i; j < i + 500; j++)
                    words.AddRange(["--", "create", "Logical_Switch", $"name=many{j}"]);
                Nbctl([.. words.Skip(1)]);
            }

            Nbctl("--wait=hv", "sync");
        }

        public void Dispose()
        {
            foreach (var daemon in Daemons.Where(daemon => !daemon.HasExited).ToList())
                Lab.Ended(daemon);
        }
    }

    private sealed class FabricWorld(Lab lab) : OvnTarget(lab, "ours")
    {
        protected override void Start()
        {
            File.WriteAllText(
                $"{Folder}/fabric.conf",
                """
                fabric {
                  host.id = "hv1"
                  datapath.system = "userspace"
                  chassis.encap-ip = "127.0.0.1"
                }
                """);
            Daemons.Clear();
            Daemons.Add(Lab.Start(
                Space, Environment,
                [.. InstalledHost.Words, "host", "--config", $"{Folder}/fabric.conf"]));
        }

        public override double? Restarted()
        {
            Lab.Ended(Daemons[0]);
            var watch = Stopwatch.StartNew();
            Start();
            Lab.WaitUntil(
                () => Shell.RunAsync(
                    "ovn-nbctl", [$"--db={Nb}", "--timeout=2", "--wait=hv", "sync"]).Result
                    .Succeeded,
                TimeSpan.FromSeconds(60), "in step again");
            return watch.Elapsed.TotalMilliseconds;
        }
    }

    private sealed class OvnWorld(Lab lab) : OvnTarget(lab, "theirs")
    {
        private Process? _controller;

        protected override void Start()
        {
            foreach (var (file, schema) in ((string, string)[])
                [
                    ("ovnnb_db", "/usr/share/ovn/ovn-nb.ovsschema"),
                    ("ovnsb_db", "/usr/share/ovn/ovn-sb.ovsschema"),
                    ("db", "/usr/share/openvswitch/vswitch.ovsschema"),
                ])
            {
                Lab.Run("ovsdb-tool", "create", $"{Folder}/{file}.db", schema);
                Daemon(
                    "/usr/sbin/ovsdb-server", $"{Folder}/{file}.db",
                    $"--remote=punix:{Folder}/{file}.sock", $"--unixctl={Folder}/{file}.ctl");
                Lab.WaitUntil(
                    () => ListeningSocket.IsAt($"{Folder}/{file}.sock"), TimeSpan.FromSeconds(10),
                    file);
            }

            Daemon("/usr/bin/ovn-northd", $"--ovnnb-db={Nb}",
                $"--ovnsb-db=unix:{Folder}/ovnsb_db.sock", $"--unixctl={Folder}/northd.ctl");
            Vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".",
                "external_ids:system-id=hv1", "external_ids:ovn-encap-type=geneve",
                "external_ids:ovn-encap-ip=127.0.0.1",
                $"external_ids:ovn-remote=\"unix:{Folder}/ovnsb_db.sock\"",
                "external_ids:ovn-bridge-datapath-type=netdev");
            Daemon("/usr/sbin/ovs-vswitchd", $"unix:{Folder}/db.sock",
                $"--unixctl={Folder}/vswitchd.ctl");
            StartController();
        }

        private void StartController() => _controller = Daemon(
            "/usr/bin/ovn-controller", $"unix:{Folder}/db.sock");

        private Process Daemon(params string[] command)
        {
            var process = Lab.Start(
                Space, Environment, [.. command, "--no-chdir", "-vconsole:off"]);
            Daemons.Add(process);
            return process;
        }

        public override double? Restarted()
        {
            Daemons.Remove(_controller!);
            Lab.Ended(_controller!);
            var watch = Stopwatch.StartNew();
            StartController();
            try
            {
                Nbctl("--wait=hv", "sync");
            }
            catch (InvalidOperationException)
            {
                IsInStep = false;
                return null;
            }

            return watch.Elapsed.TotalMilliseconds;
        }

        public bool IsInStep { get; private set; } = true;
    }
}
