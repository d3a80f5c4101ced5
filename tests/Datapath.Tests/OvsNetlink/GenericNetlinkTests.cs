using System.Diagnostics;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>Framing and family look-up against the running kernel.</summary>
public sealed class GenericNetlinkTests
{
    private static readonly OvsNetlinkCounters s_counters = new();

    [Fact]
    public void The_controller_knows_its_own_number()
    {
        using var endpoint = Open(TimeSpan.FromSeconds(5));
        Assert.True(NetlinkConnection.TryFamily(endpoint, "nlctrl", out var id));
        Assert.Equal(GenericController.Type, id);
        Assert.NotEqual(0u, endpoint.PortId);
    }

    [Fact]
    public void A_family_that_is_not_there_is_an_error_and_the_next_request_works()
    {
        using var endpoint = Open(TimeSpan.FromSeconds(5));
        var before = s_counters.Refusals;
        Assert.False(NetlinkConnection.TryFamily(endpoint, "fabric_nobody", out _));
        Assert.True(s_counters.Refusals > before);
        Assert.True(NetlinkConnection.TryFamily(endpoint, "nlctrl", out _));
    }

    [Fact]
    public void Thousands_of_requests_keep_their_order()
    {
        using var endpoint = Open(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 2000; i++)
        {
            Assert.Equal(
                i % 3 != 0,
                NetlinkConnection.TryFamily(endpoint, i % 3 == 0 ? "nobody" : "nlctrl", out _));
        }
    }

    [Fact]
    public void A_dump_of_all_families_ends_with_done()
    {
        using var endpoint = Open(TimeSpan.FromSeconds(5));
        var count = 0;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            var start = writer.BeginMessage(
                GenericController.Type, NetlinkFlags.Request | NetlinkFlags.Dump,
                endpoint.NextSequence(), endpoint.PortId, [3, 1, 0, 0]);
            writer.EndMessage(start);
            var outcome = endpoint.Dump(
                ref writer,
                (ReadOnlySpan<byte> _, out NetlinkFault fault) =>
                {
                    fault = default;
                    count++;
                    return true;
                });
            Assert.True(outcome.IsOk, $"{outcome}");
        }

        Assert.True(count >= 1);
    }

    [Fact]
    public void A_kernel_that_says_nothing_costs_the_patience_and_no_more()
    {
        using var endpoint = Open(TimeSpan.FromMilliseconds(50));
        var writer = endpoint.Writer();
        // Without the request flag the kernel does not answer at all.
        var start = writer.BeginMessage(GenericController.Type, 0, endpoint.NextSequence(), 0,
            [3, 1, 0, 0]);
        writer.EndMessage(start);
        var clock = Stopwatch.StartNew();
        Assert.Equal(DeviceStatus.TimedOut, endpoint.Transact(ref writer, out _).Status);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void A_wait_ends_when_it_is_cancelled()
    {
        using var endpoint = Open(TimeSpan.FromSeconds(5));
        endpoint.Cancel();
        var writer = endpoint.Writer();
        Assert.Equal(DeviceStatus.Cancelled, endpoint.Pend(ref writer, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Without_the_kernel_module_the_provider_says_what_to_load()
    {
        using var probe = Open(TimeSpan.FromSeconds(5));
        var isLoaded = NetlinkConnection.TryFamily(probe, "ovs_datapath", out _);
        var isOpen = OvsNetlinkProviders.TryOpen(
            "genetlink", "system@ovs-system", TimeProvider.System, _ => { }, null,
            out var provider, out var error);
        Assert.Equal(isLoaded, isOpen);
        if (isOpen) provider.Dispose();
        else Assert.Contains("modprobe openvswitch", error);
    }

    [Fact]
    public void The_windows_device_is_for_windows()
    {
        Assert.Equal(OperatingSystem.IsWindows(), OvsNetlinkProviders.TryOpen(
            "ovsext", "system@ovs-system", TimeProvider.System, _ => { }, null, out var provider,
            out var error));
        if (OperatingSystem.IsWindows()) provider.Dispose();
        else Assert.Contains("operating system", error);
    }

    private static NetlinkEndpoint Open(TimeSpan patience)
    {
        var device = new GenericNetlinkDevice(patience);
        var result = NetlinkEndpoint.TryOpen(
            device, NetlinkProtocol.Generic, s_counters, out var endpoint);
        Assert.True(result.IsOk, $"{result}");
        return endpoint!;
    }
}
