using System.Net.Sockets;
using System.Text;

namespace Fabric.Benchmarks.Ovsdb;

/// <summary>A blocking OVSDB client that knows only where a message ends.</summary>
internal sealed class OvsdbClient : IDisposable
{
    private readonly byte[] _buffer = new byte[1 << 16];

    public OvsdbClient(string path)
    {
        Socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Socket.Connect(new UnixDomainSocketEndPoint(path));
    }

    public Socket Socket { get; }

    /// <summary>Sends a request and waits for one whole message.</summary>
    /// <exception cref="InvalidOperationException">The server refuses, or closed.</exception>
    public void Call(string method, string parameters)
    {
        Socket.Send(Encoding.UTF8.GetBytes(
            $$"""{"id":1,"method":"{{method}}","params":{{parameters}}}"""));
        var (depth, isText, text) = (0, false, new StringBuilder());
        do
        {
            var size = Socket.Receive(_buffer);
            if (size == 0) throw new InvalidOperationException("the server closed");
            for (var i = 0; i < size; i++)
            {
                var letter = _buffer[i];
                if (isText)
                {
                    if (letter == '\\') i++;
                    else if (letter == '"') isText = false;
                    continue;
                }

                if (letter == '"') isText = true;
                else if (letter is (byte)'{' or (byte)'[') depth++;
                else if (letter is (byte)'}' or (byte)']') depth--;
            }

            if (text.Length < 1024) text.Append(Encoding.UTF8.GetString(_buffer, 0, size));
        }
        while (depth > 0);
        if (text.ToString().Contains("\"details\"", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"{method}: {text}");
        }
    }

    public void Dispose() => Socket.Dispose();
}
