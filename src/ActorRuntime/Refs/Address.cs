#nullable disable
using System.Globalization;
using Akka.Util;

namespace Akka.Actor;

/// <summary>
/// Where an actor system lives: protocol, system name and, if remote, host and port.
/// </summary>
/// <remarks>Text form: <c>akka://System</c> or <c>akka.tcp://System@host:port</c>.</remarks>
public sealed class Address : IEquatable<Address>, IComparable<Address>, IComparable, ISurrogated
{
    private readonly int _hash;
    private string _text;

    /// <summary>An address; a null host or port gives it local scope only.</summary>
    public Address(string protocol, string system, string host = null, int? port = null)
    {
        Protocol = protocol;
        System = system;
        Host = host?.ToLowerInvariant();
        Port = port;
        _hash = HashCode.Combine(Protocol, System, Host, Port);
    }

    /// <summary>An address that names nothing.</summary>
    public static readonly Address AllSystems = new("akka", "all-systems");

    public string Host { get; }
    public int? Port { get; }
    public string System { get; }
    public string Protocol { get; }

    /// <summary>True if it names no host: only its own system understands it.</summary>
    public bool HasLocalScope => string.IsNullOrEmpty(Host);

    /// <summary>True if it names a host: every system understands it.</summary>
    public bool HasGlobalScope => !string.IsNullOrEmpty(Host);

    public Address WithHost(string host = null) => new(Protocol, System, host, Port);
    public Address WithPort(int? port = null) => new(Protocol, System, Host, port);
    public Address WithProtocol(string protocol) => new(protocol, System, Host, Port);
    public Address WithSystem(string system) => new(Protocol, system, Host, Port);

    /// <summary>System, host and port without the protocol.</summary>
    public string HostPort() => ToString()[(Protocol.Length + 3)..];

    public override string ToString() => _text ??= Format();

    private string Format()
    {
        if (Host is null) return Protocol + "://" + System;
        var host = Host.Contains(':') && Host[0] != '[' ? "[" + Host + "]" : Host;
        return Port is { } port
            ? string.Create(CultureInfo.InvariantCulture, $"{Protocol}://{System}@{host}:{port}")
            : $"{Protocol}://{System}@{host}";
    }

    public bool Equals(Address other) =>
        ReferenceEquals(this, other) ||
        (other is not null && _hash == other._hash && Port == other.Port && Host == other.Host &&
         System == other.System && Protocol == other.Protocol);

    public override bool Equals(object obj) => obj is Address other && Equals(other);
    public override int GetHashCode() => _hash;
    public static bool operator ==(Address left, Address right) =>
        left is null ? right is null : left.Equals(right);
    public static bool operator !=(Address left, Address right) => !(left == right);

    public int CompareTo(object obj) => CompareTo(obj as Address);

    /// <summary>Order: protocol, system, host, port; ordinal.</summary>
    public int CompareTo(Address other)
    {
        if (other is null) return 1;
        var order = string.CompareOrdinal(Protocol, other.Protocol);
        if (order == 0) order = string.CompareOrdinal(System, other.System);
        if (order == 0) order = string.CompareOrdinal(Host ?? "", other.Host ?? "");
        return order != 0 ? order : (Port ?? 0).CompareTo(other.Port ?? 0);
    }

    /// <exception cref="UriFormatException">The text is no address.</exception>
    public static Address Parse(string address) =>
        TryParse(address, out var parsed)
            ? parsed
            : throw new UriFormatException(
                $"Invalid address [{address}]: " +
                "write protocol://system or protocol://system@host:port");

    /// <summary>Reads an address; what follows it after a slash is ignored.</summary>
    public static bool TryParse(string path, out Address address) =>
        TryParse(path, out address, out _);

    internal static bool TryParse(string path, out Address address, out string rest)
    {
        address = null;
        rest = null;
        if (path is null || path.Length > ActorPath.LengthMax) return false;
        var colon = path.IndexOf("://", StringComparison.Ordinal);
        if (colon <= 0) return false;
        var protocol = path[..colon];
        if (protocol != "akka" && !protocol.StartsWith("akka.", StringComparison.Ordinal) &&
            !protocol.All(c =>
                char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '+')) return false;
        var authority = path.AsSpan(colon + 3);
        var slash = authority.IndexOf('/');
        rest = slash < 0 ? "" : authority[slash..].ToString();
        if (slash >= 0) authority = authority[..slash];
        if (authority.IsEmpty) return false;

        var at = authority.IndexOf('@');
        if (at < 0)
        {
            if (authority.Contains(':')) return false;
            address = new Address(protocol, authority.ToString());
            return true;
        }

        var system = authority[..at];
        var host = authority[(at + 1)..];
        if (system.IsEmpty || host.IsEmpty) return false;
        int? port = null;
        var portColon = host.LastIndexOf(':');
        if (portColon >= 0 && !(host[0] == '[' && host[^1] == ']'))
        {
            if (!int.TryParse(host[(portColon + 1)..], NumberStyles.None,
                    CultureInfo.InvariantCulture, out var number) || number > 65535) return false;
            port = number;
            host = host[..portColon];
        }
        if (host.IsEmpty) return false;
        if (host[0] == '[')
        {
            if (host[^1] != ']' || host.Length < 3) return false;
            host = host[1..^1];
        }
        address = new Address(protocol, system.ToString(), host.ToString(), port);
        return true;
    }

    public ISurrogate ToSurrogate(ActorSystem system) => new AddressSurrogate(ToString());

    /// <summary>An address on the wire: its text.</summary>
    public sealed record AddressSurrogate(string Text) : ISurrogate
    {
        public ISurrogated FromSurrogate(ActorSystem system) => Parse(Text);
    }
}
