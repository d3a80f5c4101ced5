using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.HostNode.Windows;

/// <summary>A name that a NIC's port should have, and has not.</summary>
internal sealed record PortNaming(string NicId, string Name);

/// <summary>From the NICs of a Hyper-V host to rows of the Open_vSwitch database.</summary>
/// <remarks>
/// A NIC of a machine or container becomes a port of the integration bridge, named as its
/// friendly name, with external_ids iface-id (the port of the logical network: the name, unless
/// somebody wrote another one), attached-mac and vm-name. Rows that were made here say so in
/// external_ids:fabric-vif and go with their NIC; others are never touched.
/// </remarks>
internal static class VifRows
{
    public const string Mark = "fabric-vif";

    /// <summary>What Hyper-V calls every NIC that nobody named, in any language the same
    /// for all.</summary>
    public static IReadOnlyList<PortNaming> Namings(IReadOnlyList<VirtualNic> nics)
    {
        var machines = nics.Where(nic => nic.Kind == VirtualNicKind.Machine).ToList();
        var counts = nics.GroupBy(nic => nic.PortName)
            .ToDictionary(group => group.Key, group => group.Count());
        var taken = nics.Select(nic => nic.PortName).ToHashSet();
        var namings = new List<PortNaming>();
        foreach (var nic in machines.OrderBy(nic => nic.Id, StringComparer.Ordinal))
        {
            if (nic.PortName.Length > 0 && counts[nic.PortName] == 1
                && !nic.PortName.Contains(' '))
            {
                continue; // Somebody named it.
            }

            var name = NameFor(nic, taken);
            taken.Add(name);
            namings.Add(new PortNaming(nic.Id, name));
        }

        return namings;
    }

    /// <summary>Operations that make the database fit; empty when it does.</summary>
    public static ImmutableArray<Operation> Reconcile(
        DatabaseSnapshot database, IReadOnlyList<VirtualNic> nics, Func<Guid> newUuid)
    {
        if (TunnelRows.BridgeOf(database) is not { } bridge) return [];
        var wanted = new SortedDictionary<string, VirtualNic>(StringComparer.Ordinal);
        foreach (var nic in nics)
        {
            if (nic.Kind is VirtualNicKind.Machine or VirtualNicKind.Container
                && nic.IsConnected && nic.PortName.Length > 0)
            {
                wanted.TryAdd(nic.PortName, nic);
            }
        }

        var operations = ImmutableArray.CreateBuilder<Operation>();
        var gone = new List<Guid>();
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var port in database.Table("Port").Rows)
        {
            var name = port.GetString("name");
            present.Add(name);
            if (port.GetMapValue("external_ids", Mark) is { } id
                && (!wanted.TryGetValue(name, out var nic) || nic.Id != id))
            {
                gone.Add(port.Uuid);
                present.Remove(name);
            }
        }

        if (gone.Count > 0)
        {
            operations.Add(Operation.MutateRow("Bridge", bridge.Uuid, new Mutation(
                "ports", Mutator.Delete, Datum.References(gone))));
        }

        foreach (var (name, nic) in wanted)
        {
            if (!present.Contains(name)) Add(operations, bridge, name, nic, newUuid);
        }

        return operations.ToImmutable();
    }

    private static void Add(
        ImmutableArray<Operation>.Builder operations, Row bridge, string name, VirtualNic nic,
        Func<Guid> newUuid)
    {
        var (port, face) = (newUuid(), newUuid());
        var external = new List<KeyValuePair<string, string>> { new("iface-id", name) };
        if (nic.Mac.Length > 0) external.Add(new("attached-mac", nic.Mac));
        if (nic.Owner.Length > 0) external.Add(new("vm-name", nic.Owner));
        operations.Add(new Operation.Insert(
            "Interface",
            [new("name", name), new("external_ids", Datum.Map(external))], face));
        operations.Add(new Operation.Insert(
            "Port",
            [
                new("name", name), new("interfaces", Datum.References([face])),
                new("external_ids", Datum.Map([new KeyValuePair<string, string>(Mark, nic.Id)])),
            ],
            port));
        operations.Add(Operation.MutateRow("Bridge", bridge.Uuid, new Mutation(
            "ports", Mutator.Insert, Datum.References([port]))));
    }

    /// <summary>The machine's name in letters that every tool takes, and a number.</summary>
    private static string NameFor(VirtualNic nic, HashSet<string> taken)
    {
        const int StemMax = 40;
        var stem = string.Concat(nic.Owner
            .Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-'))
            .Trim('-').ToLowerInvariant();
        if (stem.Length == 0) stem = "vm";
        if (stem.Length > StemMax) stem = stem[..StemMax];
        for (var i = 0; ; i++)
        {
            if (!taken.Contains($"{stem}-eth{i}")) return $"{stem}-eth{i}";
        }
    }
}
