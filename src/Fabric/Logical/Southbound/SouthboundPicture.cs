using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>All that the southbound view of a host is made from, at one moment.</summary>
/// <param name="HostId">The host that shows it.</param>
/// <param name="Northbound">OVN_Northbound, with keys by row.</param>
/// <param name="Settings">
/// Of the own chassis: external_ids of the Open_vSwitch row; others tell theirs nobody.
/// </param>
public sealed record SouthboundPicture(
    string HostId, DatabaseSnapshot Northbound, TunnelKeys Keys,
    ImmutableSortedDictionary<string, string> Settings)
{
    public ImmutableSortedSet<Vtep> Vteps { get; init; } = [];

    public ImmutableSortedDictionary<string, PortLocation> Locations { get; init; } =
        ImmutableSortedDictionary<string, PortLocation>.Empty;

    public LearnedAddressesChanged Learned { get; init; } = LearnedAddressesChanged.Nothing;

    /// <summary>Active host by distributed gateway port, as hosts have voted.</summary>
    public ImmutableSortedDictionary<string, string> Gateways { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The flows of this host's datapaths; those of others are compiled there.</summary>
    public ImmutableArray<LogicalFlow> Flows { get; init; } = [];
}

/// <summary>One row as the view wants it; columns that are not named are empty.</summary>
internal sealed record SouthboundRow(
    string Table, Guid Uuid, ImmutableArray<ColumnValue> Values);

/// <summary>UUIDs that are the same on every host and after every restart.</summary>
/// <remarks>
/// A row that stands for one northbound row has its UUID; others have one made from their name.
/// </remarks>
internal static class SouthboundIds
{
    public static Guid Of(string kind, string name)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{name}"), hash);
        return Shape(hash);
    }

    /// <summary>
    /// Of a flow: the first 32 bits are its cookie, by which ovn-sbctl --ovs finds it.
    /// </summary>
    public static Guid OfFlow(uint cookie, string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(hash, cookie);
        return Shape(hash);
    }

    // Version 8 and the variant of RFC 9562.
    private static Guid Shape(Span<byte> hash)
    {
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
