using System.Collections.Immutable;
using System.Net;
using Akka.Configuration;

namespace Fabric.Host;

/// <summary>What `fabric host` was told by its file, its environment and its defaults.</summary>
/// <remarks>
/// Keys stand under <c>fabric { }</c>; `config/reference.conf` lists them with their meaning.
/// Directories follow the environment as the stock daemons do: OVS_RUNDIR, OVS_LOGDIR, OVS_DBDIR,
/// OVN_RUNDIR, FABRIC_RUNDIR, FABRIC_STATEDIR.
/// </remarks>
public sealed record HostSettings
{
    /// <summary>Certificate name, role in the cluster, external_ids:system-id.</summary>
    public required string HostId { get; init; }
    public required string HostName { get; init; }
    public required string StateFolder { get; init; }
    public required string RunFolder { get; init; }
    public required string OvsRunFolder { get; init; }
    public required string OvsLogFolder { get; init; }
    public required string OvnRunFolder { get; init; }

    /// <summary>What datapath type "system" means; empty: the best that can be had.</summary>
    public required string SystemDatapath { get; init; }
    public required ChassisSettings Chassis { get; init; }
    public required ClusterSettings Cluster { get; init; }

    /// <summary>A conf.db that holds Open_vSwitch; null: this host's journal does.</summary>
    public string? DatabaseFile { get; init; }

    /// <summary>
    /// Connection string of the PostgreSQL that holds the northbound; null: hosts hold it.
    /// </summary>
    public required string? NorthboundConnection { get; init; }

    /// <summary>The OVN that this host takes part in; null: the fabric's own northbound.</summary>
    public UpstreamSettings? Upstream { get; init; }

    /// <summary>What the log keeps: emer, err, warn, info or dbg.</summary>
    public required VlogLevel LogLevel { get; init; }

    /// <summary>Where metrics are served; null: nowhere.</summary>
    public required IPEndPoint? Metrics { get; init; }

    /// <summary>
    /// The whole configuration with its defaults: the actor systems read their parts.
    /// </summary>
    public required Config Config { get; init; }

    /// <summary>Reads and checks the settings.</summary>
    /// <param name="config">The file's content on top of the reference configuration.</param>
    /// <param name="environment">Environment variables by name; null when not set.</param>
    /// <exception cref="HostSettingsException">A value is missing or out of its range.</exception>
    public static HostSettings Read(Config config, Func<string, string?> environment)
    {
        var root = config.GetConfig("fabric") ?? Config.Empty;
        var stateRoot = environment("FABRIC_STATEDIR");
        var hostId = HostIdentity.Find(
            Text(root, "host.id"), stateRoot ?? "/var/lib/fabric", IsHostId);
        var runFolder = environment("FABRIC_RUNDIR")
            ?? TextOr(root, "host.run-folder", "/run/fabric");
        return new HostSettings
        {
            HostId = hostId,
            HostName = TextOr(root, "host.name", Dns.GetHostName()),
            StateFolder = stateRoot ?? Path.Combine(
                TextOr(root, "host.state-folder", "/var/lib/fabric"), hostId),
            RunFolder = runFolder,
            OvsRunFolder = environment("OVS_RUNDIR") ?? "/run/openvswitch",
            OvsLogFolder = environment("OVS_LOGDIR") ?? "/var/log/openvswitch",
            OvnRunFolder = environment("OVN_RUNDIR") ?? "/run/ovn",
            SystemDatapath = Among(root, "datapath.system", "",
                ["", "userspace", "ebpf", "ovsext", "genetlink", "emulator"]),
            Chassis = ChassisSettings.Read(root),
            Cluster = ClusterSettings.Read(root),
            DatabaseFile = Text(root, "database.file") is { Length: > 0 } file ? file : null,
            NorthboundConnection = ReadNorthbound(root),
            Upstream = UpstreamSettings.Read(root),
            LogLevel = Enum.Parse<VlogLevel>(
                Among(root, "log.level", "info", ["emer", "err", "warn", "info", "dbg"]),
                ignoreCase: true),
            Metrics = Number(root, "metrics.port", 0, 0, 65535) is > 0 and var port
                ? new IPEndPoint(Address(root, "metrics.address") ?? IPAddress.Loopback, port)
                : null,
            Config = config,
        };
    }

    private static string? ReadNorthbound(Config root)
    {
        var journal = Among(root, "northbound.journal", "embedded", ["embedded", "postgresql"]);
        var connection = Text(root, "northbound.connection-string");
        if (journal == "embedded")
        {
            return connection == ""
                ? null
                : throw new HostSettingsException(
                    "fabric.northbound.connection-string is set, but fabric.northbound.journal = "
                    + "embedded: use postgresql, or leave the string out");
        }

        return connection != ""
            ? connection
            : throw new HostSettingsException(
                "fabric.northbound.journal = postgresql needs fabric.northbound.connection-string, "
                + "such as \"Host=db1;Username=fabric;Password=...;Database=fabric\"");
    }

    private static bool IsHostId(string id) =>
        id.Length is >= 1 and <= 63
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    internal static string Text(Config config, string key) => config.GetString(key, "") ?? "";

    internal static string TextOr(Config config, string key, string otherwise) =>
        Text(config, key) is { Length: > 0 } text ? text : otherwise;

