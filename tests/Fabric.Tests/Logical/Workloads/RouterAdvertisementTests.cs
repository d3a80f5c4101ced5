using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

/// <summary>Routers that advertise themselves unasked.</summary>
public sealed class RouterAdvertisementTests
{
    private static PeriodicFrames? Periodic(params (string Key, string Value)[] configs)
    {
        var lab = Lab();
        lab.Change(Operation.UpdateRow(
            "Logical_Router_Port", Find(lab, "Logical_Router_Port", "r-s").Uuid,
            new ColumnValue("ipv6_ra_configs", Map(configs))));
        var port = lab.Hosts["host1"].Compiler.Topology!.RouterPort("r-s")!;
        return RouterAdvertisement.Periodic(7, port);
    }

    [Fact]
    public void Only_a_port_that_is_told_to_does()
    {
        Assert.Null(Periodic(("address_mode", "slaac")));
        Assert.Null(Periodic(("send_periodic", "true")));
        Assert.NotNull(Periodic(("address_mode", "slaac"), ("send_periodic", "true")));
    }

    [Theory]
    [InlineData("", "", 200, 600)]
    [InlineData("100", "", 33, 100)]
    [InlineData("8", "", 6, 8)]
    [InlineData("100", "90", 75, 100)]
    [InlineData("1", "1", 3, 4)]
    [InlineData("5000", "5", 5, 1800)]
    public void Intervals_are_kept_in_their_bounds(
        string most, string least, int shortest, int longest)
    {
        var frames = Periodic(
            ("address_mode", "slaac"), ("send_periodic", "true"), ("max_interval", most),
            ("min_interval", least));
        Assert.Equal(
            (shortest, longest),
            ((int)frames!.IntervalMin.TotalSeconds, (int)frames.IntervalMax.TotalSeconds));
    }

    [Fact]
    public void Every_node_of_the_link_is_told()
    {
        var frames = Periodic(("address_mode", "slaac"), ("send_periodic", "true"));
        var frame = Assert.Single(frames!.Frames);
        var key = default(FlowKey);
        Assert.True(FlowKeyExtractor.TryExtract(frame, ref key, out _, out _));
        Assert.Equal(
            ("33:33:00:00:00:01", "ff02::1", IpProtocol.Icmpv6, (ushort)134, (byte)255),
            ($"{key.EthernetDestination}", $"{key.Ipv6Destination}", key.NetworkProtocol,
                key.PortSource, key.NetworkTtl));
        Assert.Equal(7u, frames.Datapath);
    }
}
