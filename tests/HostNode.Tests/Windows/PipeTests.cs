using System.IO.Pipes;
using System.Net.Sockets;
using System.Text;
using Fabric.HostNode.Windows;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>Pipes as OVS tools on Windows use them, as far as this system has them.</summary>
public sealed class PipeTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("fx-windows-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(@"C:\openvswitch\var\run\db.sock", "C:openvswitchvarrundb.sock")]
    [InlineData("C:/ProgramData/openvswitch/br0.mgmt", "C:ProgramDataopenvswitchbr0.mgmt")]
    [InlineData("plain", "plain")]
    public void A_pipe_is_named_as_its_path_without_slashes(string path, string name) =>
        Assert.Equal(name, PipeName.Of(path));

    [Theory]
    [InlineData("ovs-vswitchd.1234.ctl", "ovs-vswitchd.ctl")]
    [InlineData("ovsdb-server.9.ctl", "ovsdb-server.ctl")]
    [InlineData("ovs-vswitchd.ctl", "ovs-vswitchd.ctl")]
    [InlineData("br-int.mgmt", "br-int.mgmt")]
    [InlineData("db.sock", "db.sock")]
    public void The_control_file_has_no_process_id_on_windows(string file, string name) =>
        Assert.Equal(name, PipeName.PublicNameOf(Path.Combine(_folder, file)));

    [Theory]
    [InlineData("db.sock", true)]
    [InlineData("br0.mgmt", true)]
    [InlineData("br0.snoop", true)]
    [InlineData("ovs-vswitchd.1.ctl", true)]
    [InlineData("ovs-vswitchd.pid", false)]
    [InlineData("conf.db", false)]
    public void Only_sockets_get_pipes(string file, bool isSocket) =>
        Assert.Equal(isSocket, PipeName.IsSocket(file));

    [Fact]
    public async Task A_client_finds_the_placeholder_and_speaks_with_the_socket_behind_it()
    {
        var socketPath = Path.Combine(_folder, "db.sock");
        using var server = Serve(socketPath);
        var path = Path.Combine(_folder, "run", "db.sock");
        await using var listener = PipeListener.Start(path, socketPath);

        Assert.True(File.Exists(path));
        Assert.Equal(0, new FileInfo(path).Length);
        for (var i = 0; i < 3; i++) Assert.Equal($"HELLO {i}", await AskAsync(path, $"hello {i}"));
        Assert.Equal(3, listener.Served);
    }

    [Fact]
    public async Task Large_messages_pass_unchanged_in_both_directions()
    {
        var socketPath = Path.Combine(_folder, "db.sock");
        using var server = Serve(socketPath);
        var path = Path.Combine(_folder, "run", "db.sock");
        await using var listener = PipeListener.Start(path, socketPath);
        var text = string.Concat(Enumerable.Range(0, 40_000).Select(i => (char)('a' + (i % 26))));

        Assert.Equal(text.ToUpperInvariant(), await AskAsync(path, text));
    }

    [Fact]
    public async Task A_socket_that_nobody_serves_closes_the_pipe_and_the_next_one_works()
    {
        var socketPath = Path.Combine(_folder, "db.sock");
        var path = Path.Combine(_folder, "run", "db.sock");
        await using var listener = PipeListener.Start(path, socketPath);
        Assert.Equal("", await AskAsync(path, "anybody?"));

        using var server = Serve(socketPath);
        Assert.Equal("NOW", await AskAsync(path, "now"));
    }

    [Fact]
    public async Task The_placeholder_goes_with_the_listener()
    {
        var path = Path.Combine(_folder, "run", "db.sock");
        var listener = PipeListener.Start(path, Path.Combine(_folder, "db.sock"));
        await listener.DisposeAsync();
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_path_longer_than_a_pipe_s_name_is_refused()
    {
        var path = Path.Combine(_folder, new string('x', 300));
        Assert.Throws<IOException>(() => PipeListener.Start(path, _folder));
    }

    [Fact]
    public async Task Every_socket_of_the_run_folder_has_its_pipe_while_it_is_there()
    {
        var sockets = Directory.CreateDirectory(Path.Combine(_folder, "ovs")).FullName;
        var tools = Path.Combine(_folder, "tools");
        using var database = Serve(Path.Combine(sockets, "db.sock"));
        using var control = Serve(Path.Combine(sockets, "ovs-vswitchd.77.ctl"));
        File.WriteAllText(Path.Combine(sockets, "ovs-vswitchd.pid"), "77\n");
        await using var bridge = new PipeBridge(sockets, tools, TimeProvider.System, _ => { });

        await Until(() => bridge.Paths.Count == 2);
        Assert.Equal(
            ["db.sock", "ovs-vswitchd.ctl"], bridge.Paths.Select(path => Path.GetFileName(path)));
        Assert.Equal("PING", await AskAsync(Path.Combine(tools, "ovs-vswitchd.ctl"), "ping"));

        using (Serve(Path.Combine(sockets, "br0.mgmt")))
        {
            await Until(() => bridge.Paths.Count == 3);
        }

        File.Delete(Path.Combine(sockets, "br0.mgmt"));
        await Until(() => bridge.Paths.Count == 2);
        await Until(() => !File.Exists(Path.Combine(tools, "br0.mgmt")));
    }

    /// <summary>A server that answers each line in capitals and then closes.</summary>
    private static Socket Serve(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        _ = AcceptAsync(socket);
        return socket;
    }

    private static async Task AcceptAsync(Socket socket)
    {
        try
        {
            while (true)
            {
                using var client = await socket.AcceptAsync();
                using var stream = new NetworkStream(client);
                using var reader = new StreamReader(stream);
                var line = await reader.ReadLineAsync();
                await stream.WriteAsync(Encoding.UTF8.GetBytes(line!.ToUpperInvariant()));
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task<string> AskAsync(string path, string question)
    {
        using var limit = new CancellationTokenSource(Patience);
        await using var pipe = new NamedPipeClientStream(
            ".", PipeName.Of(path), PipeDirection.InOut, PipeOptions.Asynchronous);
        await pipe.ConnectAsync(limit.Token);
        try
        {
            await pipe.WriteAsync(Encoding.UTF8.GetBytes(question + "\n"), limit.Token);
            using var reader = new StreamReader(pipe);
            return await reader.ReadToEndAsync(limit.Token);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task Until(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!holds()) await Task.Delay(10, limit.Token);
    }
}
