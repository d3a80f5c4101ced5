using System.Text.Json.Nodes;
using Fabric.Configuration;
using Fabric.HostNode.Cli;
using Fabric.HostNode.Tools;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>The small tools for hosts without OVS's own.</summary>
public sealed class ToolTests
{
    [Theory]
    [InlineData("5", "5")]
    [InlineData("\"va\"", "va")]
    [InlineData("\"with blank\"", "\"with blank\"")]
    [InlineData("\"10.0.0.1\"", "\"10.0.0.1\"")]
    [InlineData("true", "true")]
    [InlineData("[\"set\",[]]", "[]")]
    [InlineData("[\"set\",[1,2]]", "[1, 2]")]
    [InlineData("[\"map\",[[\"b\",\"2\"],[\"a\",\"x y\"]]]", "{a=\"x y\", b=\"2\"}")]
    [InlineData("[\"uuid\",\"u-1\"]", "u-1")]
    public void Values_are_printed_as_ovs_vsctl_prints_them(string json, string text) =>
        Assert.Equal(text, OvsdbText.Format(JsonNode.Parse(json)));

    [Theory]
    [InlineData("5", "\"integer\"", "5")]
    [InlineData("system", "\"string\"", "\"system\"")]
    [InlineData("7", """{"key":{"type":"integer"},"min":0,"max":1}""", "7")]
    [InlineData("1,2", """{"key":"integer","min":0,"max":"unlimited"}""", "[\"set\",[1,2]]")]
    [InlineData("{a=1,b=\"x,y\"}",
        """{"key":"string","value":"string","min":0,"max":"unlimited"}""",
        "[\"map\",[[\"a\",\"1\"],[\"b\",\"x,y\"]]]")]
    public void Values_are_read_by_the_schema_s_type(string text, string type, string json) =>
        Assert.Equal(json, OvsdbText.Parse(text, JsonNode.Parse(type)!)!.ToJsonString());

    [Theory]
    [InlineData("x", "\"integer\"")]
    [InlineData("maybe", "\"boolean\"")]
    [InlineData("novalue", """{"key":"string","value":"string"}""")]
    public void What_does_not_fit_is_told(string text, string type) => Assert.Throws<ToolException>(
        () => OvsdbText.Parse(text, JsonNode.Parse(type)!));

    [Theory]
    [InlineData("vsctl", "show")]
    [InlineData("ofctl", "dump-flows", "br0")]
    [InlineData("appctl", "-t", "/nonexistent/x.ctl", "version")]
    public async Task A_host_node_that_does_not_run_is_an_error_and_no_fault(
        params string[] arguments)
    {
        var before = Environment.GetEnvironmentVariable("OVS_RUNDIR");
        Environment.SetEnvironmentVariable("OVS_RUNDIR", "/nonexistent/ovs");
        try
        {
            var answer = await CommandLine.RunAsync(arguments);
            Assert.Equal(1, answer.ExitCode);
            Assert.NotEqual("", answer.Error);
        }
        finally
        {
            Environment.SetEnvironmentVariable("OVS_RUNDIR", before);
        }
    }

    [Theory]
    [InlineData("ofctl", "")]
    [InlineData("ofctl", "frobnicate")]
    [InlineData("ofctl", "--odd show br0")]
    [InlineData("ofctl", "-O OpenFlow99 show br0")]
    [InlineData("ofctl", "add-group br0 group_id=x,type=all")]
    [InlineData("ofctl", "add-group br0 group_id=1,type=all,bucket=weight:x,output:1")]
    [InlineData("ofctl", "-O OpenFlow13 add-meter br0 meter=0,kbps,bands=type=drop,rate=1")]
    [InlineData("ofctl", "-O OpenFlow13 add-meter br0 meter=1,kbps,bands=rate=1")]
    [InlineData("ofctl", "packet-out br0 1 output:2 xyz")]
    [InlineData("ofctl", "add-tlv-map br0 {class=1}")]
    public async Task A_bent_command_line_is_told_and_does_nothing(string tool, string line)
    {
        var answer = await CommandLine.RunAsync(
            [tool, .. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(1, answer.ExitCode);
        Assert.StartsWith($"fabric {tool}: ", answer.Error);
    }

    [Fact]
    public void A_conf_db_becomes_rows_with_what_operators_wrote_and_nothing_else()
    {
        var file = Path.Combine(
            Directory.CreateTempSubdirectory("fx-windows-conf-").FullName, "conf.db");
        const string Schema = "/usr/share/openvswitch/vswitch.ovsschema";
        Assert.Equal(0, OvsdbTool.Run(["create", file, Schema], Console.Out, Console.Error));
        const string Rows = """
            ["Open_vSwitch",
             {"op":"insert","table":"Interface","uuid-name":"i",
              "row":{"name":"va","type":"","external_ids":["map",[["iface-id","web"]]],
                     "error":"old"}},
             {"op":"insert","table":"Port","uuid-name":"p",
              "row":{"name":"va","tag":5,"interfaces":["named-uuid","i"]}},
             {"op":"insert","table":"Bridge","uuid-name":"b",
              "row":{"name":"br0","ports":["named-uuid","p"]}},
             {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"]}}]
            """;
        Assert.Equal(0, OvsdbTool.Run(["transact", file, Rows], TextWriter.Null, Console.Error));

        var (operations, remarks) = ConfDbImport.Plan(
            file, "root", new HashSet<string>(), (_, _) => true);
        Assert.Empty(remarks);
        Assert.Equal(
            ["Interface", "Port", "Bridge"],
            operations.Take(3).Select(operation => (string)operation["table"]!));
        Assert.Equal(5, (int)operations[1]["row"]!["tag"]!);
        Assert.Null(operations[0]["row"]!["error"]);

        (_, remarks) = ConfDbImport.Plan(
            file, "root", new HashSet<string> { "br0" }, (_, _) => true);
        Assert.Contains("br0", Assert.Single(remarks));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Theory]
    [InlineData("vsctl")]
    [InlineData("ofctl")]
    [InlineData("appctl")]
    public async Task Each_tool_explains_itself(string tool)
    {
        var answer = await CommandLine.RunAsync([tool, "--help"]);
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains($"usage: fabric {tool}", answer.Output);
    }
}
