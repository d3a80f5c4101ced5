using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

public sealed class HealthCheckTests
{
    private static readonly IpPrefix Vip = IpPrefix.V4(0xac100001);
    private static readonly IpPrefix Source = IpPrefix.V4(0x0a0000fd);
    private static readonly MacBytes Router = MacBytes.FromUInt64(0x02_0000_0000_fe);
    private static readonly MacBytes ProbeMac = MacBytes.FromUInt64(0x02_0000_0000_53);

    private static readonly ServiceKey ServiceB =
        new("b", IpPrefix.V4(0x0a00000b), IpProtocol.Tcp, 80);

    private static LogicalLab Balanced()
    {
        var lab = Lab();
        var (check, balancer) = (Guid.NewGuid(), Guid.NewGuid());
        lab.Change(
            Operation.UpdateRow(
                "NB_Global", lab.Database.Table("NB_Global").First!.Uuid,
                new ColumnValue("options", Map(("svc_monitor_mac", $"{ProbeMac}")))),
            new Operation.Insert(
                "Load_Balancer_Health_Check",
                [new("vip", "172.16.0.1:80"), new("options", Map(("failure_count", "2")))], check),
            new Operation.Insert(
                "Load_Balancer",
                [
                    new("name", "lb"), new("vips", Map(("172.16.0.1:80",
                        "10.0.0.11:80,10.0.0.12:80"))),
                    new("ip_port_mappings", Map(
                        ("10.0.0.11", "b:10.0.0.253"), ("10.0.0.12", "c:10.0.0.253"))),
                    new("health_check", Datum.References([check])),
                ],
                balancer),
            Operation.UpdateRow(
                "Logical_Switch", Find(lab, "Logical_Switch", "s").Uuid,
                new ColumnValue("load_balancer", Datum.References([balancer]))));
        return lab;
    }

    private static FlowKey ToVip(ushort from) =>
        LabPackets.Tcp(Port("a"), Router, Vip, from, 80);

    private static HashSet<string> Chosen(LogicalLab lab) => Enumerable.Range(1, 10)
        .SelectMany(each => lab.Send("a", ToVip((ushort)(1000 + each))))
        .Select(each => each.Port).ToHashSet();

    /// <summary>Of how many backends one is chosen on the client's host.</summary>
    private static int Choices(LogicalLab lab) =>
        lab.Hosts["host1"].Compiler.Flows.Groups.Sum(group => group.Buckets.Count);

    private static Sightings Lost(params ServiceKey[] services) => new(
        Sightings.None.Virtual, Sightings.None.Groups,
        services.ToImmutableSortedDictionary(each => each, _ => false));

    [Fact]
    public void A_backend_that_does_not_answer_gets_no_new_connections()
    {
        var lab = Balanced();
        Assert.Equal(2, Choices(lab));
        lab.See(Lost(ServiceB));
        Assert.Equal(0, Choices(lab));
        Assert.Equal(["c"], Chosen(lab));
        lab.See(Sightings.None);
        Assert.Equal(2, Choices(lab));
    }

    [Fact]
    public void The_host_of_a_backend_probes_it_and_nobody_else()
    {
        var lab = Balanced();
        var host = lab.Hosts["host2"];
        var view = HostView.Empty("host2") with { Interfaces = host.Ports };
        var checks = ServiceChecks.Of(host.Compiler.Topology!, view);
        Assert.Equal(["b", "c"], checks.Keys.Select(key => key.LogicalPort));
        Assert.Equal((Source, ProbeMac), (checks[ServiceB].Source, checks[ServiceB].ProbeMac));
        Assert.Empty(ServiceChecks.Of(
            host.Compiler.Topology!, HostView.Empty("host1") with
            {
                Interfaces = lab.Hosts["host1"].Ports,
            }));
    }

