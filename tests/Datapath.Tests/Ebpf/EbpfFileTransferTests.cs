using System.Diagnostics;
using System.Security.Cryptography;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>FTP and TFTP of Debian's clients and servers through helpers in the kernel.</summary>
/// <remarks>
/// Only the control channel is let in: a data connection passes because it was announced, and is
/// `rel`, or it does not pass. What the server begins unannounced finds no flow.
/// </remarks>
public sealed class EbpfFileTransferTests
{
    private const string Client = "10.8.0.1", Server = "10.8.0.2", Public = "10.8.100.200";

    private static readonly string[] Modes =
        ["", "--disable-epsv --no-ftp-skip-pasv-ip", "--ftp-port -", "--ftp-port - --disable-eprt"];

    [EbpfTheory]
    [InlineData("", Server)]
    [InlineData($",nat(src={Public})", Server)]
    [InlineData($",nat(dst={Server})", Public)]
    public void Files_come_and_go_in_every_mode(string nat, string address)
    {
        if (Missing() is not null) return;
        using var lab = new Lab(nat.Length == 0 ? ",nat" : nat);
        lab.StartServers();
        foreach (var mode in Modes)
        {
            lab.Fetch($"{mode} ftp://{address}/data");
            lab.Store($"{mode} ftp://{address}/upload/");
        }

        lab.Fetch($"tftp://{address}/data");
        var related = new List<ConntrackEntry>();
        lab.Datapath.Conntrack.Dump(7, related.Add);
        Assert.Contains(related, entry => entry.Parent is not null && entry.Helper is null);
        Assert.Contains(related, entry => entry.Helper == "ftp");
        Assert.Contains(related, entry => entry.Helper == "tftp");
        Assert.Equal(0ul, lab.Datapath.DropCounts()[(int)DropReason.ConntrackAlg]);
    }

    private static string? Missing() => ((string[])["vsftpd", "in.tftpd", "curl"])
        .FirstOrDefault(program => !File.Exists("/usr/sbin/" + program)
            && !File.Exists("/usr/bin/" + program));

    /// <summary>A client, a server, and a firewall between them that knows two ports.</summary>
    private sealed class Lab : IDisposable
    {
        private const int FileSize = 300_000;

        private readonly NetworkNamespace _client = new();
        private readonly NetworkNamespace _server = new();
        private readonly NamespaceScope _scope = new();
        private readonly List<Process> _servers = [];
        private readonly string _folder =
            Directory.CreateTempSubdirectory("fabric-files-").FullName;

        public Lab(string nat)
        {
            Wire("va", _client, $"{Client}/16");
            Wire("vb", _server, $"{Server}/16");
            // Translated addresses belong to nobody who would answer for them.
            Neighbour(_client, _server);
            Neighbour(_server, _client);
            Assert.True(
                EbpfDatapath.TryOpen(EbpfSupport.SmallOptions, out var datapath, out var error),
                error);
            Datapath = datapath!;
            foreach (var device in (string[])["va", "vb"])
            {
                Assert.True(Datapath.Ports.TryAdd(
                    new DatapathPortSpec(device, DatapathPortKind.System), out _, out error),
                    error);
            }

            PutFirewall(nat);
            MakeFiles();
        }

        public EbpfDatapath Datapath { get; }

        public void StartServers()
        {
            _servers.Add(Start($"vsftpd {_folder}/vsftpd.conf"));
            _servers.Add(Start($"in.tftpd --foreground --address {Server}:69 --user nobody "
                + $"--permissive --secure {_folder}"));
            Assert.True(
                DeviceLab.Eventually(
                    () => Curl($"-o /dev/null --list-only ftp://{Server}/") == ""),
                "no FTP server");
        }

        public void Fetch(string arguments)
        {
            var to = Path.Combine(_folder, "fetched");
            var said = "";
            Assert.True(
                DeviceLab.Eventually(() => (said = Curl($"-o {to} {arguments}")) == ""),
                $"{arguments}: {said}");
            Assert.Equal(HashOf("data"), HashOf("fetched"));
            File.Delete(to);
        }

