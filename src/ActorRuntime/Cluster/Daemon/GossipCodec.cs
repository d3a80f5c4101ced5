using System.Collections.Immutable;
using Akka.Remote.Wire;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>A gossip in bytes: nodes, roles and versions once, everything else by index.</summary>
/// <remarks>
/// Fields: 1 node, 2 role, 3 application version (each repeated; their order gives the indices),
/// 4 member {1 node, 2 up number, 3 status, 4 role (repeated), 5 version}, 5 seen,
/// 6 reachability record {1 observer, 2 subject, 3 status, 4 version}, 7 observer's version
/// {1 node, 2 version}, 8 clock entry {1 node, 2 version}.
/// </remarks>
internal static class GossipCodec
{
    public static FieldWriter Encode(Gossip gossip)
    {
        var members = gossip.Table;
        var nodes = members.Select(m => m.UniqueAddress)
            .Concat(gossip.Seen).Concat(gossip.Version.Entries.Select(entry => entry.Node))
            .Concat(gossip.Reachability.Rows.Select(row => row.Observer))
            .Concat(gossip.Reachability.Records.Select(record => record.Subject))
            .Distinct().Order().ToList();
        var roles = members.SelectMany(m => m.Roles).Distinct()
            .Order(StringComparer.Ordinal).ToList();
        var versions = members.Select(m => m.AppVersion.Version).Distinct()
            .Order(StringComparer.Ordinal).ToList();
        var index = IndicesOf(nodes);
        var roleIndex = IndicesOf(roles); // Each host has a role of its own.

        var writer = new FieldWriter(64 + nodes.Count * 64);
        foreach (var node in nodes) writer.UniqueAddress(1, node);
        foreach (var role in roles) writer.Text(2, role);
        foreach (var version in versions) writer.Text(3, version);
        foreach (var member in members)
        {
            var inner = new FieldWriter(32)
                .Unsigned(1, index[member.UniqueAddress])
                .Signed(2, member.UpNumber).Unsigned(3, (ulong)member.Status);
            foreach (var role in member.Roles.Order(StringComparer.Ordinal))
            {
                inner.Unsigned(4, roleIndex[role]);
            }

            inner.Unsigned(5, (ulong)versions.IndexOf(member.AppVersion.Version));
            writer.Nested(4, inner);
        }

        foreach (var node in gossip.Seen) writer.Unsigned(5, index[node]);
        foreach (var record in gossip.Reachability.Records)
        {
            writer.Nested(6, new FieldWriter(32)
                .Unsigned(1, index[record.Observer]).Unsigned(2, index[record.Subject])
                .Unsigned(3, (ulong)record.Status).Signed(4, record.Version));
        }

        foreach (var row in gossip.Reachability.Rows)
        {
            writer.Nested(
                7, new FieldWriter(16).Unsigned(1, index[row.Observer]).Signed(2, row.Version));
        }

        foreach (var (node, version) in gossip.Version.Entries)
        {
            writer.Nested(8, new FieldWriter(16).Unsigned(1, index[node]).Signed(2, version));
        }

        return writer;
    }

    private static Dictionary<T, ulong> IndicesOf<T>(List<T> list)
        where T : notnull
    {
        var indices = new Dictionary<T, ulong>(list.Count);
        foreach (var one in list) indices.Add(one, (ulong)indices.Count);
        return indices;
    }

    /// <returns>Null if the bytes are no gossip.</returns>
    public static Gossip? Decode(ReadOnlySpan<byte> bytes)
    {
        var nodes = new List<UniqueAddress>();
        var roles = new List<string>();
        var versions = new List<AppVersion>();
        var members = ImmutableSortedSet.CreateBuilder<Member>();
        var seen = new List<UniqueAddress>();
        var records = new List<ReachabilityRecord>();
        var observers = new SortedDictionary<UniqueAddress, long>();
        var clock = new SortedDictionary<UniqueAddress, long>();
        var isSound = true;
        var reader = new FieldReader(bytes);
        while (isSound && reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    isSound = reader.TryUniqueAddress(out var node)
                        && nodes.Count < WireLimits.MemberCountMax;
                    nodes.Add(node);
                    break;
                case 2: roles.Add(reader.Name); break;
                case 3: versions.Add(reader.AppVersion); break;
                case 4:
                    var member = DecodeMember(reader.Bytes, nodes, roles, versions);
                    isSound = member is not null && members.Add(member);
                    break;
                case 5:
                    isSound = reader.Unsigned < (ulong)nodes.Count;
                    if (isSound) seen.Add(nodes[(int)reader.Unsigned]);
                    break;
                case 6:
                    var record = DecodeRecord(reader.Bytes, nodes);
                    isSound = record is not null;
                    if (isSound) records.Add(record!);
                    break;
                case 7: isSound = TryEntry(reader.Bytes, nodes, observers); break;
                case 8: isSound = TryEntry(reader.Bytes, nodes, clock); break;
                default: reader.Unknown(); break;
            }
        }

