namespace Fabric.Conformance;

/// <summary>
/// Clients that want too much, or nothing: they are hung up upon, and the others go on.
/// </summary>
public sealed class HostileClientTests
{
    private const string Schema = """
        {"name":"o","version":"1.0.0","tables":{
        "big":{"isRoot":true,"columns":{"text":{"type":"string"},"n":{"type":"integer"}}},
        "Root":{"isRoot":true,"columns":{"managers":{"type":{"key":{"type":"uuid",
        "refTable":"Manager"},"min":0}}}},
        "Manager":{"columns":{"target":{"type":"string"},
        "inactivity_probe":{"type":{"key":"integer","min":0}}}}}}
        """;

    /// <summary>How each of them behaves; then a good client is served as before.</summary>
    private const string Clients = """
        import json, socket, sys, time

        def connect(path='s'):
            s = socket.socket(socket.AF_UNIX); s.connect(path); s.settimeout(60); return s

        def call(s, method, *params):
            s.sendall(json.dumps({'method': method, 'id': 1, 'params': params}).encode())
            text = b''
            while True:
                text += s.recv(1 << 20)
                if not text.endswith(b'}'): continue
                try: return json.loads(text)
                except ValueError: pass

        def read_to_end(s):
            size = 0
            try:
                while True:
                    data = s.recv(1 << 20)
                    if not data: return size
                    size += len(data)
            except (ConnectionResetError, BrokenPipeError):
                return size

        def send(s, data):
            try: s.sendall(data)
            except (ConnectionResetError, BrokenPipeError): pass

        good = connect()
        for i in range(24):
            call(good, 'transact', 'o',
                 {'op': 'insert', 'table': 'big', 'row': {'text': 'x' * 3000000}})

        # Monitors 72 MB, reads none of it, and then all of it changes.
        select = ['o', {'op': 'select', 'table': 'big', 'where': []}]
        lazy = connect()
        lazy.sendall(json.dumps({'method': 'monitor', 'id': 1,
                                 'params': ['o', 1, {'big': {}}]}).encode())
        size = len(lazy.recv(1))
        call(good, 'transact', 'o', {'op': 'update', 'table': 'big', 'where': [], 'row': {'n': 1}})
        while b'cut off' not in open('ovsdb-server.log', 'rb').read(): time.sleep(0.05)
        size += read_to_end(lazy)
        assert size < 144000000, size
        print('lazy')

        # Who reads gets as much as there is.
        assert len(call(good, 'transact', *select)['result'][0]['rows']) == 24
        call(good, 'transact', 'o', {'op': 'delete', 'table': 'big', 'where': []})
        print('reader')

        for name, data in (
                ('deep', b'{"id":1,"method":"echo","params":' + b'[' * 1001 + b']' * 1001 + b'}'),
                ('long', b'{"id":1,"method":"echo","params":["' + b'x' * (65 << 20)),
                ('utf8', b'{"id":1,"method":"echo","params":["\xff\xfe"]}')):
            s = connect(); send(s, data)
            assert read_to_end(s) == 0, name
            print(name)

        # Connected, and never heard of: asked once, then cut off.
        call(good, 'transact', 'o',
             {'op': 'insert', 'table': 'Manager', 'uuid-name': 'm', 'row':
              {'target': 'ptcp:%s:127.0.0.1' % sys.argv[1], 'inactivity_probe': 300}},
             {'op': 'insert', 'table': 'Root', 'row': {'managers': ['named-uuid', 'm']}})
        while True:
            try: half = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); break
            except ConnectionRefusedError: time.sleep(0.05)
        half.settimeout(60); heard = b''
        while True:
            data = half.recv(65536)
            if not data: break
            heard += data
        assert json.loads(heard)['method'] == 'echo', heard
        print('half-open')
        assert call(good, 'echo', 'a')['result'] == ['a']
        """;

    [Fact]
    public async Task They_are_hung_up_upon_and_the_others_go_on()
    {
        using var world = new DropInWorld("ovsdb-server", "ovsdb-tool");
        await File.WriteAllTextAsync($"{world.Folder}/schema", Schema);
        await File.WriteAllTextAsync($"{world.Folder}/clients.py", Clients);
        await world.SaysAsync("ovsdb-tool create db schema && ovsdb-server --detach --no-chdir "
            + "--pidfile --log-file -vconsole:off --remote=punix:s "
            + "--remote=db:o,Root,managers db");
        var port = 20_000 + Environment.ProcessId % 10_000;
        Assert.Equal("lazy\nreader\ndeep\nlong\nutf8\nhalf-open",
            await world.SaysAsync($"python3 clients.py {port}", TimeSpan.FromMinutes(2)));
        var log = await File.ReadAllTextAsync($"{world.Folder}/ovsdb-server.log");
        Assert.DoesNotContain("Exception", log);
        Assert.DoesNotContain("|ERR|", log);
    }
}
