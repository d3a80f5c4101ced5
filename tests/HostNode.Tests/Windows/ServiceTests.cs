using Fabric.HostNode.Windows;

namespace Fabric.HostNode.Tests.Windows;

public sealed class ServiceTests
{
    [Theory]
    [InlineData(new[] { "a", "b" }, "a b")]
    [InlineData(new[] { @"C:\Program Files\Fabric\fabric.exe", "run" },
        "\"C:\\Program Files\\Fabric\\fabric.exe\" run")]
    [InlineData(new[] { "say \"x\"" }, "\"say \\\"x\\\"\"")]
    [InlineData(new[] { @"ends with \ " }, "\"ends with \\ \"")]
    [InlineData(new[] { @"a b\" }, "\"a b\\\\\"")]
    [InlineData(new[] { "" }, "\"\"")]
    public void A_command_line_is_quoted_as_windows_takes_it_apart(string[] words, string line) =>
        Assert.Equal(line, ServicePlan.Quote(words));

    [Fact]
    public void The_service_restarts_after_a_crash_at_once_and_then_slower()
    {
        var plan = ServicePlan.For([@"C:\f\fabric.exe"], @"C:\ProgramData\Fabric\fabric.conf");
        Assert.Equal(
            @"C:\f\fabric.exe service run --config C:\ProgramData\Fabric\fabric.conf",
            plan.CommandLine);
        Assert.Equal([1, 5, 30], plan.RestartDelays.Select(delay => delay.TotalSeconds));
        Assert.Equal(["vmms"], plan.DependsOn.AsEnumerable());
    }

    [Theory]
    [InlineData("2026-01-01T00:00:00.000Z|00001|datapath|ERR|lost", 1)]
    [InlineData("2026-01-01T00:00:00.000Z|00001|datapath|EMER|lost", 1)]
    [InlineData("2026-01-01T00:00:00.000Z|00001|datapath|WARN|lost", 2)]
    [InlineData("2026-01-01T00:00:00.000Z|00001|datapath|INFO|lost", null)]
    [InlineData("anything", null)]
    public void Errors_and_warnings_go_to_the_event_log(string line, int? type) =>
        Assert.Equal((ushort?)type, EventLogWriter.TypeOf(line));

    [Fact]
    public void Lines_come_to_the_event_log_whole()
    {
        var seen = new List<string>();
        using var writer = new EventLogWriter((_, text) => seen.Add(text));
        writer.WriteLine("t|1|m|WARN|one");
        writer.Write("t|2|m|ERR|two\r\nt|3|m|DBG|three\n");
        Assert.Equal(["t|1|m|WARN|one", "t|2|m|ERR|two"], seen);
    }

    [Fact]
    public void Paths_are_below_program_data_and_tools_find_the_public_folder()
    {
        var paths = WindowsPaths.Find(_ => null, @"C:\ProgramData");
        Assert.Equal(@"C:\ProgramData\Fabric", paths.State);
        Assert.Equal(@"C:\ProgramData\openvswitch", paths.Public);
        Assert.Equal(@"C:\ProgramData\Fabric\run\ovs", paths.Sockets);
        Assert.Equal(@"C:\ProgramData\Fabric\fabric.conf", paths.Configuration);
        Assert.Contains(("OVS_RUNDIR", paths.Sockets), paths.Environment());
    }

    [Fact]
    public void The_environment_may_move_every_folder()
    {
        var set = new Dictionary<string, string>
        {
            ["OVS_RUNDIR"] = @"D:\ovs\run", ["FABRIC_STATEDIR"] = @"D:\state",
        };
        var paths = WindowsPaths.Find(set.GetValueOrDefault, @"C:\ProgramData");
        Assert.Equal(@"D:\ovs\run", paths.Public);
        Assert.Equal(@"D:\state", paths.State);
    }

    [Fact]
    public async Task Elsewhere_the_verb_says_what_to_use_instead()
    {
        if (OperatingSystem.IsWindows()) return;
        var answer = await CommandLine.RunAsync(["service", "start"]);
        Assert.Equal(1, answer.ExitCode);
        Assert.Contains("systemctl", answer.Error);
    }
}
