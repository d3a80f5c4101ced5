using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Configuration;
using Fabric.Switching;

namespace Fabric.Tests.Configuration;

/// <summary>The stock tools of Debian's packages as clients, over a Unix socket.</summary>
public sealed class StockToolsTests : TestKit
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fabric-ovsdb-").FullName;
    private readonly IActorRef _configuration;

    public StockToolsTests()
    {
        var settings = new ConfigurationSettings(
        [
            OvsdbRemote.PassiveUnix($"{_directory}/db.sock"),
            OvsdbRemote.PassiveUnix($"{_directory}/ovnnb_db.sock"),
        ])
        {
            PersistenceId = null,
        };
        var bridges = Sys.ActorOf(Props.Create(() => new ObedientBridges()));
        _configuration = Sys.ActorOf(
            ConfigurationActor.Props(settings, bridges, TimeProvider.System, Guid.NewGuid));
        var northbound = Sys.ActorOf(MemoryDatabaseActor.Props(
            NorthboundSchema.Schema, TimeProvider.System, Guid.NewGuid, false));
        _configuration.Tell(new ServeDatabase(
            new ServedDatabase(NorthboundSchema.Schema, northbound)));
        AwaitCondition(
            () => ListeningSocket.IsAt($"{_directory}/db.sock")
                && ListeningSocket.IsAt($"{_directory}/ovnnb_db.sock"),
            TimeSpan.FromSeconds(10));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_directory, recursive: true);
    }

    [ToolFact("ovs-vsctl", "ovn-nbctl", "ovsdb-client")]
    public void Ovs_vsctl_adds_shows_and_removes_bridges_and_ports()
    {
        Vsctl("add-br br0 -- add-port br0 p1 tag=5");
        Vsctl("--may-exist add-br br0");
        Vsctl("set bridge br0 fail_mode=secure other_config:x=y");
        Vsctl("set-controller br0 tcp:127.0.0.1:6653");

        Assert.Equal("br0", Vsctl("list-br"));
        Assert.Equal("p1", Vsctl("list-ports br0"));
        Assert.Equal("secure", Vsctl("get bridge br0 fail_mode"));
        Assert.Equal("tcp:127.0.0.1:6653", Vsctl("get-controller br0"));
        Assert.Equal("5", Vsctl("--bare --columns=tag find port name=p1"));
        Assert.Contains("Interface p1", Vsctl("show"));
        Vsctl("-t 5 wait-until bridge br0 name=br0");

        Vsctl("del-port br0 p1");
        Vsctl("del-br br0");
        Assert.Equal("", Vsctl("list-br"));
        Assert.Equal("", Vsctl("--bare --columns=name list interface"));
    }

    [ToolFact("ovs-vsctl", "ovn-nbctl", "ovsdb-client")]
    public void Ovs_vsctl_returns_when_ports_are_set_up_and_tells_their_errors()
    {
        Vsctl("add-br br0");
        Assert.Equal("1", Vsctl("get interface br0 ofport"));

        var (code, _, error) = Run("ovs-vsctl", "--timeout=10 add-port br0 bad");

        Assert.Equal(0, code);
        Assert.Contains("Error detected while setting up 'bad': it is bad.", error);
        Assert.Equal("-1", Vsctl("get interface bad ofport"));
    }

    [ToolFact("ovs-vsctl", "ovn-nbctl", "ovsdb-client")]
    public void Ovs_vsctl_prints_constraint_violations()
    {
        Vsctl("add-br br0");

        var (code, _, error) = Run("ovs-vsctl", "--timeout=10 set port br0 tag=5000");

        Assert.Equal(1, code);
        Assert.Contains("5000 is not in the valid range 0 to 4095", error);
    }

    [ToolFact("ovs-vsctl", "ovn-nbctl", "ovsdb-client")]
    public void Ovn_nbctl_builds_switches_routers_and_ACLs()
    {
        Nbctl("init");
        Nbctl("ls-add ls0 -- lsp-add ls0 p0 -- lsp-set-addresses p0 unknown");
        Nbctl("acl-add ls0 to-lport 1000 ip4 allow-related");
        Nbctl("lr-add r0 -- lrp-add r0 rp0 00:00:00:00:01:00 10.0.0.254/24");
        Nbctl("pg-add pg0 p0");

        var show = Nbctl("show");
        Assert.Contains("(ls0)", show);
        Assert.Contains("port p0", show);
        Assert.Contains("networks: [\"10.0.0.254/24\"]", show);
        Assert.Contains("1000 (ip4) allow-related", Nbctl("acl-list ls0"));
        Nbctl("lsp-del p0");
        Assert.Equal("", Nbctl("--bare --columns=ports list port_group"));
        Nbctl("ls-del ls0");
        Assert.Equal("", Nbctl("--bare --columns=_uuid list acl"));

        var (code, _, error) = Run("ovn-nbctl", $"--db=unix:{_directory}/ovnnb_db.sock pg-add pg0");
        Assert.Equal(1, code);
        Assert.Contains("identical values (pg0) for index on column", error);
    }

    [ToolFact("ovs-vsctl", "ovn-nbctl", "ovsdb-client")]
    public void Ovsdb_client_dumps_transacts_and_reads_schemas()
    {
        Vsctl("add-br br0");
        var remote = $"unix:{_directory}/db.sock";

        Assert.Equal(
            "OVN_Northbound\nOpen_vSwitch\n_Server", Check("ovsdb-client", $"list-dbs {remote}"));
        Assert.Contains("br0", Check("ovsdb-client", $"dump {remote} Open_vSwitch Bridge name"));
        Assert.Equal("8.8.0", Check("ovsdb-client", $"get-schema-version {remote} Open_vSwitch"));
        Assert.Contains(
            "standalone", Check("ovsdb-client", $"dump {remote} _Server Database model"));
        const string select =
            """["Open_vSwitch",{"op":"select","table":"Bridge","where":[],"columns":["name"]}]""";
        Assert.Contains("br0", Check("ovsdb-client", $"query {remote} {select}"));
        Assert.Equal("", Check("ovsdb-client", $"wait {remote} Open_vSwitch connected"));
    }

    [ToolFact("ovs-vsctl", "ovn-nbctl", "ovsdb-client")]
    public void The_server_database_is_read_only()
    {
        const string delete = """["_Server",{"op":"delete","table":"Database","where":[]}]""";

        var output = Check("ovsdb-client", $"transact unix:{_directory}/db.sock {delete}");

        Assert.Contains(
            "delete operation not allowed on table in reserved database _Server", output);
    }

    [ToolFact("ovs-vsctl", "ovn-nbctl", "ovsdb-client")]
    public void A_killed_database_is_back_and_subscribers_hear_its_whole_state()
    {
        Vsctl("add-br br0");
        var probe = CreateTestProbe();
        _configuration.Tell(new SubscribeDatabase(probe.Ref));
        probe.ExpectMsg<DatabaseChanged>(changed => changed.Changes.Length > 0);

        Sys.ActorSelection(_configuration.Path / "database-0").Tell(Kill.Instance);

        var anew = probe.ExpectMsg<DatabaseChanged>(TimeSpan.FromSeconds(5));
        Assert.Equal(0, anew.Before.Table("Open_vSwitch").Count);
        AwaitAssert(() => Vsctl("add-br br1"), TimeSpan.FromSeconds(10));
    }

    private string Vsctl(string arguments) =>
        Check("ovs-vsctl", $"--timeout=10 {arguments}");

    private string Nbctl(string arguments) =>
        Check("ovn-nbctl", $"--timeout=10 --db=unix:{_directory}/ovnnb_db.sock {arguments}");

    private string Check(string tool, string arguments)
    {
        var (code, output, error) = Run(tool, arguments);
        Assert.True(code == 0, $"{tool} {arguments}: exit {code}: {error}");
        return output.TrimEnd('\n');
    }

    private (int Code, string Output, string Error) Run(string tool, string arguments)
    {
        var start = new ProcessStartInfo(tool, arguments.Split(' '))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OVS_RUNDIR"] = _directory;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(20)));
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }

    /// <summary>Reports every interface as set up, but those named "bad".</summary>
    private sealed class ObedientBridges : ReceiveActor
    {
        public ObedientBridges() => Receive<BridgesWanted>(wanted => Sender.Tell(
            new BridgesReconciled(wanted.Revision, wanted.Bridges.ToImmutableSortedDictionary(
                pair => pair.Key, pair => StatusOf(pair.Value)))));

        private static BridgeStatus StatusOf(BridgeSpec bridge)
        {
            var none = ImmutableSortedDictionary<string, string>.Empty;
            var number = 0;
            return new BridgeStatus(bridge.Name, 1, none,
            [
                .. bridge.Ports.Values.SelectMany(port => port.Interfaces.Values).Select(one =>
                    new InterfaceStatus(
                        one.Row, one.Name, one.Name == "bad" ? -1 : ++number,
                        one.Name == "bad" ? "it is bad" : null, null, null, 1500, true, true, null,
                        none, ImmutableSortedDictionary<string, long>.Empty)),
            ]);
        }
    }
}
