using Fabric.Pipeline;

namespace Fabric.Tests.Pipeline;

/// <summary>How many flows may be installed, by how long looking at them takes.</summary>
public sealed class RevalidatorTests
{
    [Theory]
    [InlineData(10_000, 500, 10, 10_000)] // Few flows: no reason to allow more.
    [InlineData(10_000, 5_000, 100, 11_000)] // 50,000 flows a second, and there may be 10,000.
    [InlineData(60_000, 5_000, 100, 60_000)] // More than could be looked at in a second.
    [InlineData(200_000, 150_000, 100, 200_000)] // Never beyond the most.
    [InlineData(10_000, 10_000, 1_100, 10_000)] // Slow, and not yet too slow.
    [InlineData(10_000, 10_000, 1_400, 7_500)] // Too slow.
    [InlineData(10_000, 10_000, 2_500, 5_000)] // As many times fewer as it took seconds.
    [InlineData(10_000, 10_000, 30_000, 1_000)] // Never below the least.
    public void The_flow_limit_follows_the_time_that_a_round_takes(
        int limit, int count, long duration, int expected)
    {
        Assert.Equal(expected, Revalidator.LimitAfter(limit, count, duration));
    }

    [Fact]
    public void A_host_that_is_slow_for_a_while_gets_its_limit_back()
    {
        var limit = 50_000;
        for (var round = 0; round < 10; round++)
        {
            limit = Revalidator.LimitAfter(limit, limit, 3_000);
        }

        Assert.Equal(Revalidator.FlowLimitMin, limit);
        for (var round = 0; round < 200; round++)
        {
            limit = Revalidator.LimitAfter(limit, 20_000, 200);
        }

        Assert.Equal(100_000, limit);
    }
}
