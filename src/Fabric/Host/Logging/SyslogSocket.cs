using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fabric.Host;

/// <summary>Lines to the system's log: one datagram each, never waited for.</summary>
/// <remarks>
/// RFC 3164 to /dev/log, a Unix socket or a UDP port (--syslog-method); RFC 5424 to the host of
/// --syslog-target. What cannot be sent is lost, as with every syslog; the reader of a Unix socket
/// that was started anew is found again. Not for several threads at once.
/// </remarks>
public sealed class SyslogSocket : IDisposable
{
    private const string SystemSocket = "/dev/log";
    private const int StandardPort = 514;

    private static readonly VlogPattern Rfc5424 =
        new("<%B>1 %D{%Y-%m-%dT%H:%M:%S.###Z} %E %A %P %c - \uFEFF");

    private readonly EndPoint _place;
    private Socket _socket;

    private SyslogSocket(Socket socket, EndPoint place, VlogPattern prefix) =>
        (_socket, _place, Prefix) = (socket, place, prefix);

    /// <summary>What stands in front of each line.</summary>
    public VlogPattern Prefix { get; }

    /// <summary>Null where there is no system log that could be reached.</summary>
    /// <param name="method">
    /// "libc" or null: /dev/log; "null"; "unix:FILE"; "udp:IP:PORT".
    /// </param>
    /// <param name="target">A host that takes RFC 5424 at UDP port 514 besides, or null.</param>
    public static SyslogSocket? Open(string? method, string? target)
    {
        if (target is not null) return Udp($"{target}:{StandardPort}", Rfc5424);
        return method switch
        {
            "null" => null,
            null or "libc" => File.Exists(SystemSocket) ? Unix(SystemSocket) : null,
            _ when method.StartsWith("unix:", StringComparison.Ordinal) => Unix(method[5..]),
            _ when method.StartsWith("udp:", StringComparison.Ordinal) =>
                Udp(method[4..], VlogPattern.SyslogPrefix),
            _ => null,
        };
    }

    private static SyslogSocket? Unix(string path) => OperatingSystem.IsWindows()
        ? null
        : At(new UnixDomainSocketEndPoint(path), VlogPattern.SyslogPrefix);

    private static SyslogSocket? Udp(string text, VlogPattern prefix) =>
        IPEndPoint.TryParse(text, out var place) ? At(place, prefix) : null;

    private static SyslogSocket? At(EndPoint place, VlogPattern prefix) =>
        Connect(place) is { } socket ? new SyslogSocket(socket, place, prefix) : null;

    private static Socket? Connect(EndPoint place)
    {
        var protocol = place.AddressFamily == AddressFamily.Unix
            ? ProtocolType.Unspecified
            : ProtocolType.Udp;
        var socket = new Socket(place.AddressFamily, SocketType.Dgram, protocol);
        try
        {
            socket.Connect(place);
            socket.Blocking = false;
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    internal void Send(in VlogLine line, VlogPattern pattern)
    {
        var text = Encoding.UTF8.GetBytes($"{Prefix.Format(in line)} {pattern.Format(in line)}");
        if (TrySend(text) || _place.AddressFamily != AddressFamily.Unix) return;
        if (Connect(_place) is not { } again) return;
        _socket.Dispose();
        _socket = again;
        TrySend(text);
    }

    /// <returns>False: nobody is there any more.</returns>
    private bool TrySend(byte[] text)
    {
        try
        {
            _socket.Send(text);
            return true;
        }
        catch (SocketException error)
        {
            // Who is only behind loses the line, and the work goes on.
            return error.SocketErrorCode is SocketError.WouldBlock
                or SocketError.NoBufferSpaceAvailable;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    public void Dispose() => _socket.Dispose();
}
