using System.Net.Sockets;
using System.Text;
using Fabric.Host;

namespace Fabric.Tests.Host;

public sealed class UnixctlTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-ctl-").FullName;
    private readonly UnixctlListener _listener;
    private readonly string _path;

    public UnixctlTests()
    {
        _path = Path.Combine(_folder, "x.ctl");
        var commands = new UnixctlCommands();
        commands.Register("echo", "TEXT", 1, 2, request =>
            Task.FromResult(string.Join(' ', request.Arguments)));
        _listener = UnixctlListener.Start(
            _path, commands, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _listener.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("""{"id":0,"method":"echo","params":["a","b"]}""",
        """{"id":0,"result":"a b\n","error":null}""")]
    [InlineData("""{"id":"x","method":"echo","params":[]}""",
        """{"id":"x","result":null,"error":"\u0022echo\u0022 command requires at least 1 arguments\n"}""")]
    [InlineData("""{"id":1,"method":"echo","params":["1","2","3"]}""",
        """{"id":1,"result":null,"error":"\u0022echo\u0022 command takes at most 2 arguments\n"}""")]
    [InlineData("""{"id":1,"method":"echo","params":[7]}""",
        """{"id":1,"result":null,"error":"command has non-string argument\n"}""")]
    [InlineData("""{"id":1,"method":"nope","params":[]}""",
        """{"id":1,"result":null,"error":"\u0022nope\u0022 is not a valid command (use \u0022list-commands\u0022 to see a list of valid commands)\n"}""")]
    [InlineData("""[1]""", """{"id":null,"result":null,"error":"invalid request\n"}""")]
    public async Task A_request_gets_its_answer(string request, string answer) =>
        Assert.Equal(answer, await AskAsync(request));

    [Fact]
    public async Task Whoever_ends_the_daemon_is_answered_before_the_socket_goes()
    {
        var path = Path.Combine(_folder, "ends.ctl");
        var commands = new UnixctlCommands();
        var ended = new TaskCompletionSource();
        commands.Register("exit", "", 0, 0, async _ =>
        {
            ended.SetResult();
            await Task.Yield();
            while (File.Exists(path)) await Task.Yield();
            return "gone";
        });
        var listener = UnixctlListener.Start(
            path, commands, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var answer = AskAsync("""{"id":0,"method":"exit","params":[]}""", path);
        await ended.Task;
        await listener.DisposeAsync();
        Assert.Contains("gone", await answer);
    }

    [Fact]
    public async Task Requests_may_come_in_pieces_and_one_behind_the_other()
    {
        using var socket = await ConnectAsync();
        await SendAsync(socket, """{"id":1,"method":"ec""");
        await SendAsync(socket, """ho","params":["a"]}{"id":2,"method":"echo","params":["b"]}""");
        var text = "";
        while (!text.Contains("\"b\\n\"")) text += await ReceiveAsync(socket);
        Assert.Contains("\"result\":\"a\\n\"", text);
    }

    [Theory]
    [InlineData("no json at all")]
    [InlineData("{\"id\":")]
    [InlineData("\u0000\u0001\u0002")]
    public async Task Garbage_closes_the_connection_and_harms_nobody_else(string garbage)
    {
        using (var socket = await ConnectAsync())
        {
            await SendAsync(socket, garbage);
            socket.Shutdown(SocketShutdown.Send);
            Assert.Equal("", await ReceiveAsync(socket));
        }

        Assert.Contains("ok", await AskAsync("""{"id":0,"method":"echo","params":["ok"]}"""));
    }

    [Fact]
    public void The_pidfile_holds_the_pid_and_goes_with_its_owner()
    {
        var path = Path.Combine(_folder, "d.pid");
        using (PidFile.Create(path))
        {
            Assert.True(File.Exists(path));
        }

        Assert.False(File.Exists(path));
    }

    private async Task<string> AskAsync(string request, string? path = null)
    {
        using var socket = await ConnectAsync(path);
        await SendAsync(socket, request);
        return await ReceiveAsync(socket);
    }

    private async Task<Socket> ConnectAsync(string? path = null)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path ?? _path));
        return socket;
    }

    private static async Task SendAsync(Socket socket, string text) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), SocketFlags.None);

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var buffer = new byte[64 * 1024];
        var size = await socket.ReceiveAsync(buffer, SocketFlags.None, limit.Token);
        return Encoding.UTF8.GetString(buffer, 0, size);
    }
}
