using System.Security.Cryptography;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>
/// FTP and TFTP between Debian's clients and servers, through the firewall's helpers and NAT.
/// </summary>
/// <remarks>
/// Only the control channel is let in by a flow: a data connection passes because it was announced,
/// or it does not.
/// </remarks>
public sealed class FileTransferTests(OneHost host) : IClassFixture<OneHost>
{
    private const int FileSize = 300_000;

    /// <summary>What curl is told so that it announces data connections in this way.</summary>
    private static readonly (string Mode, string[] Options)[] Modes =
    [
        ("EPSV", []),
        ("PASV", ["--disable-epsv", "--no-ftp-skip-pasv-ip"]),
        ("EPRT", ["--ftp-port", "-"]),
        ("PORT", ["--ftp-port", "-", "--disable-eprt"]),
    ];

    [NeedsProgramTheory("vsftpd", "curl")]
    [InlineData("fta", "", "10.1.0.2")]
    [InlineData("ftb", ",nat(src=10.1.0.100)", "10.1.0.2")]
    [InlineData("ftc", ",nat(dst=10.1.0.2)", "10.1.0.200")]
    [InlineData("ftd", "", "[fd01::2]")]
    [InlineData("fte", ",nat(src=fd01::100)", "[fd01::2]")]
    public async Task Ftp_passes_in_every_mode_and_nothing_else_does(
        string name, string nat, string address)
    {
        var pair = await TrackedPair.MakeAsync(host, name, name[2] * 10);
        await pair.ApplyAsync(Controlled(pair, "tcp", 21, "ftp", nat));
        using var folder = new SharedFolder(FileSize);
        using var server = StartFtp(pair.Server, folder);
        var url = $"ftp://{address}/";
        Assert.True(await Poll.UntilAsync(async () =>
            (await CurlAsync(pair.Client, ["--list-only", url])).Succeeded), server.Output);
        foreach (var (mode, options) in Modes)
        {
            if (address[0] == '[' && mode is "PASV" or "PORT") continue; // Of IPv4 only.
            var read = await CurlAsync(
                pair.Client, [.. options, "-o", folder.Fetched, url + "data"]);
            Assert.True(read.Succeeded, $"{mode} {read.Error} {await pair.DumpAsync()}");
            Assert.True(folder.IsFetched, mode);
            var written = await CurlAsync(
                pair.Client, [.. options, "-T", folder.Data, $"{url}upload/{mode}"]);
            Assert.True(written.Succeeded, $"{mode} {written.Error} {await pair.DumpAsync()}");
            Assert.True(folder.IsSame(Path.Combine("upload", mode)), mode);
        }

        // The server may not begin anything that was not announced.
        Assert.False(await Probes.ReachesTcpAsync(
            pair.Server, pair.Client.Address, 5001, TimeSpan.FromSeconds(1)));
    }

    [NeedsProgramTheory("in.tftpd", "curl")]
    [InlineData("tfa", "", "10.1.0.2")]
    [InlineData("tfb", ",nat(src=10.1.0.100)", "10.1.0.2")]
    [InlineData("tfc", ",nat(dst=10.1.0.2)", "10.1.0.200")]
    public async Task Tftp_reads_and_writes_and_answers_come_from_another_port(
        string name, string nat, string address)
    {
        var pair = await TrackedPair.MakeAsync(host, name, name[2] * 10 + 5);
        await pair.ApplyAsync(Controlled(pair, "udp", 69, "tftp", nat));
        using var folder = new SharedFolder(60_000);
        using var server = NamespaceDaemon.Start(pair.Server,
            "in.tftpd", "--foreground", "--address", $"{pair.Server.Address}:69", "--user",
            "nobody", "--permissive", "--create", "--secure", folder.Path);
        var url = $"tftp://{address}/";
        ShellResult? read = null;
        Assert.True(await Poll.UntilAsync(async () =>
            (read = await CurlAsync(pair.Client, ["-o", folder.Fetched, url + "data"]))
                .Succeeded),
            $"{read?.Error} {await pair.DumpAsync()}");
        Assert.True(folder.IsFetched);
        var written = await CurlAsync(
            pair.Client, ["-T", folder.Data, url + "upload/back"]);
        Assert.True(written.Succeeded, $"{written.Error} {await pair.DumpAsync()}");
        Assert.True(await Poll.UntilAsync(() => Task.FromResult(folder.IsSame("upload/back"))));
    }

