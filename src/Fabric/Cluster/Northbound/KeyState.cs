using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>
/// Whose key a <see cref="KeyChange"/> is. The numbers are on disk and on the wire.
/// </summary>
public enum KeyOwner : byte
{
    Datapath = 0,
    Port = 1,
    ChassisRedirect = 2,
}

/// <summary>A key that the writer gave to a row, or took back.</summary>
/// <param name="Key">0 takes back.</param>
/// <param name="Datapath">Of a port: whose key space; otherwise zeros.</param>
public readonly record struct KeyChange(KeyOwner Owner, Guid Row, uint Key, Guid Datapath);

/// <summary>All tunnel keys, and where the search for the next free one begins.</summary>
/// <param name="DatapathHint">The datapath key given last.</param>
/// <param name="PortHints">The port key given last in each datapath.</param>
public sealed record KeyState(
    TunnelKeys Keys, uint DatapathHint, ImmutableDictionary<Guid, uint> PortHints)
{
    public static readonly KeyState Empty =
        new(TunnelKeys.Empty, 0, ImmutableDictionary<Guid, uint>.Empty);

    public uint? KeyOf(KeyOwner owner, Guid row) =>
        MapOf(owner).TryGetValue(row, out var key) ? key : null;

    public KeyState Apply(IEnumerable<KeyChange> changes) =>
        changes.Aggregate(this, (state, change) => state.Apply(change));

    private KeyState Apply(KeyChange change)
    {
        var map = change.Key == 0
            ? MapOf(change.Owner).Remove(change.Row)
            : MapOf(change.Owner).SetItem(change.Row, change.Key);
        return change.Owner switch
        {
            KeyOwner.Datapath => this with
            {
                Keys = Keys with { Datapaths = map },
                DatapathHint = change.Key == 0 ? DatapathHint : change.Key,
                PortHints = change.Key == 0 ? PortHints.Remove(change.Row) : PortHints,
            },
            KeyOwner.Port => Hinted(change) with { Keys = Keys with { Ports = map } },
            _ => Hinted(change) with { Keys = Keys with { ChassisRedirects = map } },
        };
    }

    private KeyState Hinted(KeyChange change) => change.Key == 0
        ? this
        : this with { PortHints = PortHints.SetItem(change.Datapath, change.Key) };

    private ImmutableDictionary<Guid, uint> MapOf(KeyOwner owner) => owner switch
    {
        KeyOwner.Datapath => Keys.Datapaths,
        KeyOwner.Port => Keys.Ports,
        _ => Keys.ChassisRedirects,
    };
}

/// <summary>
/// A range of keys as OVN searches it: from behind the last one given, around once.
/// </summary>
internal static class KeyRange
{
    /// <summary>Highest key of a datapath of this zone (OVN keeps 65535 for others).</summary>
    public const uint DatapathKeyMax = (1 << 24) - 1 - 65535;

    /// <summary>Highest key of a port; above it are the multicast groups.</summary>
    public const uint PortKeyMax = 32767;

    /// <returns>Null when every key is taken.</returns>
    public static uint? Next(uint hint, uint max, Func<uint, bool> isTaken)
    {
        var key = hint;
        for (uint i = 0; i < max; i++)
        {
            key = key >= max ? 1 : key + 1;
            if (!isTaken(key)) return key;
        }

        return null;
    }
}
