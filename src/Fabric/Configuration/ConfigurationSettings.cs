using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>What the configuration database of a host is started with.</summary>
/// <param name="Remotes">Where OVSDB clients are listened for: db.sock at least.</param>
public sealed record ConfigurationSettings(ImmutableArray<OvsdbRemote> Remotes)
{
    /// <summary>Keys for Open_vSwitch.external_ids that fill what is absent there.</summary>
    public ImmutableSortedDictionary<string, string> ExternalIds { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>The OVS version that scripts are told they talk to.</summary>
    public string OvsVersion { get; init; } = "3.7.0";

    public string SystemType { get; init; } = "unknown";
    public string SystemVersion { get; init; } = "unknown";

    /// <summary>Values of Interface.type that bridges understand.</summary>
    public ImmutableSortedSet<string> InterfaceTypes { get; init; } = ImmutableSortedSet.Create(
        StringComparer.Ordinal, "dummy", "dummy-internal", "geneve", "gre", "internal", "patch",
        "stt", "system", "tap", "vxlan");

    /// <summary>Values of Bridge.datapath_type that bridges understand.</summary>
    public ImmutableSortedSet<string> DatapathTypes { get; init; } =
        ImmutableSortedSet.Create(StringComparer.Ordinal, "dummy", "netdev", "system");

    /// <summary>Name of the database in the journal; null keeps it in memory only.</summary>
    public string? PersistenceId { get; init; } = "open_vswitch";

    /// <summary>
    /// The database is another process's: no server and no remotes here; null: it is our own.
    /// </summary>
    public RemoteDatabaseSettings? Remote { get; init; }

    /// <summary>
    /// A file of OVS's own format that holds the database, in place of the journal: what
    /// ovs-vswitchd's conf.db is. Made when it is not there; one that is there is taken over.
    /// </summary>
    public string? DatabaseFile { get; init; }

    /// <summary>TLS of pssl and ssl remotes; follows the SSL row.</summary>
    public TlsSource Tls { get; init; } = new();
}
