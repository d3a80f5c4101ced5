using System.Net;
using Fabric.Logical;

namespace Fabric.Tests.Logical.Gateways;

public sealed class NeighborAgeTests
{
    [Theory]
    [InlineData("60", "10.0.0.1", 60)]
    [InlineData("0", "10.0.0.1", null)]
    [InlineData("", "10.0.0.1", null)]
    [InlineData("bogus", "10.0.0.1", null)]
    [InlineData("10.0.0.0/8:30;10.1.0.0/16:40;50", "10.1.2.3", 40)]
    [InlineData("10.0.0.0/8:30;10.1.0.0/16:40;50", "10.2.2.3", 30)]
    [InlineData("10.0.0.0/8:30;10.1.0.0/16:40;50", "11.0.0.1", 50)]
    [InlineData("fd00::/8:7;9", "fd00::1", 7)]
    [InlineData("10.1.0.0/16:0;50", "10.1.2.3", null)]
    public void The_longest_prefix_says_how_long(string text, string address, int? seconds) =>
        Assert.Equal(
            seconds is { } value ? TimeSpan.FromSeconds(value) : (TimeSpan?)null,
            NeighborAge.Of(text, IPAddress.Parse(address)));
}
