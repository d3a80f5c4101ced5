using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Configuration;
using Fabric.HostNode.Windows;
using Fabric.Wire.Ovsdb;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>NICs of virtual machines and containers on their way into the database.</summary>
public sealed class VifTests : TestKit
{
    private readonly RecordedWmi _wmi = new();

    private WmiVirtualSwitchHost Host() => new(_wmi);

    [Fact]
    public void Nics_are_found_with_their_machine_switch_and_address()
    {
        using var host = Host();
        var nics = host.Nics(out _)!;
        var web = nics.Single(nic => nic.Id == RecordedWmi.WebNic);
        Assert.Equal(
            new VirtualNic(
                RecordedWmi.WebNic, RecordedWmi.Switch, VirtualNicKind.Machine, "Network Adapter",
                "Web 1", "00:15:5d:00:00:01", true),
            web);
        Assert.Equal(VirtualNicKind.External, nics.Single(nic => nic.PortName == "Ethernet0").Kind);
    }

    [Fact]
    public void Members_of_a_team_are_ports_of_their_own()
    {
        _wmi.AddUplink("Ethernet 1", "00155D0000A1");
        _wmi.AddUplink("Ethernet 2", "00155D0000A2");
        using var host = Host();
        var nics = host.Nics(out _)!;

        var uplinks = nics.Where(nic => nic.Kind == VirtualNicKind.External).ToList();
        Assert.Equal(
            ["Ethernet 1", "Ethernet 2", "Ethernet0"],
            uplinks.Select(nic => nic.PortName).Order(StringComparer.Ordinal));
        Assert.Equal(3, uplinks.Select(nic => nic.Id).Distinct().Count());
        Assert.Contains(uplinks, nic => nic.Mac == "00:15:5d:00:00:a2");
        // Nobody renames the host's own adapters, or plugs them into the integration bridge.
        Assert.DoesNotContain(
            VifRows.Namings(nics), naming => uplinks.Any(nic => nic.Id == naming.NicId));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_extension_is_enabled_on_the_switch_that_is_named(int extension)
    {
        using var host = new WmiVirtualSwitchHost(new RecordedWmi(extension));
        Assert.False(host.Switches(out _)![0].HasExtension);
        Assert.True(host.TryEnableExtension(RecordedWmi.Switch, out _));
        Assert.True(host.Switches(out _)![0].HasExtension);
        Assert.False(host.TryEnableExtension("other", out var error));
        Assert.Contains("not installed", error);
    }

    /// <summary>OVSEXT's and our own: whoever looks for the one must find the other.</summary>
    [Fact]
    public void All_who_look_for_the_extension_know_the_same_ones()
    {
        string Read(params string[] path) =>
            File.ReadAllText(Path.Combine([Checkout.Root, .. path]));
        var module = Read("packaging", "powershell", "Fabric", "Fabric.psm1");
        Assert.All(WmiVirtualSwitchHost.ExtensionIds, id => Assert.Contains(id, module));
        var own = WmiVirtualSwitchHost.ExtensionIds[1];
        Assert.Contains(own, Read("driver", "hyperv", "fabricext.inf"));
        Assert.Contains(own, Read("driver", "hyperv", "switch", "driver.c"));
    }

    [Fact]
    public void Internal_ports_are_made_once_and_removed()
    {
        using var host = Host();
        Assert.True(host.TryAddInternalPort(RecordedWmi.Switch, "br-int", out _));
        Assert.True(host.TryAddInternalPort(RecordedWmi.Switch, "br-int", out _));
        Assert.Single(_wmi.Invoked);
        Assert.Single(host.Nics(out _)!, nic => nic.PortName == "br-int");
        Assert.True(host.TryRemoveInternalPort(RecordedWmi.Switch, "br-int", out _));
        Assert.False(host.TryRemoveInternalPort(RecordedWmi.Switch, "br-int", out _));
    }

    [Fact]
    public void Ports_that_nobody_named_get_the_name_of_their_machine()
    {
        using var host = Host();
        var namings = VifRows.Namings(host.Nics(out _)!);
        Assert.Equal(["web-1-eth0", "db-eth0"], namings.Select(naming => naming.Name));
        foreach (var naming in namings)
        {
            Assert.True(host.TrySetPortName(naming.NicId, naming.Name, out _));
        }

        Assert.Empty(VifRows.Namings(host.Nics(out _)!));
        Assert.False(host.TrySetPortName(RecordedWmi.WebNic, "db-eth0", out var error));
        Assert.Contains("another port", error);
        Assert.False(host.TrySetPortName(RecordedWmi.WebNic, new string('x', 49), out error));
        Assert.Contains("48", error);
    }

    [Fact]
    public void A_host_that_cannot_be_asked_says_why()
    {
        using var host = Host();
        _wmi.Refusal = "Access denied";
        Assert.Null(host.Nics(out var error));
        Assert.Equal("Access denied", error);
        Assert.False(host.TrySetPortName(RecordedWmi.WebNic, "x", out error));
        Assert.Equal("Access denied", error);
        Assert.False(host.TryAddInternalPort(RecordedWmi.Switch, "x", out error));
        Assert.Equal("Access denied", error);
    }

    [Fact]
    public void Every_nic_becomes_a_port_and_goes_with_its_machine()
    {
        using var host = Host();
        var uuids = new Uuids();
        var database = Bridge(uuids);
        host.TrySetPortName(RecordedWmi.WebNic, "web-eth0", out _);
        host.TrySetPortName(RecordedWmi.DatabaseNic, "db-eth0", out _);

        database = Apply(database, VifRows.Reconcile(database, host.Nics(out _)!, uuids.Next));
        Assert.Equal(["db-eth0", "web-eth0"], Ports(database));
        var face = database.Table("Interface").Find("name", "web-eth0")!;
        Assert.Equal("web-eth0", face.GetMapValue("external_ids", "iface-id"));
        Assert.Equal("00:15:5d:00:00:01", face.GetMapValue("external_ids", "attached-mac"));
        Assert.Equal("Web 1", face.GetMapValue("external_ids", "vm-name"));
        Assert.Empty(VifRows.Reconcile(database, host.Nics(out _)!, uuids.Next));

        _wmi.Remove("port-web");
        database = Apply(database, VifRows.Reconcile(database, host.Nics(out _)!, uuids.Next));
        Assert.Equal(["db-eth0"], Ports(database));
    }

    [Fact]
    public void Ports_of_others_are_never_touched()
    {
        var uuids = new Uuids();
        var database = Bridge(uuids);
        var (port, face) = (uuids.Next(), uuids.Next());
        var bridge = database.Table("Bridge").Find("name", "br-int")!;
        database = Apply(database,
        [
            new Operation.Insert("Interface", [new("name", "mine")], face),
            new Operation.Insert(
                "Port", [new("name", "mine"), new("interfaces", Datum.References([face]))], port),
            Operation.MutateRow("Bridge", bridge.Uuid, new Mutation(
                "ports", Mutator.Insert, Datum.References([port]))),
        ]);

        Assert.Empty(VifRows.Reconcile(database, [], uuids.Next));
        var nic = new VirtualNic("n", "s", VirtualNicKind.Machine, "mine", "vm", "", true);
        Assert.Empty(VifRows.Reconcile(database, [nic], uuids.Next));
    }

    [Fact]
    public void Without_the_integration_bridge_nothing_is_written() => Assert.Empty(
        VifRows.Reconcile(
            DatabaseSnapshot.EmptyOf(OpenVSwitchSchema.Schema),
            [new VirtualNic("n", "s", VirtualNicKind.Machine, "p", "vm", "", true)],
            Guid.NewGuid));

    [Fact]
    public void Containers_of_transparent_networks_are_nics_and_others_are_not()
    {
        var nics = HcnCatalogue.Nics(new RecordedHcn());
        Assert.Equal(
            [new VirtualNic(
                "e1", "sw", VirtualNicKind.Container, "pod-1", "antrea", "00:15:5d:aa:00:01",
                true)],
            nics);
    }

    [Fact]
    public void The_actor_writes_what_the_watch_sees()
    {
        var uuids = new Uuids();
        var database = Bridge(uuids);
        using var host = Host();
        VifWatch? watch = null;
        var vifs = Sys.ActorOf(VifsActor.Props(
            TestActor, uuids.Next,
            self => watch = new VifWatch(
                host, new RecordedHcn(), self, TimeProvider.System, _ => { })));
        ExpectMsg<SubscribeDatabase>();
        vifs.Tell(new DatabaseChanged(database, database, []));

        var transact = ExpectMsg<Transact>();
        Assert.Equal(
            ["db-eth0", "pod-1", "web-1-eth0"], Ports(Apply(database, transact.Operations)));
        watch!.Look(); // Another look before the answer asks for nothing more.
        ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Sys.Stop(vifs);
    }

    private sealed class Uuids
    {
        private int _count;

        public Guid Next() => new(++_count, 0, 0, new byte[8]);
    }

    private sealed class RecordedHcn : IHcnSession
    {
        public IEnumerable<string> Networks() =>
        [
            """{"ID":"n1","Name":"antrea","Type":"Transparent","SwitchGuid":"sw"}""",
            """{"ID":"n2","Name":"nat","Type":"NAT"}""", "nonsense", "[]",
        ];

        public IEnumerable<string> Endpoints() =>
        [
            """
            {"ID":"e1","HostComputeNetwork":"n1","Name":"pod-1","MacAddress":"00-15-5D-AA-00-01",
             "IpConfigurations":[{"IpAddress":"10.0.0.5"}]}
            """,
            """{"ID":"e2","HostComputeNetwork":"n2","Name":"other"}""", "", "{}",
        ];
    }

    private static IEnumerable<string> Ports(DatabaseSnapshot database) =>
        database.Table("Bridge").Find("name", "br-int")!.GetReferences("ports")
            .Select(id => database.Find("Port", id)!.GetString("name"))
            .Order(StringComparer.Ordinal);

    private static DatabaseSnapshot Bridge(Uuids uuids)
    {
        var bridge = uuids.Next();
        return Apply(DatabaseSnapshot.EmptyOf(OpenVSwitchSchema.Schema),
        [
            new Operation.Insert("Bridge", [new("name", "br-int")], bridge),
            new Operation.Insert(
                "Open_vSwitch", [new("bridges", Datum.References([bridge]))], uuids.Next()),
        ]);
    }

    private static DatabaseSnapshot Apply(
        DatabaseSnapshot database, ImmutableArray<Operation> operations)
    {
        var outcome = TransactionExecutor.Execute(
            database, operations, new TransactionContext(Guid.NewGuid(), Guid.NewGuid));
        Assert.Null(outcome.Error);
        return outcome.Snapshot;
    }
}
