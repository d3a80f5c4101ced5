using System.Buffers.Binary;
using System.Collections.Immutable;
using Akka.Remote.Wire;

namespace Akka.Cluster;

/// <summary>The bytes of <see cref="GossipVersions"/> and <see cref="GossipDelta"/>.</summary>
/// <remarks>
/// Both: 1 sender, 2 recipient. Versions: 3 digests (8 bytes each, little-endian, newest first),
/// 4 seen, 5 is an answer. A delta: 3 digest of its base, 4 of its result (8 bytes each), 5 seen,
/// 6 what is set, as a gossip, 7 member removed, 8 observer removed, 9 clock's node removed (each
/// repeated).
/// </remarks>
internal static class GossipChangeCodec
{
    private const int DigestSize = 8;

    public static byte[] Encode(GossipVersions versions)
    {
        var digests = new byte[versions.Digests.Length * DigestSize];
        for (var i = 0; i < versions.Digests.Length; i++)
            Digest(versions.Digests[i]).CopyTo(digests, i * DigestSize);
        return new FieldWriter(64 + digests.Length + versions.Seen.Length + 128)
            .UniqueAddress(1, versions.From).UniqueAddress(2, versions.To)
            .Bytes(3, digests).Bytes(4, versions.Seen.AsSpan())
            .Flag(5, versions.IsAnswer).ToArray();
    }

    public static byte[] Encode(GossipDelta delta)
    {
        var change = delta.Change;
        var set = new Gossip(
            [.. change.Members], new Reachability(change.Rows), new VectorClock(change.Clock));
        var writer = new FieldWriter(512)
            .UniqueAddress(1, delta.From).UniqueAddress(2, delta.To)
            .Bytes(3, Digest(change.Base)).Bytes(4, Digest(change.Result))
            .Bytes(5, change.Seen.AsSpan()).Nested(6, GossipCodec.Encode(set));
        foreach (var node in change.MembersRemoved) writer.UniqueAddress(7, node);
        foreach (var node in change.RowsRemoved) writer.UniqueAddress(8, node);
        foreach (var node in change.ClockRemoved) writer.UniqueAddress(9, node);
        return writer.ToArray();
    }

    /// <returns>Null if the bytes are no such message.</returns>
    public static GossipVersions? DecodeVersions(ReadOnlySpan<byte> bytes)
    {
        UniqueAddress? from = null;
        UniqueAddress? to = null;
        var (digests, seen, isAnswer) = (ImmutableArray<ulong>.Empty, Array.Empty<byte>(), false);
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1 when reader.TryUniqueAddress(out var node): from = node; break;
                case 2 when reader.TryUniqueAddress(out var node): to = node; break;
                case 3: digests = ReadDigests(reader.Bytes); break;
                case 4: seen = reader.Bytes.ToArray(); break;
                case 5: isAnswer = reader.Flag; break;
                default: reader.Unknown(); break;
            }
        }

        return from is null || to is null || reader.IsMalformed
            ? null
            : new GossipVersions(from, to, digests, [.. seen], isAnswer);
    }

    /// <returns>Null if the bytes are no such message.</returns>
    public static GossipDelta? DecodeDelta(ReadOnlySpan<byte> bytes)
    {
        UniqueAddress? from = null;
        UniqueAddress? to = null;
        Gossip? set = null;
        var (start, result, seen) = (0ul, 0ul, Array.Empty<byte>());
        var removed = new List<UniqueAddress>[3];
        foreach (ref var list in removed.AsSpan()) list = [];
        var isSound = true;
        var reader = new FieldReader(bytes);
        while (isSound && reader.Next())
        {
            switch (reader.Field)
            {
                case 1 when reader.TryUniqueAddress(out var node): from = node; break;
                case 2 when reader.TryUniqueAddress(out var node): to = node; break;
                case 3: start = ReadDigests(reader.Bytes).FirstOrDefault(); break;
                case 4: result = ReadDigests(reader.Bytes).FirstOrDefault(); break;
                case 5: seen = reader.Bytes.ToArray(); break;
                case 6: isSound = (set = GossipCodec.Decode(reader.Bytes)) is not null; break;
                case 7 or 8 or 9:
                    var nodes = removed[reader.Field - 7];
                    isSound = nodes.Count < WireLimits.MemberCountMax
                        && reader.TryUniqueAddress(out var gone) && Added(nodes, gone);
                    break;
                default: reader.Unknown(); break;
            }
        }

        if (!isSound || from is null || to is null || set is null || reader.IsMalformed)
            return null;
        return new GossipDelta(from, to, new GossipChange(start, result, [.. seen])
        {
            Members = [.. set.Members],
            Rows = set.Reachability.Rows,
            Clock = set.Version.Entries,
            MembersRemoved = [.. removed[0]],
            RowsRemoved = [.. removed[1].Order()],
            ClockRemoved = [.. removed[2].Order()],
        });
    }

    private static bool Added(List<UniqueAddress> nodes, UniqueAddress node)
    {
        nodes.Add(node);
        return true;
    }

    private static byte[] Digest(ulong digest)
    {
        var bytes = new byte[DigestSize];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, digest);
        return bytes;
    }

    private static ImmutableArray<ulong> ReadDigests(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(bytes.Length / DigestSize, WireLimits.DigestCountMax);
        var digests = ImmutableArray.CreateBuilder<ulong>(count);
        for (var i = 0; i < count; i++)
            digests.Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(i * DigestSize)..]));
        return digests.MoveToImmutable();
    }
}
