using System.Net;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>
/// Debian's OVN: central (two databases, ovn-northd) and a chassis (ovs-vswitchd's userspace
/// datapath, ovn-controller) on a host of the topology, with run folders of their own.
/// </summary>
/// <param name="vswitchd">What stands in for ovs-vswitchd; null: Debian's.</param>
internal sealed class RealChassis(DemoTopology topology, int host, string[]? vswitchd = null)
    : IAsyncDisposable
{
    private readonly string _folder = Path.Combine(topology.Folder, $"ovn{host}");
    private readonly List<string> _pidFiles = [];

    public string Northbound => $"unix:{_folder}/nb.sock";
    public string Southbound => $"unix:{_folder}/sb.sock";

    public static bool IsInstalled => File.Exists("/usr/bin/ovn-northd")
        && File.Exists("/usr/bin/ovn-controller") && File.Exists("/usr/sbin/ovs-vswitchd");

    private Dictionary<string, string> Environment => new()
    {
        ["OVS_RUNDIR"] = _folder, ["OVS_LOGDIR"] = _folder, ["OVS_DBDIR"] = _folder,
        ["OVN_RUNDIR"] = _folder, ["OVN_LOGDIR"] = _folder, ["OVN_DBDIR"] = _folder,
    };

    /// <summary>Just a database server with OVN_Northbound ("nb") or OVN_Southbound.</summary>
    public async Task StartDatabaseAsync(string name)
    {
        Directory.CreateDirectory(_folder);
        await Shell.RunOrThrowAsync("ovsdb-tool", "create", $"{_folder}/{name}.db",
            $"/usr/share/ovn/ovn-{name}.ovsschema");
        await DaemonAsync($"{name}server", "/usr/sbin/ovsdb-server", $"{_folder}/{name}.db",
            $"--remote=punix:{_folder}/{name}.sock", $"--unixctl={_folder}/{name}.ctl");
    }

    public async Task StartCentralAsync()
    {
        await StartDatabaseAsync("nb");
        await StartDatabaseAsync("sb");
        await DaemonAsync("northd", "/usr/bin/ovn-northd", $"--ovnnb-db={Northbound}",
            $"--ovnsb-db={Southbound}", $"--unixctl={_folder}/northd.ctl");
    }

    /// <summary>The underlay's interface becomes a port of a userspace bridge.</summary>
    /// <param name="southbound">Null: this host's own.</param>
    public async Task StartChassisAsync(string id, string? southbound = null)
    {
        Directory.CreateDirectory(_folder);
        var address = DemoTopology.HostAddress(host);
        await Shell.RunOrThrowAsync("ovsdb-tool", "create", $"{_folder}/conf.db",
            "/usr/share/openvswitch/vswitch.ovsschema");
        await DaemonAsync("ovsdb", "/usr/sbin/ovsdb-server", $"{_folder}/conf.db",
            $"--remote=punix:{_folder}/db.sock", $"--unixctl={_folder}/ovsdb.ctl");
        await VsctlAsync("--no-wait", "init");
        await VsctlAsync("--no-wait", "set", "Open_vSwitch", ".",
            $"external_ids:system-id={id}", $"external_ids:ovn-remote={southbound ?? Southbound}",
            "external_ids:ovn-encap-type=geneve", $"external_ids:ovn-encap-ip={address}",
            "external_ids:ovn-bridge-datapath-type=netdev");
        await DaemonAsync(
            "vswitchd",
            [
                .. vswitchd ?? ["/usr/sbin/ovs-vswitchd"], $"unix:{_folder}/db.sock",
                $"--unixctl={_folder}/vswitchd.ctl",
            ]);
        await VsctlAsync("add-br", "br-phys", "--", "set", "Bridge", "br-phys",
            "datapath_type=netdev", "--", "add-port", "br-phys", "eth0");
        var space = topology.Hosts[host - 1];
        await space.IpAsync("address", "flush", "dev", "eth0");
        await space.IpAsync("address", "add", $"{address}/24", "dev", "br-phys");
        await space.IpAsync("link", "set", "dev", "br-phys", "up");
        await DaemonAsync("controller", "/usr/bin/ovn-controller", $"unix:{_folder}/db.sock");
    }

    public Task<string> VsctlAsync(params string[] words) =>
        SaysAsync(["ovs-vsctl", $"--db=unix:{_folder}/db.sock", "--timeout=20", .. words]);

    /// <summary>
    /// Switches 1 and 2 of one router, 10.N.0.0/24 with the router at .254, and their ports.
    /// </summary>
    /// <param name="name">Of the router; the switches are called after it.</param>
    public async Task AddRoutedSwitchesAsync(
        string name, params (int Switch, string Port, string Addresses)[] ports)
    {
        await NbctlAsync("lr-add", name);
        foreach (var number in (int[])[1, 2])
        {
            var (one, here, there) =
                ($"{name}s{number}", $"{name}s{number}-{name}", $"{name}-{name}s{number}");
            await NbctlAsync(
                "ls-add", one, "--", "lrp-add", name, there, $"02:00:00:00:08:0{number}",
                $"10.{number}.0.254/24", "--", "lsp-add", one, here, "--", "lsp-set-type", here,
                "router", "--", "lsp-set-addresses", here, "router", "--", "lsp-set-options", here,
                $"router-port={there}");
        }

        foreach (var (number, port, addresses) in ports)
        {
            await NbctlAsync(
                "lsp-add", $"{name}s{number}", port, "--", "lsp-set-addresses", port, addresses);
        }
    }

    public Task<string> NbctlAsync(params string[] words) =>
        SaysAsync(["ovn-nbctl", $"--db={Northbound}", "--timeout=20", .. words]);

    public Task<string> SbctlAsync(params string[] words) =>
        SaysAsync(["ovn-sbctl", $"--db={Southbound}", "--timeout=20", .. words]);

    /// <summary>Its rows and megaflows, for a reader of a failed run.</summary>
    public async Task<string> DiagnoseAsync()
    {
        var text = await SbctlAsync("show");
        foreach (var command in (string[])
            ["dpctl/dump-flows", "tnl/neigh/show", "ovs/route/show", "dpif/show"])
        {
            var result = await Shell.RunAsync(
                "ovs-appctl", ["-t", $"{_folder}/vswitchd.ctl", command], Environment);
            text += $"\n{command}:\n{result.Output}{result.Error}";
        }

        return text;
    }

    /// <summary>A namespace with eth0, bound to a logical port of its name.</summary>
    public async Task<DemoWorkload> PlugAsync(string name, string mac, IPAddress address)
    {
        var workload = await topology.AddWorkloadAsync(new DemoWorkload(
            name, host, mac, address, PrefixLength: 24, Gateway: null));
        await VsctlAsync("add-port", "br-int", name, "--", "set", "Interface", name,
            $"external_ids:iface-id={name}");
        return workload;
    }

    private async Task<string> SaysAsync(string[] command)
    {
        var result = await Shell.RunAsync(command[0], command[1..], Environment);
        Assert.True(result.Succeeded, $"{string.Join(' ', command)}: {result.Error}");
        return result.Output.TrimEnd('\n');
    }

    private async Task DaemonAsync(string name, params string[] command)
    {
        var file = $"{_folder}/{name}.pid";
        string[] words =
        [
            .. topology.Hosts[host - 1].Prefix, .. command, "--detach", "--no-chdir",
            $"--pidfile={file}", $"--log-file={_folder}/{name}.log", "-vconsole:off",
        ];
        var result = await Shell.RunAsync(words[0], words[1..], Environment);
        Assert.True(result.Succeeded, $"{command[0]}: {result.Error}");
        _pidFiles.Add(file);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var file in Enumerable.Reverse(_pidFiles).Where(File.Exists))
            await Shell.RunAsync("kill", ["-KILL", File.ReadAllText(file).Trim()]);
    }
}