        public void Store(string arguments)
        {
            Assert.Equal("", Curl($"-T {_folder}/data {arguments}"));
            Assert.Equal(HashOf("data"), HashOf("upload/data"));
            File.Delete(Path.Combine(_folder, "upload/data"));
        }

        private string Curl(string arguments) =>
            _client.Exec($"curl -sS --max-time 15 --connect-timeout 3 {arguments}").Trim();

        private string HashOf(string name) => Convert.ToHexString(
            SHA256.HashData(File.ReadAllBytes(Path.Combine(_folder, name))));

        private void MakeFiles()
        {
            NetworkNamespace.Shell(
                $"chmod 755 {_folder}; mkdir {_folder}/upload {_folder}/empty; "
                + $"chmod 777 {_folder}/upload; "
                + $"head -c {FileSize} /dev/urandom > {_folder}/data; chmod 644 {_folder}/data");
            File.WriteAllText(Path.Combine(_folder, "vsftpd.conf"), $"""
                listen=YES
                background=NO
                anonymous_enable=YES
                anon_root={_folder}
                anon_upload_enable=YES
                anon_umask=022
                write_enable=YES
                local_enable=NO
                no_anon_password=YES
                secure_chroot_dir={_folder}/empty
                seccomp_sandbox=NO
                xferlog_enable=NO

                """);
        }

        private void PutFirewall(string nat)
        {
            const string Ip = "eth_type(0x0800)";
            for (uint port = 1; port <= 2; port++)
            {
                var (at, to) = ($"in_port({port})", $"{3 - port}");
                Put($"recirc_id(0),{at},eth_type(0x0806)", to);
                Put($"recirc_id(0),{at},{Ip}", "ct(zone=7,nat),recirc(0x1)");
                Put($"ct_state(+est-inv+trk),recirc_id(0x1),{at},{Ip}", to);
                Put($"ct_state(+new-est+rel-inv+trk),recirc_id(0x1),{at},{Ip}",
                    $"ct(commit,zone=7,nat),{to}");
            }

            foreach (var (protocol, name, port, helper) in
                ((int, string, int, string)[])[(6, "tcp", 21, "ftp"), (17, "udp", 69, "tftp")])
            {
                Put($"ct_state(+new-est-rel-inv+trk),recirc_id(0x1),in_port(1),{Ip},"
                    + $"ipv4(proto={protocol}),{name}(dst={port})",
                    $"ct(commit,zone=7,helper={helper}{nat}),2");
            }
        }

        private void Put(string flow, string actions)
        {
            Assert.True(
                OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error), error);
            Assert.True(OdpActionText.TryParse(actions, null, out var list, out error), error);
            mask.RecirculationIdWire = uint.MaxValue;
            Assert.Equal(FlowPutResult.Added, Datapath.Flows.Put(key, mask, list));
        }

        private void Wire(string device, NetworkNamespace workload, string address) =>
            NetworkNamespace.Shell(
                $"ip link add {device} type veth peer name eth0 netns {workload.Name}; "
                + $"ip link set {device} up; ip -n {workload.Name} link set eth0 up; "
                + $"ip -n {workload.Name} addr add {address} dev eth0");

        private static void Neighbour(NetworkNamespace at, NetworkNamespace other)
        {
            var mac = other.Exec("cat /sys/class/net/eth0/address").Trim();
            NetworkNamespace.Shell(
                $"ip -n {at.Name} neigh replace {Public} lladdr {mac} dev eth0");
        }

        private Process Start(string command) => Process.Start(
            "ip", ["netns", "exec", _server.Name, .. command.Split(' ')]);

        public void Dispose()
        {
            foreach (var server in _servers)
            {
                server.Kill(entireProcessTree: true);
                server.WaitForExit();
                server.Dispose();
            }

            Datapath.Dispose();
            _scope.Dispose();
            _server.Dispose();
            _client.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