    internal static string Among(
        Config config, string key, string otherwise, ReadOnlySpan<string> allowed)
    {
        var value = TextOr(config, key, otherwise);
        return allowed.Contains(value)
            ? value
            : throw new HostSettingsException(
                $"fabric.{key} = \"{value}\": use one of "
                + string.Join(", ", allowed.ToArray().Where(word => word != "")));
    }

    internal static int Number(Config config, string key, int otherwise, int min, int max)
    {
        var text = Text(config, key);
        if (text == "") return otherwise;
        return int.TryParse(text, out var value) && value >= min && value <= max
            ? value
            : throw new HostSettingsException(
                $"fabric.{key} = \"{text}\": use a number from {min} to {max}");
    }

    internal static IPAddress? Address(Config config, string key)
    {
        var text = Text(config, key);
        if (text == "") return null;
        return IPAddress.TryParse(text, out var address)
            ? address
            : throw new HostSettingsException($"fabric.{key} = \"{text}\": use an IP address");
    }
}

/// <summary>
/// Fills OVN's chassis keys in external_ids where they are absent at first start.
/// </summary>
/// <param name="EncapAddress">ovn-encap-ip, or null when the operator sets it later.</param>
/// <param name="EncapType">ovn-encap-type: "geneve" or "vxlan".</param>
/// <param name="Bridge">ovn-bridge.</param>
/// <param name="BridgeMappings">ovn-bridge-mappings, "" for none.</param>
public sealed record ChassisSettings(
    IPAddress? EncapAddress, string EncapType, string Bridge, string BridgeMappings)
{
    internal static ChassisSettings Read(Config root) => new(
        HostSettings.Address(root, "chassis.encap-ip"),
        HostSettings.Among(root, "chassis.encap-type", "geneve", ["geneve", "vxlan"]),
        HostSettings.TextOr(root, "chassis.bridge", "br-int"),
        HostSettings.Text(root, "chassis.bridge-mappings"));
}

/// <summary>How this host meets the others.</summary>
/// <param name="Name">Clusters of another name never merge with this one.</param>
/// <param name="Address">Address to listen on and to be reached by; null: not clustered.</param>
/// <param name="Seeds">host:port of hosts to join through.</param>
/// <param name="Form">Forms the cluster if this host was never in one.</param>
/// <param name="Tls">Null only when the listener is on loopback.</param>
/// <param name="Profile">"reference" or "fast": how soon a silent host counts as gone.</param>
/// <param name="IsVoter">May vote on the northbound; its certificate has to grant that.</param>
public sealed record ClusterSettings(
    string Name, IPAddress? Address, int Port, ImmutableArray<DnsEndPoint> Seeds, bool Form,
    TlsSettings? Tls, string Profile, bool IsVoter = true)
{
    internal static ClusterSettings Read(Config root)
    {
        var address = HostSettings.Address(root, "cluster.address");
        var tls = TlsSettings.Read(root);
        if (address is not null && tls is null && !IPAddress.IsLoopback(address))
        {
            throw new HostSettingsException(
                $"fabric.cluster.address = \"{address}\" without fabric.cluster.tls: a listener "
                + "that is not on loopback needs certificates; make them with `fabric pki`");
        }

        var port = HostSettings.Number(root, "cluster.port", 2552, 1, 65535);
        var seeds = (root.HasPath("cluster.seeds")
            ? root.GetStringList("cluster.seeds") : []).Select(text => Seed(text, port));
        return new ClusterSettings(
            HostSettings.TextOr(root, "cluster.name", "fabric"), address, port, [.. seeds],
            root.GetBoolean("cluster.form"), tls,
            HostSettings.Among(root, "cluster.profile", "reference", ["reference", "fast"]),
            root.GetBoolean("cluster.voter", true));
    }

    private static DnsEndPoint Seed(string text, int portDefault)
    {
        var colon = text.LastIndexOf(':');
        var isPlain = colon < 0 || (text.Count(c => c == ':') > 1 && !text.StartsWith('['));
        var isBracketed = text.StartsWith('[');
        var end = text.IndexOf(']');
        if (isBracketed && end == text.Length - 1) isPlain = true;
        var host = isPlain ? text : text[..colon];
        var port = portDefault;
        var isAddress = !isBracketed || (end > 0 && end == host.Length - 1
            && IPAddress.TryParse(host[1..^1], out _));
        host = host.Trim('[', ']');
        isAddress &= !host.AsSpan().ContainsAny(" /,");
        if (host == "" || !isAddress || (!isPlain && !int.TryParse(text[(colon + 1)..], out port))
            || port is < 1 or > 65535)
        {
            throw new HostSettingsException(
                $"fabric.cluster.seeds: \"{text}\" is no seed: use \"ADDRESS:PORT\"");
        }

        return new DnsEndPoint(host, port);
    }
}

/// <summary>Files of the cluster's certificates, PEM.</summary>
public sealed record TlsSettings(string Authority, string Certificate, string Key)
{
    internal static TlsSettings? Read(Config root)
    {
        var files = new[] { "ca", "certificate", "key" }
            .Select(name => HostSettings.Text(root, $"cluster.tls.{name}")).ToArray();
        if (files.All(file => file == "")) return null;
        foreach (var file in files)
        {
            if (!File.Exists(file))
            {
                throw new HostSettingsException(
                    $"fabric.cluster.tls: \"{file}\" does not exist; `fabric pki` makes it");
            }
        }

        return new TlsSettings(files[0], files[1], files[2]);
    }
}

/// <summary>The configuration cannot be used; the message names the key and the fix.</summary>
public sealed class HostSettingsException(string message) : Exception(message);
