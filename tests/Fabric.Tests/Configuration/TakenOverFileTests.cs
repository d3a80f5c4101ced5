using System.Diagnostics;
using System.Text;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Configuration;
using Fabric.Switching;

namespace Fabric.Tests.Configuration;

/// <summary>A host whose Open_vSwitch lives in the conf.db that Debian's programs left.</summary>
public sealed class TakenOverFileTests : TestKit
{
    private const string Bridge = """
        ["Open_vSwitch",{"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br7"}},
        {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"]}}]
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-conf-").FullName;

    private string File => Path.Combine(_folder, "conf.db");

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_folder, recursive: true);
    }

    [ToolFact("ovsdb-tool")]
    public void Its_rows_become_bridges_and_ovsdb_tool_reads_what_the_host_wrote()
    {
        Run("create", File);
        Run("transact", File, Bridge);
        using (var torn = new FileStream(File, FileMode.Append))
        {
            torn.Write(Encoding.ASCII.GetBytes("OVSDB JSON 900 0123"));
        }

        var settings = new ConfigurationSettings([]) { DatabaseFile = File };
        var configuration = Sys.ActorOf(ConfigurationActor.Props(
            settings, TestActor, TimeProvider.System, Guid.NewGuid));
        var wanted = (BridgesWanted)FishForMessage(
            message => message is BridgesWanted { Bridges.Count: > 0 }, Patience);
        Assert.Equal("br7", Assert.Single(wanted.Bridges.Keys));

        Watch(configuration);
        Sys.Stop(configuration);
        FishForMessage(message => message is Terminated, Patience);
        Assert.Equal(OpenVSwitchSchema.Version, Run("db-version", File));
        Assert.Contains("br7", Run("query", File,
            """["Open_vSwitch",{"op":"select","table":"Bridge","where":[],"columns":["name"]}]"""));
        Assert.Contains("taken over by fabric", Run("show-log", File));
    }

    private static string Run(params string[] words)
    {
        using var process = Process.Start(
            new ProcessStartInfo("ovsdb-tool", words) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
