using System.Text.RegularExpressions;
using Fabric.HostNode.DropIn;
using Fabric.HostNode.Tools;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>fabric appctl and fabric dpctl beside the stock ovs-appctl.</summary>
/// <remarks>
/// Goal: any command of a daemon is asked and answered as with the stock tool, to the exit code.
/// Method: Debian's ovs-vswitchd is asked each of its own commands with none, right, wrong and too
/// many arguments, by Debian's ovs-appctl and by ours. Numbers are not compared where they count.
/// </remarks>
public sealed partial class AppctlOracleTests : StockSwitchTests
{
    /// <summary>
    /// They end the daemon, wait for it, count with each question, or do something that cannot be
    /// done twice.
    /// </summary>
    private static readonly string[] s_left =
    [
        "exit", "coverage/show", "coverage/read-counter", "memory/show", "time/stop", "time/warp",
        "dpif-netdev/pmd-perf-show", "dpif-netdev/pmd-perf-log-set", "dpif-netdev/pmd-stats-show",
        "dpif-netdev/pmd-rxq-show", "vlog/close", "vlog/reopen", "dpctl/add-dp", "dpctl/del-dp",
        "dpctl/add-if", "dpctl/del-if", "dpctl/set-if",
    ];

    [Fact]
    public async Task Each_command_of_a_daemon_is_asked_as_with_the_stock_tool()
    {
        var commands = Switch.Appctl("list-commands").Output.Split('\n')[1..]
            .Select(line => line.Trim().Split(' ')[0])
            .Where(name => name.Length > 0 && !s_left.Contains(name)).ToList();
        Assert.True(commands.Count > 100, $"{commands.Count}");
        var differences = new List<string>();
        foreach (var command in commands)
        {
            foreach (var rest in (string[])["", "br-stock", "nope --odd", "1 2 3 4 5 6 7 8 9"])
            {
                string[] words =
                [
                    "-t", Switch.Control, command,
                    .. rest.Split(' ', StringSplitOptions.RemoveEmptyEntries),
                ];
                await CompareAsync(words, differences);
            }
        }

        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
    }

    /// <summary>@ is the daemon's control socket.</summary>
    [Fact]
    public async Task A_command_line_is_read_as_with_the_stock_tool()
    {
        string[] lines =
        [
            "", "-V", "--version", "-t @", "-t", "--target", "-t @ version", "-t@ version",
            "--target=@ version", "--target @ version", "-t @ nope", "-t @ version more",
            "-t @ -- version", "-t @ fdb/show br-stock", "-t @ fdb/show br-stock --odd",
            "-t /nonexistent/x.ctl version", "-t nodaemon version",
            "--timeout=5 -t @ version", "-T 5 -t @ version", "-T5 -t @ version",
            "--timeout=x -t @ version", "--timeout=0 -t @ version", "--timeout=-1 -t @ version",
            "-T", "--odd -t @ version", "-x -t @ version", "-vconsole:off -t @ version",
            "--verbose=console:off -t @ version", "-t @ vlog/set nope:dbg", "-t @ vlog/set -h",
            "-t @ ofproto/trace br-stock in_port=1,tcp", "-t @ ofproto/trace br-stock",
            "-t @ dpctl/dump-flows -m", "-t @ dpctl/show -s",
        ];
        var differences = new List<string>();
        foreach (var line in lines)
        {
            var words = line.Replace("@", Switch.Control)
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            await CompareAsync(words, differences);
        }

        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
    }

    /// <summary>`fabric dpctl X` is `ovs-appctl dpctl/X`, but for what an error begins with.
    /// </summary>
    [Theory]
    [InlineData("show")]
    [InlineData("-s show")]
    [InlineData("show dummy@ovs-dummy")]
    [InlineData("show nope")]
    [InlineData("dump-dps")]
    [InlineData("dump-flows")]
    [InlineData("-m dump-flows")]
    [InlineData("--names dump-flows dummy@ovs-dummy")]
    [InlineData("dump-flows nope")]
    [InlineData("mod-flow in_port(1),eth(),eth_type(0x800),ipv4() 2")]
    [InlineData("add-flow in_port(1),nope() 2")]
    [InlineData("add-flow")]
    [InlineData("del-flow in_port(1),eth(),eth_type(0x800),ipv4()")]
    [InlineData("del-flow in_port(1),eth(),eth_type(0x800),ipv4()/1")]
    [InlineData("get-flow ufid:00000000-0000-0000-0000-000000000000")]
    [InlineData("dump-conntrack")]
    [InlineData("dump-conntrack zone=x")]
    [InlineData("flush-conntrack zone=5")]
    [InlineData("ct-stats-show")]
    [InlineData("ct-set-limits default=10 zone=5,limit=3")]
    [InlineData("ct-get-limits")]
    [InlineData("ct-del-limits zone=5")]
    [InlineData("ct-get-limits zone=5")]
    [InlineData("ct-bkts")]
    [InlineData("cache-get-size")]
    public async Task Datapaths_are_asked_as_with_appctl(string line)
    {
        var words = line.Split(' ');
        var options = words.TakeWhile(word => word[0] == '-').ToArray();
        var command = words[options.Length];
        var stock = Switch.Appctl(
            [$"dpctl/{command}", .. options, .. words[(options.Length + 1)..]]);
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await DatapathTool.RunAsync(
            ["--target", Switch.Control, .. words], output, error);

        Assert.Equal(stock.ExitCode == 0, exitCode == 0);
        Assert.Equal(Counted().Replace(stock.Output, "N"), Counted().Replace($"{output}", "N"));
        if (exitCode == 0) return;
        var told = stock.Error[..stock.Error.LastIndexOf("ovs-appctl: ", StringComparison.Ordinal)];
        Assert.Equal($"ovs-dpctl: {told.TrimEnd('\n')}\n", $"{error}");
    }

    private async Task CompareAsync(string[] words, List<string> differences)
    {
        var (exitCode, text, refused) = Switch.Run("ovs-appctl", words);
        using var output = new StringWriter();
        using var error = new StringWriter();
        var ourCode = await AppctlTool.RunAsync(words, output, error);
        var stock = Comparable(text + refused.Replace("ovs-appctl: ", ""));
        var ours = Comparable($"{output}{error}".Replace("fabric appctl: ", ""));
        if ((exitCode, stock) == (ourCode, ours)) return;
        differences.Add(
            $"{string.Join(' ', words)}\nstock {exitCode}: {stock}\nours {ourCode}: {ours}");
    }

    private static string Comparable(string text) =>
        Counted().Replace(Folder().Replace(Remark().Replace(text, ""), "\""), "N");

    /// <summary>Where each of the two looks for files of process ids.</summary>
    [GeneratedRegex("\"/[^\"]*/(?=[a-z-]+\\.pid\")")]
    private static partial Regex Folder();

    /// <summary>Counters, and times that go on from one question to the next.</summary>
    [GeneratedRegex(@"\d+")]
    private static partial Regex Counted();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT.*\n", RegexOptions.Multiline)]
    private static partial Regex Remark();
}
