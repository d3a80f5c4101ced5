using System.Diagnostics;
using Fabric.HostNode.Tools;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>fabric vsctl beside the stock ovs-vsctl, each against a database of its own.</summary>
/// <remarks>
/// Goal: what an operator's fingers and scripts know holds on a host without OVS's tools. Method:
/// the same command lines go to Debian's ovs-vsctl and to ours, against two databases of Debian's
/// ovsdb-server that begin alike; what is printed and the exit code are compared. UUIDs are
/// numbered in the order in which they appear; rows come in the server's order from the one and by
/// name from the other, so that lines are compared sorted where there are several rows.
/// </remarks>
public sealed class VsctlOracleTests : IAsyncLifetime
{
    private const string Server = "/usr/sbin/ovsdb-server";
    private readonly string _folder = Directory.CreateTempSubdirectory("fx-windows-v-").FullName;
    private readonly List<Process> _servers = [];

    public async Task InitializeAsync()
    {
        foreach (var side in (string[])["stock", "ours"])
        {
            var database = Path.Combine(_folder, side + ".db");
            Run("ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema");
            _servers.Add(Process.Start(new ProcessStartInfo(Server,
            [
                $"--remote=punix:{Socket(side)}", $"--unixctl={_folder}/{side}.ctl",
                "--no-chdir", "-vconsole:off", database,
            ])
            {
                Environment = { ["OVS_RUNDIR"] = _folder, ["OVS_LOGDIR"] = _folder },
            })!);
        }

        foreach (var side in (string[])["stock", "ours"])
        {
            var limit = Stopwatch.StartNew();
            while (!ListeningSocket.IsAt(Socket(side)) && limit.Elapsed < TimeSpan.FromSeconds(20))
            {
                await Task.Yield();
            }
        }

        Assert.Equal(Stock("init"), await OursAsync("init"));
    }

    public Task DisposeAsync()
    {
        foreach (var server in _servers)
        {
            server.Kill();
            server.WaitForExit();
        }

        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Configuring_and_asking_is_as_with_the_stock_tool()
    {
        foreach (var line in Commands)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(word => word.Replace('_', ' ').Replace('§', '_')).ToArray();
            var stock = Stock(words);
            var ours = await OursAsync(words);
            Assert.True(
                stock == ours,
                $"{line}\nstock {stock.ExitCode}: {stock.Text}\nours {ours.ExitCode}: {ours.Text}");
        }
    }

