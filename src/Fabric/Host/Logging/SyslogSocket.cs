using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fabric.Host;

/// <summary>Lines to the system's log: one datagram each, never waited for.</summary>
/// <remarks>
/// RFC 3164 to /dev/log, a Unix socket or a UDP port (--syslog-method); RFC 5424 to the host of
/// --syslog-target. What cannot be sent is lost, as with every syslog.
/// </remarks>
public sealed class SyslogSocket : IDisposable
{
    private const string SystemSocket = "/dev/log";
    private const int StandardPort = 514;

    private static readonly VlogPattern Rfc5424 =
        new("<%B>1 %D{%Y-%m-%dT%H:%M:%S.###Z} %E %A %P %c - \uFEFF");

    private readonly Socket _socket;

    private SyslogSocket(Socket socket, VlogPattern prefix)
    {
        _socket = socket;
        socket.Blocking = false;
        Prefix = prefix;
    }

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

    private static SyslogSocket? Unix(string path)
    {
        if (OperatingSystem.IsWindows()) return null;
        return Connect(
            new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified),
            new UnixDomainSocketEndPoint(path), VlogPattern.SyslogPrefix);
    }

    private static SyslogSocket? Udp(string text, VlogPattern prefix) =>
        IPEndPoint.TryParse(text, out var place)
            ? Connect(
                new Socket(place.AddressFamily, SocketType.Dgram, ProtocolType.Udp), place, prefix)
            : null;

    private static SyslogSocket? Connect(Socket socket, EndPoint place, VlogPattern prefix)
    {
        try
        {
            socket.Connect(place);
            return new SyslogSocket(socket, prefix);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    internal void Send(in VlogLine line, VlogPattern pattern)
    {
        try
        {
            _socket.Send(Encoding.UTF8.GetBytes(
                $"{Prefix.Format(in line)} {pattern.Format(in line)}"));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The log's reader is gone or behind; the line is lost and the work goes on.
        }
    }

    public void Dispose() => _socket.Dispose();
}
