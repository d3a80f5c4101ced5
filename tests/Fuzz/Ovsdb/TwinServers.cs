using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Fuzz.Ovsdb;

/// <summary>Debian's ovsdb-server and ours, each with databases of the same schemas.</summary>
internal sealed class TwinServers : IDisposable
{
    public const string Program = "/usr/sbin/ovsdb-server";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-twins-").FullName;
    private readonly Process _stock;
    private readonly Task<int> _ours;

    public TwinServers(IEnumerable<(string Name, string Text)> schemas)
    {
        var names = new List<string>();
        foreach (var schema in schemas)
        {
            if (!JsonText.TryParse(Encoding.UTF8.GetBytes(schema.Text), out var document, out _)
                || !SchemaReader.TryRead(document.RootElement, out var read, out var error))
            {
                throw new InvalidOperationException($"no schema: {schema.Text}");
            }

            foreach (var side in (string[])["stock", "ours"])
            {
                OvsdbLogFile.Create(Path.Combine(_folder, $"{schema.Name}.{side}"), read);
            }

            names.Add(Path.Combine(_folder, schema.Name));
        }

        string[] Words(string side) =>
        [
            .. names.Select(name => $"{name}.{side}"), $"--remote=punix:{_folder}/{side}.sock",
            $"--unixctl={_folder}/{side}.ctl", "-vconsole:off",
        ];
        _stock = Process.Start(new ProcessStartInfo(Program, Words("stock")))!;
        _ours = OvsdbServerHost.RunAsync(Words("ours"));
        Stock = Connect("stock.sock");
        Ours = Connect("ours.sock");
    }

    public TwinClient Stock { get; }
    public TwinClient Ours { get; }

    private TwinClient Connect(string file)
    {
        var path = $"{_folder}/{file}";
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return new TwinClient(path);
            }
            catch (SocketException) when (watch.Elapsed < Patience)
            {
                if (_stock.HasExited) throw new InvalidOperationException("the stock one ended");
                if (_ours.IsCompleted) throw new InvalidOperationException("ours ended");
                Thread.Yield();
            }
        }
    }

    public void Dispose()
    {
        Stock.Dispose();
        Ours.Dispose();
        using (var control = Connect("ours.ctl")) control.Call("exit", "[]");
        _ours.Wait(Patience);
        _stock.Kill();
        _stock.WaitForExit();
        _stock.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A blocking JSON-RPC client that keeps the notifications it meets.</summary>
internal sealed class TwinClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, 0);
    private readonly JsonFramer _framer = new();
    private int _lastId;

    public TwinClient(string path)
    {
        Path = path;
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>What came in between answers, oldest first.</summary>
    public List<JsonNode> Notifications { get; } = [];

    /// <summary>{"result":...,"error":...} of one call.</summary>
    public JsonNode Call(string method, string parameters)
    {
        var id = ++_lastId;
        _socket.Send(Encoding.UTF8.GetBytes(
            $$"""{"id":{{id}},"method":"{{method}}","params":{{parameters}}}"""));
        while (true)
        {
            ReadOnlyMemory<byte> message;
            while (!_framer.TryNext(out message, out var problem))
            {
                if (problem is not null) throw new InvalidDataException(problem);
                var size = _socket.Receive(_framer.GetMemory(65536).Span);
                if (size == 0) throw new InvalidDataException($"{Path} closed upon {parameters}");
                _framer.Advance(size);
            }

            var json = JsonNode.Parse(message.Span)!.AsObject();
            if (json["id"] is JsonValue value && value.ToJsonString() == $"{id}")
            {
                json.Remove("id");
                return json;
            }

            Notifications.Add(json);
        }
    }

    public void Dispose() => _socket.Dispose();
}
