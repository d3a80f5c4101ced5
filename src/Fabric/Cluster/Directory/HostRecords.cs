using System.Collections.Immutable;
using System.Net;

namespace Fabric.Cluster;

/// <summary>What one host says of itself by gossip. Only that host writes it.</summary>
/// <param name="Version">Rises with every change and every start of the host; no clock.</param>
public sealed record HostRecord(
    string HostId, string HostName, long Version, ImmutableSortedSet<Vtep> Vteps)
    : IGossipedRecord
{
    public IGossipedRecord At(long version) => this with { Version = version };
}

/// <summary>The logical ports that one host has bound. Only that host writes it.</summary>
/// <param name="Claims">Claim counter by logical port.</param>
public sealed record HostClaims(
    string HostId, long Version, ImmutableSortedDictionary<string, long> Claims)
    : IGossipedRecord
{
    public IGossipedRecord At(long version) => this with { Version = version };
}

/// <summary>The bytes of gossiped records, version 1.</summary>
/// <remarks>
/// Host record: 1 host, 2 name, 3 version, 4 VTEPs (1 type, 2 address, 3 options).
/// Claims: 1 host, 2 version, 3 claims (1 port, 2 counter).
/// </remarks>
public static class HostRecordCodec
{
    public const string RecordManifest = "host.record.1";
    public const string ClaimsManifest = "host.claims.1";

    public static byte[] Write(HostRecord record)
    {
        var to = new FieldWriter().Text(1, record.HostId).Text(2, record.HostName)
            .Number(3, record.Version);
        foreach (var vtep in record.Vteps)
        {
            to.Item(4, new FieldWriter().Text(1, vtep.Type)
                .Bytes(2, vtep.Address.GetAddressBytes()).Map(3, vtep.Options));
        }

        return to.ToArray();
    }

    public static byte[] Write(HostClaims claims)
    {
        var to = new FieldWriter().Text(1, claims.HostId).Number(2, claims.Version);
        foreach (var (port, count) in claims.Claims)
            to.Item(3, new FieldWriter().Text(1, port).Number(2, count));
        return to.ToArray();
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out HostRecord record)
    {
        var (host, name, version) = ("", "", 0L);
        var vteps = new List<(string Type, IPAddress Address,
            ImmutableSortedDictionary<string, string> Options)>();
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: host = reader.Text(); break;
                case 2: name = reader.Text(); break;
                case 3: version = reader.Number; break;
                case 4 when ReadVtep(ref reader) is { } vtep: vteps.Add(vtep); break;
            }
        }

        record = new HostRecord(host, name, version,
            [.. vteps.Select(v => new Vtep(host, name, v.Type, v.Address, v.Options))]);
        return !reader.IsMalformed;
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out HostClaims claims)
    {
        var (host, version) = ("", 0L);
        var counts = Ordinal.EmptyMap<long>().ToBuilder();
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: host = reader.Text(); break;
                case 2: version = reader.Number; break;
                case 3: ReadClaim(ref reader, counts); break;
            }
        }

        claims = new HostClaims(host, version, counts.ToImmutable());
        return !reader.IsMalformed;
    }

    private static (string, IPAddress, ImmutableSortedDictionary<string, string>)? ReadVtep(
        ref FieldReader outer)
    {
        var type = "";
        IPAddress? address = null;
        var options = Ordinal.EmptyMap<string>().ToBuilder();
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: type = reader.Text(); break;
                case 2 when reader.Bytes.Length is 4 or 16:
                    address = new IPAddress(reader.Bytes);
                    break;
                case 3:
                    var pair = reader.Pair();
                    options[pair.Key] = pair.Value;
                    break;
            }
        }

        if (reader.IsMalformed || address is null) outer.Fail();
        return address is null ? null : (type, address, options.ToImmutable());
    }

    private static void ReadClaim(
        ref FieldReader outer, ImmutableSortedDictionary<string, long>.Builder counts)
    {
        var (port, count) = ("", 0L);
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            if (reader.Field == 1) port = reader.Text();
            else if (reader.Field == 2) count = reader.Number;
        }

        if (reader.IsMalformed) outer.Fail();
        counts[port] = count;
    }
}