        if (!isSound || reader.IsMalformed) return null;
        var gossip = new Gossip(
            members.ToImmutable(), ReachabilityOf(records, observers), ClockOf(clock));
        return gossip.SeenBy([.. seen]);
    }

    private static Reachability ReachabilityOf(
        List<ReachabilityRecord> records, SortedDictionary<UniqueAddress, long> observers)
    {
        var said = records.ToLookup(record => record.Observer);
        return new Reachability(
            [
                .. observers.Select(
                    pair => new ObserverRow(pair.Key, pair.Value, [.. said[pair.Key]])),
            ]);
    }

    private static VectorClock ClockOf(SortedDictionary<UniqueAddress, long> entries) =>
        new([.. entries.Select(pair => new ClockEntry(pair.Key, pair.Value))]);

    public static FieldWriter EncodeClock(VectorClock clock)
    {
        var writer = new FieldWriter(clock.Entries.Length * 48);
        foreach (var (node, version) in clock.Entries)
        {
            writer.Nested(1, new FieldWriter(64).UniqueAddress(1, node).Signed(2, version));
        }

        return writer;
    }

    public static VectorClock? DecodeClock(ReadOnlySpan<byte> bytes)
    {
        var clock = new SortedDictionary<UniqueAddress, long>();
        var reader = new FieldReader(bytes);
        while (reader.Next() && clock.Count < WireLimits.MemberCountMax)
        {
            UniqueAddress? node = null;
            var version = 0L;
            var inner = new FieldReader(reader.Bytes);
            while (inner.Next())
            {
                if (inner.Field == 1 && inner.TryUniqueAddress(out var found)) node = found;
                else if (inner.Field == 2) version = inner.Signed;
            }

            if (node is null || inner.IsMalformed) return null;
            clock[node] = version;
        }

        return reader.IsMalformed ? null : ClockOf(clock);
    }

    private static Member? DecodeMember(
        ReadOnlySpan<byte> bytes, List<UniqueAddress> nodes, List<string> roles,
        List<AppVersion> versions)
    {
        var node = ulong.MaxValue;
        var (upNumber, status) = (Member.NotUp, MemberStatus.Joining);
        var version = AppVersion.Zero;
        var own = ImmutableHashSet.CreateBuilder<string>();
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: node = reader.Unsigned; break;
                case 2: upNumber = reader.SignedInt32; break;
                case 3 when reader.Unsigned <= (ulong)MemberStatus.WeaklyUp:
                    status = (MemberStatus)reader.Unsigned;
                    break;
                case 4 when reader.Unsigned < (ulong)roles.Count:
                    own.Add(roles[(int)reader.Unsigned]);
                    break;
                case 5 when reader.Unsigned < (ulong)versions.Count:
                    version = versions[(int)reader.Unsigned];
                    break;
                case > 5: reader.Unknown(); break;
                default: return null;
            }
        }

        if (reader.IsMalformed || node >= (ulong)nodes.Count) return null;
        return Member.Create(
            nodes[(int)node], upNumber, status, own.ToImmutable(), version);
    }

    private static ReachabilityRecord? DecodeRecord(
        ReadOnlySpan<byte> bytes, List<UniqueAddress> nodes)
    {
        var (observer, subject, status, version) = (ulong.MaxValue, ulong.MaxValue, 0UL, 0L);
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) observer = reader.Unsigned;
            else if (reader.Field == 2) subject = reader.Unsigned;
            else if (reader.Field == 3) status = reader.Unsigned;
            else if (reader.Field == 4) version = reader.Signed;
            else reader.Unknown();
        }

        var count = (ulong)nodes.Count;
        if (reader.IsMalformed || observer >= count || subject >= count || status > 2) return null;
        return new ReachabilityRecord(
            nodes[(int)observer], nodes[(int)subject], (ReachabilityStatus)status, version);
    }

    private static bool TryEntry(
        ReadOnlySpan<byte> bytes, List<UniqueAddress> nodes,
        SortedDictionary<UniqueAddress, long> entries)
    {
        var (node, version) = (ulong.MaxValue, 0L);
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) node = reader.Unsigned;
            else if (reader.Field == 2) version = reader.Signed;
            else reader.Unknown();
        }

        if (reader.IsMalformed || node >= (ulong)nodes.Count) return false;
        entries[nodes[(int)node]] = version;
        return true;
    }
}
