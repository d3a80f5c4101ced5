using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>Zones as the Open_vSwitch database wants them.</summary>
/// <remarks>
/// A Datapath row's ct_zones leads to CT_Zone rows, and these to CT_Timeout_Policy rows. There is
/// one
/// tracker: of two datapaths that name a zone the later UUID's row holds.
/// </remarks>
internal static class ZoneRows
{
    private static readonly ImmutableArray<string> Tables =
        ["Open_vSwitch", "Datapath", "CT_Zone", "CT_Timeout_Policy"];

    public static bool Concern(RowChange change) => Tables.Contains(change.Table);

    public static ZonesWanted Wanted(DatabaseSnapshot database)
    {
        var zones = ImmutableSortedDictionary.CreateBuilder<ushort, ZoneSpec>();
        foreach (var datapath in database.Table("Datapath").Rows.OrderBy(row => row.Uuid))
        {
            var links = datapath["ct_zones"];
            for (var i = 0; i < links.Count; i++)
            {
                if (database.Find("CT_Zone", links.Values[i].Uuid) is not { } row) continue;
                var zone = (ushort)links.Keys[i].Integer;
                zones[zone] = new ZoneSpec(
                    zone, (uint?)row.GetIntegerOrNull("limit"), TimeoutsOf(database, row));
            }
        }

        return new ZonesWanted(zones.ToImmutable(), HalfOpenMax(database));
    }

    /// <summary>other_config:ct-half-open-max of the root row; 0 where it says no number.</summary>
    private static uint HalfOpenMax(DatabaseSnapshot database) =>
        uint.TryParse(
            database.Table("Open_vSwitch").First?.GetMapValue("other_config", "ct-half-open-max"),
            NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            ? limit
            : 0;

    private static ImmutableSortedDictionary<string, uint> TimeoutsOf(
        DatabaseSnapshot database, Row zone)
    {
        var timeouts = ImmutableSortedDictionary.CreateBuilder<string, uint>(
            StringComparer.Ordinal);
        if (zone.GetReferenceOrNull("timeout_policy") is not { } id
            || database.Find("CT_Timeout_Policy", id) is not { } policy)
        {
            return timeouts.ToImmutable();
        }

        var seconds = policy["timeouts"];
        for (var i = 0; i < seconds.Count; i++)
        {
            timeouts[seconds.Keys[i].String] = (uint)seconds.Values[i].Integer;
        }

        return timeouts.ToImmutable();
    }
}