    /// <summary>Flows that let in one control channel and what it opens.</summary>
    private static IEnumerable<string> Controlled(
        TrackedPair pair, string protocol, int port, string helper, string nat)
    {
        foreach (var flow in pair.Flows(""))
        {
            if (!flow.Contains("+new-rel", StringComparison.Ordinal)) yield return flow;
        }

        var family = nat.Contains("::", StringComparison.Ordinal) ? "6" : "";
        foreach (var version in (string[])["", "6"])
        {
            var begin = nat.Length == 0 || version == family ? nat : "";
            yield return $"table=1,priority=20,{protocol}{version},tp_dst={port},in_port=1,"
                + "ct_state=+trk+new-rel,"
                + $"actions=ct(commit,zone={pair.Zone},alg={helper}{begin}),NORMAL";
        }
    }

    private static Task<ShellResult> CurlAsync(DemoWorkload from, IEnumerable<string> arguments) =>
        from.Namespace.RunAsync(
            ["curl", "-sS", "--max-time", "15", "--connect-timeout", "3", .. arguments],
            TimeSpan.FromSeconds(20));

    private static NamespaceDaemon StartFtp(DemoWorkload where, SharedFolder folder)
    {
        var settings = Path.Combine(folder.Path, "vsftpd.conf");
        var empty = Directory.CreateDirectory(Path.Combine(folder.Path, "empty")).FullName;
        File.WriteAllText(settings, $"""
            listen=NO
            listen_ipv6=YES
            background=NO
            anonymous_enable=YES
            anon_root={folder.Path}
            anon_upload_enable=YES
            anon_umask=022
            write_enable=YES
            local_enable=NO
            no_anon_password=YES
            secure_chroot_dir={empty}
            seccomp_sandbox=NO
            xferlog_enable=NO

            """);
        return NamespaceDaemon.Start(where, "vsftpd", settings);
    }

    /// <summary>What servers that gave up root's rights may read, and write to upload/.</summary>
    private sealed class SharedFolder : IDisposable
    {
        private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite
            | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

        private readonly byte[] _hash;

        public SharedFolder(int size)
        {
            Path = Directory.CreateTempSubdirectory("fabric-files-").FullName;
            File.SetUnixFileMode(Path, Readable);
            var upload = Directory.CreateDirectory(System.IO.Path.Combine(Path, "upload"));
            upload.UnixFileMode = Readable | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
            var data = RandomNumberGenerator.GetBytes(size);
            _hash = SHA256.HashData(data);
            File.WriteAllBytes(Data, data);
            File.SetUnixFileMode(Data, Readable);
        }

        public string Path { get; }
        public string Data => System.IO.Path.Combine(Path, "data");
        public string Fetched => System.IO.Path.Combine(Path, "fetched");

        /// <summary>The client's copy is whole; it is removed.</summary>
        public bool IsFetched
        {
            get
            {
                var isSame = IsSame("fetched");
                File.Delete(Fetched);
                return isSame;
            }
        }

        public bool IsSame(string name)
        {
            var path = System.IO.Path.Combine(Path, name);
            return File.Exists(path)
                && SHA256.HashData(File.ReadAllBytes(path)).SequenceEqual(_hash);
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

/// <summary>Needs programs of Debian; says which is missing when it skips.</summary>
internal sealed class NeedsProgramTheoryAttribute : TheoryAttribute
{
    public NeedsProgramTheoryAttribute(params string[] programs)
    {
        var missing = programs.FirstOrDefault(program => !((string[])["/usr/bin", "/usr/sbin"])
            .Any(folder => File.Exists(Path.Combine(folder, program))));
        if (missing is not null) Skip = $"needs {missing}";
    }
}
