using System.Text.Json.Nodes;
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
