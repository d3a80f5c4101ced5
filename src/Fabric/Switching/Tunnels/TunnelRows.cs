using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>One tunnel as the Open_vSwitch database holds it.</summary>
/// <param name="HostId">The other end, from external_ids:ovn-chassis-id.</param>
public sealed record TunnelRow(
    Guid Port, Guid Interface, string Name, string HostId, string Type, string RemoteAddress,
    ImmutableSortedDictionary<string, string> Options);

/// <summary>Between VTEPs and Port and Interface rows of the integration bridge.</summary>
/// <remarks>
/// Rows are what ovn-controller writes: port ovn-(6 characters of the host id)-N, options
/// remote_ip, key=flow and csum, external_ids:ovn-chassis-id. Ports without that id are others'.
/// </remarks>
public static class TunnelRows
{
    public const string ChassisId = "ovn-chassis-id";
    public const string DefaultBridge = "br-int";

    private const int IdLength = 6;

    /// <summary>Encapsulations from the one that is liked most.</summary>
    private static readonly ImmutableArray<string> Preferred = ["geneve", "vxlan"];

    /// <summary>
    /// The bridge that external_ids:ovn-bridge names; null while it does not exist.
    /// </summary>
    public static Row? BridgeOf(DatabaseSnapshot database)
    {
        var name = database.Table("Open_vSwitch").First?.GetMapValue("external_ids", "ovn-bridge");
        return database.Table("Bridge").Find("name", name ?? DefaultBridge);
    }

    public static ImmutableArray<TunnelRow> Read(DatabaseSnapshot database, Row bridge)
    {
        var rows = ImmutableArray.CreateBuilder<TunnelRow>();
        foreach (var id in bridge.GetReferences("ports"))
        {
            if (database.Find("Port", id) is not { } port) continue;
            foreach (var face in port.GetReferences("interfaces"))
            {
                if (database.Find("Interface", face) is not { } row) continue;
                var chassis = port.GetMapValue("external_ids", ChassisId)
                    ?? row.GetMapValue("external_ids", ChassisId);
                if (chassis is null) continue;
                var options = row.GetMap("options");
                rows.Add(new TunnelRow(
                    port.Uuid, row.Uuid, row.GetString("name"), chassis.Split('@')[0],
                    row.GetString("type"), options.GetValueOrDefault("remote_ip", ""), options));
            }
        }

        return rows.ToImmutable();
    }

    /// <summary>
    /// The VTEPs to reach: of each other host those of the encapsulation liked most.
    /// </summary>
    public static ImmutableSortedSet<Vtep> Wanted(ImmutableSortedSet<Vtep> vteps, string self)
    {
        var wanted = ImmutableSortedSet.CreateBuilder<Vtep>();
        foreach (var host in vteps.Where(v => v.HostId != self).GroupBy(v => v.HostId))
        {
            var type = Preferred.FirstOrDefault(one => host.Any(vtep => vtep.Type == one));
            wanted.UnionWith(host.Where(vtep => vtep.Type == type));
        }

        return wanted.ToImmutable();
    }

    public static bool IsFor(TunnelRow row, Vtep vtep) => row.HostId == vtep.HostId
        && row.Type == vtep.Type && IPAddress.TryParse(row.RemoteAddress, out var address)
        && address.Equals(vtep.Address);

    /// <summary>The first free name for a tunnel to the host.</summary>
    /// <param name="taken">Names of all ports, also of those that are about to go.</param>
    public static string NameFor(string hostId, IReadOnlySet<string> taken)
    {
        var letters = hostId.Take(IdLength)
            .Select(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-' ? letter : '_');
        var start = $"ovn-{string.Concat(letters)}-";
        for (var i = 0; ; i++)
        {
            if (!taken.Contains(start + i)) return start + i;
        }
    }

    public static ImmutableSortedDictionary<string, string> OptionsOf(Vtep vtep) =>
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal,
        [
            new KeyValuePair<string, string>("remote_ip", vtep.Address.ToString()),
            new KeyValuePair<string, string>("key", "flow"),
            new KeyValuePair<string, string>(
                "csum", vtep.Options.GetValueOrDefault("csum", "true")),
        ]);

    /// <summary>Removes ports from the bridge; their rows go with them.</summary>
    public static Operation Remove(Row bridge, IEnumerable<TunnelRow> rows) =>
        Operation.MutateRow("Bridge", bridge.Uuid, new Mutation(
            "ports", Mutator.Delete, Datum.References(rows.Select(row => row.Port))));

    public static ImmutableArray<Operation> Add(
        Row bridge, Vtep vtep, string name, Func<Guid> newUuid)
    {
        var (port, face) = (newUuid(), newUuid());
        var external = Datum.Map([new KeyValuePair<string, string>(ChassisId, vtep.HostId)]);
        return
        [
            new Operation.Insert(
                "Interface",
                [
                    new("name", name), new("type", vtep.Type),
                    new("options", Datum.Map(OptionsOf(vtep))), new("external_ids", external),
                ],
                face),
            new Operation.Insert(
                "Port",
                [
                    new("name", name), new("interfaces", Datum.References([face])),
                    new("external_ids", external),
                ],
                port),
            Operation.MutateRow("Bridge", bridge.Uuid, new Mutation(
                "ports", Mutator.Insert, Datum.References([port]))),
        ];
    }

    public static Operation ChangeOptions(TunnelRow row, Vtep vtep) => Operation.UpdateRow(
        "Interface", row.Interface, new ColumnValue("options", Datum.Map(OptionsOf(vtep))));
}
