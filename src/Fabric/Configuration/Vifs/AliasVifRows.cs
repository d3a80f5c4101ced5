using System.Collections.Immutable;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A network device whose alias says which logical port it is.</summary>
public readonly record struct NamedDevice(string Name, string InterfaceId);

/// <summary>From devices with an alias to rows of the integration bridge.</summary>
/// <remarks>
/// Only with Open_vSwitch.other_config:auto-vif=true. Rows that were made here say so in
/// Port.external_ids:auto-vif and go with their device, its alias, or the setting; others are
/// never touched.
/// </remarks>
public static class AliasVifRows
{
    public const string Setting = "auto-vif";
    private const string IdKey = "iface-id";
    private const string AliasWord = IdKey + "=";
    private const int DevicesMax = 10_000;

    /// <summary>
    /// The id in an alias: the word "iface-id=ID" among others that blanks divide; null: none.
    /// </summary>
    public static string? IdOf(string alias)
    {
        foreach (var word in alias.Split(
            (char[])[' ', '\t', '\n', ','], StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.StartsWith(AliasWord, StringComparison.Ordinal)
                && word.Length > AliasWord.Length)
            {
                return word[AliasWord.Length..];
            }
        }

        return null;
    }

    /// <summary>Operations that make the database fit; empty when it does.</summary>
    public static ImmutableArray<Operation> Reconcile(
        DatabaseSnapshot database, IReadOnlyList<NamedDevice> devices, Func<Guid> newUuid)
    {
        if (TunnelRows.BridgeOf(database) is not { } bridge) return [];
        var isOn = database.Table("Open_vSwitch").First
            ?.GetMapValue("other_config", Setting) == "true";
        var wanted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var device in isOn ? devices.Take(DevicesMax) : [])
        {
            wanted[device.Name] = device.InterfaceId;
        }

        var operations = ImmutableArray.CreateBuilder<Operation>();
        var gone = new List<Guid>();
        foreach (var port in database.Table("Port").Rows)
        {
            var name = port.GetString("name");
            var isKept = port.GetMapValue("external_ids", Setting) is not { } id
                || (wanted.TryGetValue(name, out var now) && now == id);
            if (isKept) wanted.Remove(name);
            else gone.Add(port.Uuid);
        }

        if (gone.Count > 0)
        {
            operations.Add(Operation.MutateRow("Bridge", bridge.Uuid, new Mutation(
                "ports", Mutator.Delete, Datum.References(gone))));
        }

        foreach (var (name, id) in wanted) Add(operations, bridge, name, id, newUuid);
        return operations.ToImmutable();
    }

    private static void Add(
        ImmutableArray<Operation>.Builder operations, Row bridge, string name, string id,
        Func<Guid> newUuid)
    {
        var (port, face) = (newUuid(), newUuid());
        operations.Add(new Operation.Insert(
            "Interface",
            [
                new("name", name),
                new("external_ids", Datum.Map([new KeyValuePair<string, string>(IdKey, id)])),
            ],
            face));
        operations.Add(new Operation.Insert(
            "Port",
            [
                new("name", name), new("interfaces", Datum.References([face])),
                new("external_ids", Datum.Map([new KeyValuePair<string, string>(Setting, id)])),
            ],
            port));
        operations.Add(Operation.MutateRow("Bridge", bridge.Uuid, new Mutation(
            "ports", Mutator.Insert, Datum.References([port]))));
    }
}
