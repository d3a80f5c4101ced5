using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Fabric.Controllers;

public enum StreamKind { Tcp, Tls, Unix }

/// <summary>Where to connect or listen, as OVS writes it: tcp:HOST[:PORT], punix:PATH ...</summary>
/// <remarks>
/// Active: tcp:HOST[:PORT], ssl:HOST[:PORT], unix:PATH. Passive: ptcp:[PORT][:HOST],
/// pssl:[PORT][:HOST], punix:PATH. IPv6 addresses stand in brackets (ovs-vsctl(8)).
/// </remarks>
/// <param name="Host">Address or name; empty: any (passive).</param>
/// <param name="Path">Unix sockets only.</param>
public sealed record StreamTarget(StreamKind Kind, bool IsPassive, string Host, int Port,
    string Path)
{
    /// <param name="defaultPort">6653 for OpenFlow, 6640 for OVSDB.</param>
    public static bool TryParse(string text, int defaultPort, out StreamTarget target)
    {
        target = new StreamTarget(StreamKind.Tcp, false, "", defaultPort, "");
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return false;
        var rest = text[(colon + 1)..];
        switch (text[..colon])
        {
            case "unix":
                target = target
                with
                { Kind = StreamKind.Unix, Path = rest }; return rest.Length > 0;
            case "punix":
                target = target with { Kind = StreamKind.Unix, IsPassive = true, Path = rest };
                return rest.Length > 0;
            case "tcp": return TryActive(rest, StreamKind.Tcp, ref target);
            case "ssl": return TryActive(rest, StreamKind.Tls, ref target);
            case "ptcp": return TryPassive(rest, StreamKind.Tcp, ref target);
            case "pssl": return TryPassive(rest, StreamKind.Tls, ref target);
            default: return false;
        }
    }

    private static bool TryActive(string rest, StreamKind kind, ref StreamTarget target)
    {
        if (!TrySplit(rest, target.Port, out var host, out var port) || host.Length == 0)
            return false;
        target = target with { Kind = kind, Host = host, Port = port };
        return true;
    }

    private static bool TryPassive(string rest, StreamKind kind, ref StreamTarget target)
    {
        var colon = rest.IndexOf(':', StringComparison.Ordinal);
        var number = colon < 0 ? rest : rest[..colon];
        var port = target.Port;
        if (number.Length > 0 && !TryPort(number, out port)) return false;
        var host = colon < 0 ? "" : rest[(colon + 1)..].Trim('[', ']');
        target = target with { Kind = kind, IsPassive = true, Host = host, Port = port };
        return true;
    }

    private static bool TrySplit(string text, int defaultPort, out string host, out int port)
    {
        (host, port) = (text, defaultPort);
        var end = text.StartsWith('[') ? text.IndexOf(']', StringComparison.Ordinal) : -1;
        var colon = text.IndexOf(':', Math.Max(end, 0));
        if (end > 0) host = text[1..end];
        if (colon < 0) return true;
        if (end < 0) host = text[..colon];
        return TryPort(text[(colon + 1)..], out port);
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
        && port is >= 0 and <= ushort.MaxValue;

    /// <summary>A socket for the target, not yet bound or connected.</summary>
    public Socket CreateSocket()
    {
        if (Kind == StreamKind.Unix)
        {
            return new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        return socket;
    }

    /// <summary>The end point to bind to (passive).</summary>
    public EndPoint LocalEndPoint => Kind == StreamKind.Unix ? new UnixDomainSocketEndPoint(Path)
        : new IPEndPoint(Host.Length == 0 ? IPAddress.IPv6Any : IPAddress.Parse(Host), Port);

    /// <summary>The end point to connect to (active).</summary>
    public EndPoint RemoteEndPoint => Kind == StreamKind.Unix ? new UnixDomainSocketEndPoint(Path)
        : IPAddress.TryParse(Host, out var address) ? new IPEndPoint(address, Port)
        : new DnsEndPoint(Host, Port);
}