    [Fact]
    public void Answers_of_a_backend_reach_the_control_plane_whatever_the_rules_say()
    {
        var lab = Balanced();
        lab.Change(Owned(
            lab, ("Logical_Switch", "s", "acls"), "ACL", new("direction", "from-lport"),
            new("priority", 1000), new("action", "drop"), new("match", "ip4")));
        Assert.Empty(lab.Send("b", LabPackets.Tcp(Port("b"), ProbeMac, Source, 80, 50000)));
        Assert.Equal([ControllerOpcode.ServiceAnswer], lab.Hosts["host2"].Asked);
    }

    [Fact]
    public void The_probing_address_answers_arp()
    {
        var answer = Assert.Single(Balanced().Send("b", LabPackets.Arp(Port("b"), Source)));
        Assert.Equal(("b", ProbeMac), (answer.Port, answer.Packet.ArpSource));
    }

    private static ServiceProbe Probe(byte protocol) => new(
        new ServiceCheck(
            ServiceB with { Protocol = protocol }, Source, ProbeMac, Port("b").Mac!.Value, 1, 2,
            new HealthCheck(
                Guid.Empty, default, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(3), 1, 2)),
        50000, 1, TimeSpan.Zero);

    private static PuntedPacket Answer(byte protocol, ushort flags)
    {
        var key = LabPackets.Ip(Port("b"), ProbeMac, Source, protocol, 80, 50000);
        key.TcpFlags = flags;
        if (protocol == IpProtocol.Icmp) (key.PortSource, key.PortDestination) = (3, 3);
        var bytes = PacketBuilder.Compose(in key);
        Assert.True(PuntedPacket.TryRead(
            new OfPacketIn(
                EquatableArray.Create<byte>(bytes), (uint)bytes.Length, PacketInReason.Action, 0,
                0, FlowMod.NoBuffer, Wire.OpenFlow.Match.Any),
            out var packet));
        return packet;
    }

    [Fact]
    public void A_connection_that_is_accepted_is_an_answer_and_is_reset()
    {
        var probe = Probe(IpProtocol.Tcp);
        Assert.Equal(2, Flags(probe.Advance(TimeSpan.Zero)!));
        Assert.Null(probe.IsOnline);
        Assert.Equal(4, Flags(probe.Hear(Answer(IpProtocol.Tcp, 0x12))!));
        Assert.True(probe.IsOnline);
        Assert.Equal(TimeSpan.FromSeconds(5), probe.Deadline);
    }

    [Fact]
    public void As_many_failures_as_the_row_says_put_it_offline()
    {
        var probe = Probe(IpProtocol.Tcp);
        probe.Advance(TimeSpan.Zero);
        probe.Hear(Answer(IpProtocol.Tcp, 0x14));
        Assert.Null(probe.IsOnline);
        Assert.NotNull(probe.Advance(TimeSpan.FromSeconds(5)));
        Assert.Null(probe.Advance(TimeSpan.FromSeconds(8))); // Silence.
        Assert.False(probe.IsOnline);
        Assert.NotNull(probe.Advance(TimeSpan.FromSeconds(10)));
        probe.Hear(Answer(IpProtocol.Tcp, 0x12));
        Assert.True(probe.IsOnline);
    }

    [Fact]
    public void Silence_is_an_answer_of_udp_and_an_icmp_error_is_none()
    {
        var probe = Probe(IpProtocol.Udp);
        Assert.NotNull(probe.Advance(TimeSpan.Zero));
        probe.Advance(TimeSpan.FromSeconds(3));
        Assert.True(probe.IsOnline);
        for (var round = 1; round <= 2; round++)
        {
            Assert.NotNull(probe.Advance(TimeSpan.FromSeconds(5 * round)));
            probe.Hear(Answer(IpProtocol.Icmp, 0));
        }

        Assert.False(probe.IsOnline);
    }

    private static int Flags(byte[] packet)
    {
        var key = default(FlowKey);
        Assert.True(FlowKeyExtractor.TryExtract(packet, ref key, out _));
        return key.TcpFlags;
    }
}
