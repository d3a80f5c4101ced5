using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>Where a session is: an interface of a port of a bridge.</summary>
public sealed record SessionPlace(
    string DatapathType, string Bridge, string Port, string Interface, Guid Row);

/// <summary>One interface with what its rows ask for.</summary>
/// <param name="Bfd">Null: no BFD.</param>
/// <param name="Cfm">Null: no CFM.</param>
public sealed record SessionWanted(SessionPlace Place, BfdSettings? Bfd, CfmSettings? Cfm);

/// <summary>Sessions as the Open_vSwitch database wants them.</summary>
internal static class SessionRows
{
    private static readonly ImmutableSortedDictionary<string, string[]> Columns =
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal,
        [
            KeyValuePair.Create<string, string[]>("Open_vSwitch", ["bridges"]),
            KeyValuePair.Create<string, string[]>("Bridge", ["name", "datapath_type", "ports"]),
            KeyValuePair.Create<string, string[]>(
                "Port", ["name", "interfaces", "lacp", "other_config"]),
            KeyValuePair.Create<string, string[]>(
                "Interface", ["name", "bfd", "cfm_mpid", "other_config"]),
        ]);

    public static bool Concern(RowChange change) =>
        Columns.TryGetValue(change.Table, out var columns) && columns.Any(change.Touches);

    /// <summary>By interface.</summary>
    public static ImmutableSortedDictionary<string, SessionWanted> Wanted(
        DatabaseSnapshot database)
    {
        var all = ImmutableSortedDictionary.CreateBuilder<string, SessionWanted>(
            StringComparer.Ordinal);
        foreach (var (bridge, port, row) in Interfaces(database))
        {
            var bfd = row.GetMap("bfd");
            var isBfd = BfdSettings.IsEnabled(bfd);
            var endPoint = row.GetIntegerOrNull("cfm_mpid");
            if (!isBfd && endPoint is null) continue;
            all[row.GetString("name")] = new SessionWanted(
                PlaceOf(bridge, port, row), isBfd ? BfdSettings.Parse(bfd) : null,
                endPoint is { } id ? CfmSettings.Parse(id, row.GetMap("other_config")) : null);
        }

        return all.ToImmutable();
    }

    /// <summary>Ports with LACP, by port.</summary>
    public static ImmutableSortedDictionary<string, LacpWanted> Aggregations(
        DatabaseSnapshot database)
    {
        var all = ImmutableSortedDictionary.CreateBuilder<string, LacpWanted>(
            StringComparer.Ordinal);
        foreach (var group in Interfaces(database)
            .Where(each => each.Port.GetStringOrNull("lacp") is "active" or "passive")
            .GroupBy(each => each.Port.Uuid))
        {
            var (bridge, port, _) = group.First();
            var config = port.GetMap("other_config");
            var members = group.ToImmutableSortedDictionary(
                each => each.Interface.GetString("name"), each => MemberOf(each.Interface),
                StringComparer.Ordinal);
            var priority = NumberOf(config, "lacp-system-priority");
            all[port.GetString("name")] = new LacpWanted(
                bridge.GetString("datapath_type"), bridge.GetString("name"),
                port.GetString("name"), new LacpSettings(
                    port.GetString("lacp") == "active",
                    config.GetValueOrDefault("lacp-time") == "fast",
                    config.GetValueOrDefault("lacp-fallback-ab") == "true",
                    MacBytes.TryParse(config.GetValueOrDefault("lacp-system-id", ""), out var id)
                        && !id.IsZero ? id : null,
                    // Open vSwitch lets bonds come before single links.
                    priority != 0 ? priority
                        : (ushort)(ushort.MaxValue - (members.Count > 1 ? 1 : 0)), members));
        }

        return all.ToImmutable();
    }

    private static LacpMemberSettings MemberOf(Row face)
    {
        var config = face.GetMap("other_config");
        var priority = NumberOf(config, "lacp-port-priority");
        return new LacpMemberSettings(
            face.Uuid, NumberOf(config, "lacp-port-id"),
            priority == 0 ? ushort.MaxValue : priority,
            NumberOf(config, "lacp-aggregation-key"));
    }

    /// <summary>0 for what is missing or makes no sense.</summary>
    private static ushort NumberOf(
        ImmutableSortedDictionary<string, string> config, string key) =>
        ushort.TryParse(
            config.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture,
            out var number) ? number : (ushort)0;

    public static SessionPlace PlaceOf(Row bridge, Row port, Row face) => new(
        bridge.GetString("datapath_type"), bridge.GetString("name"), port.GetString("name"),
        face.GetString("name"), face.Uuid);

    public static IEnumerable<(Row Bridge, Row Port, Row Interface)> Interfaces(
        DatabaseSnapshot database)
    {
        foreach (var bridge in database.Table("Bridge").Rows)
        {
            foreach (var id in bridge.GetReferences("ports"))
            {
                if (database.Find("Port", id) is not { } port) continue;
                foreach (var face in port.GetReferences("interfaces"))
                {
                    if (database.Find("Interface", face) is { } row)
                        yield return (bridge, port, row);
                }
            }
        }
    }
}
