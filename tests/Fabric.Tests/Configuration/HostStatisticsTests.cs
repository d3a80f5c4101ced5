using Fabric.Configuration;
using Fabric.Switching;

namespace Fabric.Tests.Configuration;

public sealed class HostStatisticsTests
{
    [Fact]
    public void A_host_tells_of_its_processors_memory_and_daemons()
    {
        var folder = Directory.CreateTempSubdirectory("fabric-statistics-");
        try
        {
            File.WriteAllText(
                Path.Combine(folder.FullName, "me.pid"), $"{Environment.ProcessId}\n");
            File.WriteAllText(Path.Combine(folder.FullName, "gone.pid"), "999999999\n");
            var all = HostStatistics.Read(folder.FullName, DateTimeOffset.UtcNow);

            Assert.Equal($"{Environment.ProcessorCount}", all["cpu"]);
            Assert.Equal(3, all["load_average"].Split(',').Length);
            var memory = all["memory"].Split(',').Select(long.Parse).ToArray();
            Assert.InRange(memory[1], 1, memory[0]);
            var process = all["process_me"].Split(',').Select(long.Parse).ToArray();
            Assert.InRange(process[1], 1, process[0]);
            Assert.DoesNotContain("process_gone", all.Keys);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Link_resets_count_changes_from_the_first_look_on()
    {
        var links = new InterfaceFacts();
        var row = Guid.NewGuid();
        Assert.Equal([0L, 0L, 1L, 1L, 2L], new[] { true, true, false, false, true }.Select(
            isUp => links.ResetsOf(StatusOf(row, isUp))));
        links.Keep(_ => false);
        Assert.Equal(0, links.ResetsOf(StatusOf(row, false)));
    }

    [Fact]
    public void A_driver_is_asked_again_when_the_link_changed_and_not_before()
    {
        var asked = 0;
        var facts = new InterfaceFacts(_ => DeviceFacts.None with { BitsPerSecond = ++asked });
        var status = StatusOf(Guid.NewGuid(), true) with { InterfaceIndex = 7 };
        Assert.Equal(1, facts.DeviceOf(status).BitsPerSecond);
        Assert.Equal(1, facts.DeviceOf(status).BitsPerSecond);
        Assert.Equal(2, facts.DeviceOf(status with { IsLinkUp = false }).BitsPerSecond);
        Assert.Same(DeviceFacts.None, facts.DeviceOf(status with { InterfaceIndex = null }));
    }

    private static InterfaceStatus StatusOf(Guid row, bool isUp) => new(
        row, "p1", 1, null, null, null, null, true, isUp, null,
        System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty,
        System.Collections.Immutable.ImmutableSortedDictionary<string, long>.Empty);
}