    /// <summary>Blanks separate words; '_' is a blank inside of one, '§' an underscore.</summary>
    private static readonly string[] Commands =
    [
        "add-br br0",
        "add-port br0 p1 tag=5 -- set Interface p1 type=internal external§ids:iface-id=x_y",
        "add-bond br0 bond0 e1 e2 bond§mode=balance-slb",
        "--may-exist add-bond br0 bond0 e1 e2", "add-bond br0 bond0 e1 e2", "add-bond br0 b2 e9",
        "add-br br0v br0 7", "add-port br0v q1", "add-br br1", "add-port br1 eth0",
        "--may-exist add-br br0v br0 7", "--may-exist add-br br0",
        "add-br br2 br0", "add-br br2 br0 5000", "add-br br2 nope 5", "add-br br2 br0v 8",
        "list-br", "--real list-br", "--fake list-br", "list-ports br0", "list-ports br0v",
        "list-ifaces br0", "list-ifaces br0v", "port-to-br q1", "port-to-br p1", "iface-to-br e1",
        "br-to-vlan br0v", "br-to-vlan br0", "br-to-parent br0v", "br-to-parent br0",
        "br-exists br0", "br-exists br0v", "br-exists nope",
        "br-set-external-id br0 k v1", "br-get-external-id br0", "br-get-external-id br0 k",
        "br-get-external-id br0 z", "br-set-external-id br0v k v2", "br-get-external-id br0v",
        "get Port br0v external§ids", "br-set-external-id br0 k", "br-get-external-id br0",
        "set-controller br0 tcp:1.2.3.4:6653 ssl:1.1.1.1:6653", "get-controller br0",
        "get-controller br0v", "del-controller br0", "get-controller br0",
        "get-fail-mode br0", "set-fail-mode br0 secure", "get-fail-mode br0",
        "set-fail-mode br0 odd", "del-fail-mode br0", "get-fail-mode br0",
        "set-manager ptcp:6640 ptcp:6641", "get-manager", "del-manager", "get-manager",
        "get-ssl", "set-ssl key.pem cert.pem ca.pem", "get-ssl", "--bootstrap set-ssl k c a",
        "get-ssl", "del-ssl", "get-ssl",
        "--columns=name,tag,trunks find Port name=p1",
        "--format=table --columns=name,tag,trunks find Port name=p1",
        "--format=csv --columns=name,external§ids find Interface name=p1",
        "--format=json --columns=name,external§ids,type find Interface name=p1",
        "--format=html --columns=name,external§ids find Interface name=p1",
        "--data=json --columns=name,external§ids list Interface p1",
        "--data=bare --columns=name,external§ids list Interface p1",
        "--bare --columns=name,tag find Port name=p1",
        "--no-headings --format=table --columns=name,tag list Port p1",
        "--columns=name find Port tag=7", "--columns=name find Port tag!=[]",
        "--columns=name find Port tag>5", "--columns=name find Port tag<6",
        "--columns=name find Port trunks=[]", "--columns=name find Port name{in}p1,q1",
        "--columns=name find Port tag{not-in}5,6,7",
        "--columns=name find Interface external§ids:iface-id=x_y",
        "--columns=name find Interface external§ids:iface-id!=x_y",
        "--columns=name find Port name=p1 tag=6", "find Port nope=1", "find Port tag~5",
        "--columns=nope list Port", "list Nope", "list Bridge nope", "list Port p1",
        "get Port p1 tag", "get Port p1 nope", "get Port p1 tag:x", "get Interface p1 name type",
        "get Bridge br0 external§ids:zz", "--if-exists get Bridge br0 external§ids:zz",
        "get Interface p1 external§ids:iface-id", "set Port p1 tag=x", "set Bridge br0",
        "set Bridge br0 stp§enable=maybe", "set Bridge br0 stp§enable",
        "set Bridge br0 stp§enable=true other§config:hwaddr=02:00:00:00:00:01",
        "set Bridge br0 other§config:a=b", "get Bridge br0 other§config stp§enable",
        "add Port p1 trunks 5 6 7", "get Port p1 trunks", "remove Port p1 trunks 6",
        "get Port p1 trunks", "clear Port p1 trunks", "get Port p1 trunks",
        "remove Bridge br0 other§config a", "get Bridge br0 other§config",
        "--oneline list-br -- list-ports br0 -- get Port p1 tag",
        "--dry-run add-br zz", "br-exists zz", "comment what this is",
        "--id=@p get Port p1 -- --id=@m create Mirror name=m select§dst§port=@p "
            + "-- set Bridge br0 mirrors=@m",
        "wait-until Port p1 tag=5", "wait-until Bridge br0",
        "emer-reset", "get Bridge br0 other§config mirrors stp§enable",
        "add-br", "add-br a b c d", "del-port", "frobnicate", "create Nope", "find",
        "del-port nope", "--if-exists del-port nope", "del-port br1 p1", "del-port br0",
        "--with-iface del-port e1", "list-ports br0", "del-br nope", "--if-exists del-br nope",
        "add-port nope x", "add-port br0 p1", "add-port br0 br1", "--may-exist add-port br0 p1",
        "list-ports nope", "port-to-br nope", "iface-to-br nope", "br-to-vlan nope",
        "del-br br0v", "list-br", "list-ports br0", "del-br br0 -- del-br br1", "list-br", "show",
    ];

    private string Socket(string side) => Path.Combine(_folder, side + ".sock");

    private (int ExitCode, string Text) Stock(params string[] words)
    {
        var (exitCode, text, error) = Run(
            "ovs-vsctl", [$"--db=unix:{Socket("stock")}", "--no-wait", .. words]);
        return (exitCode, Comparable(text + error.Replace("ovs-vsctl: ", "")));
    }

    private async Task<(int ExitCode, string Text)> OursAsync(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await VsctlTool.RunAsync(
            [$"--db=unix:{Socket("ours")}", "--no-wait", .. words], output, error);
        return (exitCode, Comparable(output + error.ToString().Replace("fabric vsctl: ", "")));
    }

    private static string Comparable(string text)
    {
        text = System.Text.RegularExpressions.Regex.Replace(
            text, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", _ => "UUID");
        return string.Join('\n', text.Split('\n').Order(StringComparer.Ordinal));
    }

    private static (int ExitCode, string Output, string Error) Run(
        string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
