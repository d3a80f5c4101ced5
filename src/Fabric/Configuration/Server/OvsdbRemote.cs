using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Fabric.Configuration;

/// <summary>The method of an OVSDB remote, as OVS writes it in front of the first colon.</summary>
public enum RemoteKind : byte
{
    /// <summary>punix:FILE, listens.</summary>
    PassiveUnix,

    /// <summary>ptcp:PORT[:ADDRESS], listens.</summary>
    PassiveTcp,

    /// <summary>pssl:PORT[:ADDRESS], listens with TLS.</summary>
    PassiveTls,

    /// <summary>unix:FILE, connects.</summary>
    Unix,

    /// <summary>tcp:HOST:PORT, connects.</summary>
    Tcp,

    /// <summary>ssl:HOST:PORT, connects with TLS.</summary>
    Tls,
}

/// <summary>
/// Where an OVSDB server listens, or connects to (ovsdb(7), "Connection Methods").
/// </summary>
/// <param name="Text">As it was given.</param>
/// <param name="Path">Of a Unix socket; on Windows the name of a pipe. Else "".</param>
/// <param name="Host">
/// Name or address to connect to or to listen on; "" for all or loopback.
/// </param>
/// <param name="Port">0 lets the system choose one to listen on.</param>
public sealed record OvsdbRemote(
    string Text, RemoteKind Kind, string Path, string Host, int Port)
{
    public const int PortDefault = 6640;

    public bool IsPassive =>
        Kind is RemoteKind.PassiveUnix or RemoteKind.PassiveTcp or RemoteKind.PassiveTls;

    public bool IsTls => Kind is RemoteKind.PassiveTls or RemoteKind.Tls;
    public bool IsUnix => Kind is RemoteKind.PassiveUnix or RemoteKind.Unix;

    public static OvsdbRemote PassiveUnix(string path) =>
        new($"punix:{path}", RemoteKind.PassiveUnix, path, "", 0);

    /// <returns>False if 'text' is no remote; "db:..." is not one either.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out OvsdbRemote? remote)
    {
        remote = null;
        var colon = text.IndexOf(':');
        if (colon < 0) return false;
        var rest = text[(colon + 1)..];
        switch (text[..colon])
        {
            case "punix" when rest.Length > 0:
                remote = new OvsdbRemote(text, RemoteKind.PassiveUnix, rest, "", 0);
                return true;
            case "unix" when rest.Length > 0:
                remote = new OvsdbRemote(text, RemoteKind.Unix, rest, "", 0);
                return true;
            case "ptcp":
                return TryPassive(text, RemoteKind.PassiveTcp, rest, out remote);
            case "pssl":
                return TryPassive(text, RemoteKind.PassiveTls, rest, out remote);
            case "tcp":
                return TryActive(text, RemoteKind.Tcp, rest, out remote);
            case "ssl":
                return TryActive(text, RemoteKind.Tls, rest, out remote);
            default:
                return false;
        }
    }

    /// <summary>PORT[:ADDRESS]; an IPv6 address may stand in brackets.</summary>
    private static bool TryPassive(
        string text, RemoteKind kind, string rest, out OvsdbRemote? remote)
    {
        remote = null;
        var colon = rest.IndexOf(':');
        var portText = colon < 0 ? rest : rest[..colon];
        var host = colon < 0 ? "" : rest[(colon + 1)..].Trim('[', ']');
        var port = PortDefault;
        if (portText.Length > 0 && !TryPort(portText, out port)) return false;
        if (host.Length > 0 && !IPAddress.TryParse(host.Split('%')[0], out _)) return false;
        remote = new OvsdbRemote(text, kind, "", host, port);
        return true;
    }

    /// <summary>HOST:PORT or [IPv6]:PORT.</summary>
    private static bool TryActive(
        string text, RemoteKind kind, string rest, out OvsdbRemote? remote)
    {
        remote = null;
        var port = PortDefault;
        var host = rest;
        var close = rest.LastIndexOf(']');
        var colon = rest.LastIndexOf(':');
        if (colon > close)
        {
            host = rest[..colon];
            if (!TryPort(rest[(colon + 1)..], out port)) return false;
        }

        host = host.Trim('[', ']');
        if (host.Length == 0) return false;
        remote = new OvsdbRemote(text, kind, "", host, port);
        return true;
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
        && port <= ushort.MaxValue;
}
