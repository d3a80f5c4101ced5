using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

public sealed class VirtualPortTests
{
    private static readonly IpPrefix Address = IpPrefix.V4(0x0a000064);

    private static LogicalLab LabWithVirtualPort()
    {
        var lab = Lab();
        lab.Change(Owned(
            lab, ("Logical_Switch", "s", "ports"), "Logical_Switch_Port",
            new("name", "vip"), new("type", "virtual"),
            new("options", Map(("virtual-ip", "10.0.0.100"), ("virtual-parents", "a,b")))));
        return lab;
    }

    private static FlowKey Gratuitous(string port) => LabPackets.Arp(
        Port(port) with { Ips = [Address] }, Address);

    [Fact]
    public void A_parent_that_answers_for_the_address_is_told_to_the_control_plane()
    {
        var lab = LabWithVirtualPort();
        lab.Send("a", Gratuitous("a"));
        Assert.Contains(ControllerOpcode.BindVirtual, lab.Hosts["host1"].Asked);
    }

    [Fact]
    public void A_port_that_is_no_parent_is_not_asked()
    {
        var lab = LabWithVirtualPort();
        lab.Send("c", Gratuitous("c"));
        Assert.DoesNotContain(ControllerOpcode.BindVirtual, lab.Hosts["host2"].Asked);
    }

    [Fact]
    public void The_request_goes_on_to_the_others_besides()
    {
        var lab = LabWithVirtualPort();
        Assert.Equal(
            ["b", "c"], lab.Send("a", Gratuitous("a")).Select(each => each.Port).Order());
    }

    [Fact]
    public void The_claim_carries_the_port_the_address_and_the_mac()
    {
        var request = Gratuitous("b");
        var outcome = Punted(
            PacketBuilder.Compose(in request), ControllerAction.BindVirtual(5));
        Assert.Equal(
            new VirtualPortHeard(9, 5, Address, Port("b").Mac!.Value), outcome.News);
    }

    [Fact]
    public void Gossip_of_addresses_carries_owners_members_and_services_apart()
    {
        var service = new ServiceKey("a", IpPrefix.V4(0x0a00000a), IpProtocol.Udp, 53);
        var group = IpPrefix.V4(0xef010203);
        MacBinding[] all =
        [
            Sightings.OfVirtual("vip", Address, Port("a").Mac!.Value) with { HostId = "host1" },
            Sightings.OfGroup("a", group), Sightings.OfGroup("b", group),
            Sightings.OfService(service, isOnline: false),
            new("r-s", IPAddress.Parse("10.0.0.99"), Port("b").Mac!.Value, "host2"),
        ];
        var learned = LearnedAddressesChanged.Nothing with
        {
            MacBindings = all.ToImmutableSortedDictionary(each => each.Key, each => each),
        };
        var read = Sightings.Read(learned, name => name == "vip");
        Assert.Equal(
            new VirtualOwner(Address, Port("a").Mac!.Value, "host1"), read.Virtual["vip"]);
        Assert.Equal(["a", "b"], read.Groups.Keys);
        Assert.Equal([service], read.Offline);
        Assert.Same(read, Sightings.Read(learned, name => name == "vip").After(read));
    }
}
