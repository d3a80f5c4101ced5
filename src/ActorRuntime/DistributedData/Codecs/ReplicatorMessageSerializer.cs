using System.Buffers.Binary;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.DistributedData;

/// <summary>The replicators' messages and replicated values on the wire.</summary>
internal sealed class ReplicatorMessageSerializer(ExtendedActorSystem system)
    : SerializerWithStringManifest(system)
{
    public override int Identifier => 11;

    public override string Manifest(object o) => o switch
    {
        ReplicaSummary => "SU",
        ReplicaStatus => "ST",
        ReplicaGossip => "GO",
        DeltaPropagation => "DP",
        ReplicaWrite => "WR",
        ReplicaWriteAck => "WA",
        ReplicaRead => "RD",
        ReplicaReadResult => "RR",
        IReplicatedData => "RV",
        _ => throw new ArgumentException($"No manifest for [{o.GetType()}]", nameof(o)),
    };

    public override byte[] ToBinary(object obj)
    {
        var writer = new FieldWriter(256);
        switch (obj)
        {
            case ReplicaSummary summary: writer.Bytes(1, Packed(summary.Groups)); break;
            case ReplicaStatus status:
                foreach (var (key, digest) in status.Digests)
                {
                    writer.Nested(1, new FieldWriter(64).Text(1, key).Signed(2, digest));
                }

                writer.Signed(3, status.Chunk).Signed(4, status.ChunkCount);
                break;
            case ReplicaGossip gossip:
                foreach (var (key, envelope) in gossip.Updated)
                {
                    writer.Nested(1, Keyed(key, envelope));
                }

                writer.Flag(2, gossip.MustAnswer);
                break;
            case DeltaPropagation propagation:
                writer.UniqueAddress(2, propagation.From);
                foreach (var (key, delta) in propagation.Deltas)
                {
                    writer.Nested(1, Keyed(key, delta.Delta).Signed(3, delta.FromSequence)
                        .Signed(4, delta.ToSequence).Flag(5, delta.IsWhole));
                }

                break;
            case ReplicaWrite write: writer.Nested(1, Keyed(write.Key, write.Envelope)); break;
            case ReplicaRead read: writer.Text(2, read.Key); break;
            case ReplicaReadResult { Envelope: { } envelope }:
                writer.Nested(1, Keyed("", envelope));
                break;
            case IReplicatedData data:
                writer.Nested(1, Keyed("", DataEnvelope.Of(data)));
                break;
        }

        return writer.ToArray();
    }

    public override object FromBinary(byte[] bytes, string manifest)
    {
        var digests = ImmutableSortedDictionary.CreateBuilder<string, long>(StringComparer.Ordinal);
        var values = ImmutableSortedDictionary.CreateBuilder<string, ReplicaDelta>(
            StringComparer.Ordinal);
        UniqueAddress? from = null;
        var (flag, text, chunk, chunkCount) = (false, "", 0, 0);
        var groups = ImmutableArray<long>.Empty;
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1 when manifest == "SU": groups = Unpacked(reader.Bytes); break;
                case 1 when manifest == "ST": ReadDigest(reader.Bytes, digests); break;
                case 1: ReadKeyed(reader.Bytes, values); break;
                case 2 when manifest == "DP":
                    if (reader.TryUniqueAddress(out var node)) from = node;
                    break;
                case 2 when manifest == "RD": text = reader.Text; break;
                case 2: flag = reader.Flag; break;
                case 3: chunk = reader.SignedInt32; break;
                case 4: chunkCount = reader.SignedInt32; break;
                default: reader.Unknown(); break;
            }
        }

        var isComplete = manifest switch
        {
            "DP" => from is not null,
            "ST" => chunk >= 0 && (chunk < chunkCount || chunkCount == 0),
            "WR" or "RV" => values.Count == 1,
            _ => true,
        };
        if (!isComplete || reader.IsMalformed)
        {
            throw new SerializationException($"Malformed replicator message \"{manifest}\"");
        }

        return manifest switch
        {
            "SU" => new ReplicaSummary(groups),
            "ST" => new ReplicaStatus(digests.ToImmutable(), chunk, chunkCount),
            "GO" => new ReplicaGossip(
                values.ToImmutableSortedDictionary(
                    e => e.Key, e => e.Value.Delta, StringComparer.Ordinal), flag),
            "DP" => new DeltaPropagation(from!, values.ToImmutable()),
            "WR" => new ReplicaWrite(values.First().Key, values.First().Value.Delta),
            "WA" => new ReplicaWriteAck(),
            "RD" => new ReplicaRead(text),
            "RR" => new ReplicaReadResult(values.Values.FirstOrDefault()?.Delta),
            "RV" => values.First().Value.Delta.Data,
            _ => throw new SerializationException($"Unknown manifest \"{manifest}\""),
        };
    }

    private FieldWriter Keyed(string key, DataEnvelope envelope) =>
        new FieldWriter(256).Text(1, key).Nested(2, envelope.Encoded(system).Whole);

    /// <summary>Eight bytes each, the lowest first.</summary>
    private static byte[] Packed(ImmutableArray<long> numbers)
    {
        var bytes = new byte[numbers.Length * sizeof(long)];
        for (var i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), numbers[i]);
        return bytes;
    }

    private static ImmutableArray<long> Unpacked(ReadOnlySpan<byte> bytes)
    {
        var numbers = ImmutableArray.CreateBuilder<long>(bytes.Length / sizeof(long));
        for (; bytes.Length >= sizeof(long); bytes = bytes[sizeof(long)..])
            numbers.Add(BinaryPrimitives.ReadInt64LittleEndian(bytes));
        return numbers.ToImmutable();
    }

    private static void ReadDigest(
        ReadOnlySpan<byte> bytes, ImmutableSortedDictionary<string, long>.Builder digests)
    {
        var (key, digest) = ("", 0L);
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) key = reader.Text;
            else if (reader.Field == 2) digest = reader.Signed;
            else reader.Unknown();
        }

        digests[key] = digest;
    }

    private void ReadKeyed(
        ReadOnlySpan<byte> bytes, ImmutableSortedDictionary<string, ReplicaDelta>.Builder values)
    {
        var (key, from, to, isWhole) = ("", 0L, 0L, false);
        DataEnvelope? envelope = null;
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: key = reader.Text; break;
                case 2: envelope = DataCodec.Decode(reader.Bytes, system); break;
                case 3: from = reader.Signed; break;
                case 4: to = reader.Signed; break;
                case 5: isWhole = reader.Flag; break;
                default: reader.Unknown(); break;
            }
        }

        if (envelope is null) throw new SerializationException("Malformed value");
        values[key] = new ReplicaDelta(envelope, from, to, isWhole);
    }
}
