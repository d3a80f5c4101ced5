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
        var answer = await CommandLine.RunAsync(["host", "--config", file])
            .WaitAsync(TimeSpan.FromSeconds(30)); // A host that starts after all is no answer.
        Assert.Equal(ExitCode.Usage, answer.ExitCode);
        Assert.StartsWith($"fabric host: {file}: ", answer.Error);
        return answer.Error;
    }

    /// <remarks>Akka.NET's parser takes all of these for something, and the host starts.</remarks>
    [Theory, Trait("Runtime", "Embedded")]
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
    [InlineData("cluster.seeds = [\"[::1\"]", "fabric.cluster.seeds: \"[::1\" is no seed: use \"ADDRESS:PORT\"")]
    [InlineData("cluster.seeds = [\"[x]:2552\"]", "fabric.cluster.seeds: \"[x]:2552\" is no seed")]
    [InlineData("cluster = []", "line 1: fabric.cluster is no object: write fabric.cluster { }")]
    [InlineData("cluster.adress = \"192.0.2.1\"", "line 1: fabric.cluster.adress is no key of this version; did you mean fabric.cluster.address?")]
    [InlineData("cluster.port { a = 1 }", "line 1: fabric.cluster.port is an object: write fabric.cluster.port = VALUE")]
    [InlineData("clutser { port = 2552 }", "line 1: fabric.clutser is no key of this version; did you mean fabric.cluster?")]
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

    [Fact]
    public void Keys_are_found_whatever_their_values_look_like()
    {
        const string text = """"
            # a comment { with = braces }
            include "other.conf"
            base = { id = h1 } // and here: too
            fabric { host.id = "a } b", cluster: { seeds = ["x=1", # {
                "y"], tls { ca = ${base.id}"/ca.pem" } }
              log += 1
              host."name" = """
                key = value
                """, metrics { port : 1 } }
            "fabric".datapath.system = ebpf
            """";
        Assert.Equal(
            [
                "base 3", "base.id 3", "fabric 4", "fabric.host 4", "fabric.host.id 4",
                "fabric.cluster 4", "fabric.cluster.seeds 4", "fabric.cluster.tls 5",
                "fabric.cluster.tls.ca 5", "fabric.log 6", "fabric.host.name 7",
                "fabric.metrics 9", "fabric.metrics.port 9", "fabric.datapath 10",
                "fabric.datapath.system 10",
            ],
            ConfigurationKeys.Read(text).Select(key => $"{key.Path} {key.Line}"));
    }

    [Fact]
    public void Keys_of_any_text_are_read_to_an_end()
    {
        var random = new Random(3);
        const string alphabet = "ab.=:{}[]\"#/$,+ \n\\";
        for (var input = 0; input < 20_000; input++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(40))
                .Select(_ => alphabet[random.Next(alphabet.Length)])]);
            Assert.NotNull(ConfigurationKeys.Read(text));
        }
    }

    [Fact]
    public void The_reference_knows_all_that_the_examples_set()
    {
        foreach (var file in Directory.EnumerateFiles(
            Path.Combine(Checkout.Root, "config"), "*.conf", SearchOption.AllDirectories))
        {
            Assert.Null(ConfigurationKeys.FindUnknown(
                File.ReadAllText(file), File.ReadAllText(
                    Path.Combine(Checkout.Root, "config", "reference.conf")), "fabric"));
        }
    }

    [Fact]
    public void Every_profile_is_a_configuration_that_a_host_starts_with()
    {
        var profiles = Directory.GetFiles(
            Path.Combine(Checkout.Root, "config", "profiles"), "*.conf");
        Assert.NotEmpty(profiles);
        Assert.All(profiles, file => Assert.NotNull(ConfigurationFile.Load(file, datapath: null)));
    }
}
