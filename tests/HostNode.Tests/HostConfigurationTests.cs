using Fabric.HostNode.Cli;
using Fabric.HostNode.Composition;

namespace Fabric.HostNode.Tests;

/// <summary>`fabric host` with a file that has a mistake: it does not start and says why.</summary>
public sealed class HostConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-conf-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<string> RefusedAsync(string text)
    {
        var file = Path.Combine(_folder, "fabric.conf");
        await File.WriteAllTextAsync(file, text);
        var answer = await CommandLine.RunAsync(["host", "--config", file]);
        Assert.Equal(ExitCode.Usage, answer.ExitCode);
        Assert.StartsWith($"fabric host: {file}: ", answer.Error);
        return answer.Error;
    }

    [Theory]
    [InlineData("fabric {\n  host.id = \"x\"\n  cluster.port = = 4\n}\n", 3, 18)]
    [InlineData("fabric {\n  host.id = \"x\n}\n", 2, 13)]
    [InlineData("fabric {\n  cluster { port = \n", 3, 1)]
    [InlineData("fabric {\n  cluster.seeds = [\"a\", \n", 2, 19)]
    public async Task Broken_text_is_told_with_file_line_and_column(
        string text, int line, int column) =>
        Assert.Contains($"at line {line}, column {column}", await RefusedAsync(text));

    [Theory]
    [InlineData("cluster.port = 99999", "fabric.cluster.port = \"99999\": use a number from 1 to 65535")]
    [InlineData("cluster.port = abc", "fabric.cluster.port = \"abc\": use a number from 1 to 65535")]
    [InlineData("metrics.port = -1", "fabric.metrics.port = \"-1\": use a number from 0 to 65535")]
    [InlineData("chassis.encap-type = bogus", "fabric.chassis.encap-type = \"bogus\": use one of geneve, vxlan")]
    [InlineData("chassis.encap-ip = 10.0.0.300", "fabric.chassis.encap-ip = \"10.0.0.300\": use an IP address")]
    [InlineData("datapath.system = bogus", "fabric.datapath.system = \"bogus\": use one of userspace, ebpf")]
    [InlineData("cluster.profile = loud", "fabric.cluster.profile = \"loud\": use one of reference, fast")]
    [InlineData("cluster.seeds = [\"host:99999\"]", "fabric.cluster.seeds: \"host:99999\" is no seed: use \"ADDRESS:PORT\"")]
    [InlineData("cluster.address = \"192.0.2.1\"", "a listener that is not on loopback needs certificates; make them with `fabric pki`")]
    public async Task A_wrong_value_is_told_with_its_key_and_what_to_write(
        string setting, string complaint) =>
        Assert.Contains(complaint, await RefusedAsync($"fabric.{setting}\n"));

    [Fact]
    public async Task A_file_that_is_not_there_is_named()
    {
        var answer = await CommandLine.RunAsync(["host", "--config", "/nonexistent/fabric.conf"]);
        Assert.Equal(ExitCode.Usage, answer.ExitCode);
        Assert.Contains("/nonexistent/fabric.conf", answer.Error);
    }

    [Fact]
    public void The_file_wins_over_the_reference_and_the_command_line_over_the_file()
    {
        var file = Path.Combine(_folder, "fabric.conf");
        File.WriteAllText(file,
            "fabric { host.id = h7, datapath.system = ebpf, chassis.encap-type = vxlan }");
        var settings = ConfigurationFile.Load(file, datapath: null);
        Assert.Equal("h7", settings.HostId);
        Assert.Equal("ebpf", settings.SystemDatapath);
        Assert.Equal("vxlan", settings.Chassis.EncapType);
        Assert.Equal("br-int", settings.Chassis.Bridge); // Of the reference.
        Assert.Equal("userspace", ConfigurationFile.Load(file, "userspace").SystemDatapath);
    }
}
