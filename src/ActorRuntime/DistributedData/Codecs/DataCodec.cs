using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.DistributedData;

/// <summary>Replicated values and their deltas in bytes, the same on every host.</summary>
/// <remarks>
/// An envelope: 1 node (repeated, sorted; others refer to it by index), 2 type, 3 value, 4 pruning
/// mark {1 removed, 2 owner, 3 obsolete after, 4 seen (repeated)}, 5 delta version {1 node,
/// 2 version}. A type: 1 name, 2 argument (repeated). Element types of applications must be bound
/// to a serializer; no other type is made from a name. Elements are sorted by their bytes, so that
/// equal values have equal bytes, and digests can be compared.
/// </remarks>
internal abstract class DataCodec
{
    private const int DepthMax = 4;

    private static readonly ConcurrentDictionary<Type, DataCodec> Codecs = new();

    /// <summary>Writes the body of a value.</summary>
    public abstract void Write(FieldWriter writer, IReplicatedData data, Coding coding);

    /// <exception cref="SerializationException">The bytes are malformed.</exception>
    public abstract IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding);

    public static DataCodec Of(Type type) => Codecs.GetOrAdd(type, DataTypes.CreateCodec);

    /// <summary>Digest (never 0) and size of an envelope, without its delta versions.</summary>
    public static (long Digest, int Size) Measure(DataEnvelope envelope, ActorSystem system)
    {
        var bytes = envelope.Encoded(system).WithoutVersions;
        if (bytes.IsEmpty)
        {
            var unnumbered = envelope with { DeltaVersions = VersionVector.Empty };
            bytes = Encode(unnumbered, system).WithoutVersions;
        }

        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(bytes, hash);
        return (BinaryPrimitives.ReadInt64LittleEndian(hash) | 1, bytes.Length);
    }

    public static EncodedEnvelope Encode(DataEnvelope envelope, ActorSystem system)
    {
        // Most values name who changed them and nobody else: then these numbers are final.
        var coding = new Coding(system);
        if (envelope.Data is IRemovedNodePruning value) coding.Name(value.ModifiedByNodes);
        var body = new FieldWriter(512);
        Body(body, envelope, coding);
        var namedCount = coding.Nodes.Count;
        coding.Name(envelope.DeltaVersions.Nodes);
        if (coding.SortNodes())
        {
            body = new FieldWriter(body.Size);
            Body(body, envelope, coding);
        }

        var writer = new FieldWriter(body.Size + 64 * coding.Nodes.Count + 64);
        foreach (var node in coding.Nodes) writer.UniqueAddress(1, node);
        var size = writer.Raw(body.Written).Size;
        foreach (var (node, version) in envelope.DeltaVersions.Versions)
        {
            writer.Nested(5, Entry(node, version, coding));
        }

        return new EncodedEnvelope(writer, coding.Nodes.Count == namedCount ? size : 0);
    }

    /// <exception cref="SerializationException">The bytes are malformed.</exception>
    public static DataEnvelope Decode(ReadOnlySpan<byte> bytes, ActorSystem system)
    {
        var coding = new Coding(system);
        var pruning = ImmutableSortedDictionary.CreateBuilder<UniqueAddress, PruningState>();
        var versions = new SortedDictionary<UniqueAddress, long>();
        DataCodec? codec = null;
        IReplicatedData? data = null;
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    if (reader.TryUniqueAddress(out var node)) coding.Nodes.Add(node);
                    break;
                case 2: codec = Of(DataTypes.ReadType(reader.Bytes, system, DepthMax)); break;
                case 3 when codec is not null: data = codec.Read(reader.Bytes, coding); break;
                case 4: ReadMark(reader.Bytes, coding, pruning); break;
                case 5:
                    var entry = ReadEntry(reader.Bytes, coding);
                    versions[entry.Node] = entry.Version;
                    break;
                default: reader.Unknown(); break;
            }
        }

        if (data is null || reader.IsMalformed)
        {
            throw new SerializationException("Malformed replicated value");
        }

        return new DataEnvelope(data, pruning.ToImmutable(), VersionVector.Of(versions));
    }

    public static (UniqueAddress Node, long Version) ReadEntry(
        ReadOnlySpan<byte> bytes, Coding coding)
    {
        UniqueAddress? node = null;
        var version = 0L;
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) node = coding.NodeAt(reader.Unsigned);
            else if (reader.Field == 2) version = reader.Signed;
        }

        return node is null || reader.IsMalformed
            ? throw new SerializationException("Malformed version")
            : (node, version);
    }

    public static FieldWriter Entry(UniqueAddress node, long version, Coding coding) =>
        new FieldWriter(16).Unsigned(1, coding.IndexOf(node)).Signed(2, version);

    /// <summary>All but the nodes and the delta versions.</summary>
    private static void Body(FieldWriter writer, DataEnvelope envelope, Coding coding)
    {
        var type = envelope.Data.GetType();
        writer.Nested(2, DataTypes.WriteType(type));
        var body = new FieldWriter(256);
        Of(type).Write(body, envelope.Data, coding);
        writer.Nested(3, body);
        foreach (var (removed, state) in envelope.Pruning)
        {
            var mark = new FieldWriter(64)
                .Unsigned(1, coding.IndexOf(removed)).Unsigned(2, coding.IndexOf(state.Owner));
            if (state.ObsoleteAfter is { } after) mark.Signed(3, after);
            foreach (var node in state.Seen) mark.Unsigned(4, coding.IndexOf(node));
            writer.Nested(4, mark);
        }
    }

    private static void ReadMark(
        ReadOnlySpan<byte> bytes, Coding coding,
        ImmutableSortedDictionary<UniqueAddress, PruningState>.Builder pruning)
    {
        UniqueAddress? removed = null;
        UniqueAddress? owner = null;
        long? obsoleteAfter = null;
        var seen = ImmutableSortedSet.CreateBuilder<UniqueAddress>();
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) removed = coding.NodeAt(reader.Unsigned);
            else if (reader.Field == 2) owner = coding.NodeAt(reader.Unsigned);
            else if (reader.Field == 3) obsoleteAfter = reader.Signed;
            else if (reader.Field == 4) seen.Add(coding.NodeAt(reader.Unsigned));
            else reader.Unknown();
        }

        if (removed is null || owner is null || reader.IsMalformed)
        {
            throw new SerializationException("Malformed pruning mark");
        }

        pruning[removed] = new PruningState(owner, seen.ToImmutable(), obsoleteAfter);
    }
}

/// <summary>An envelope in bytes.</summary>
/// <param name="Whole">All of it.</param>
/// <param name="Size">
/// Of the part before the delta versions; 0 if these name nodes that are nowhere else, so that
/// without them other bytes were written.
/// </param>
internal sealed record EncodedEnvelope(FieldWriter Whole, int Size)
{
    public ReadOnlySpan<byte> WithoutVersions => Whole.Written[..Size];
}

/// <summary>The nodes that one encoded value names.</summary>
internal sealed class Coding(ActorSystem system)
{
    private readonly Dictionary<UniqueAddress, ulong> _indices = [];

    public ActorSystem System { get; } = system;

    public List<UniqueAddress> Nodes { get; private set; } = [];

    public ulong IndexOf(UniqueAddress node)
    {
        if (_indices.TryGetValue(node, out var index)) return index;
        Nodes.Add(node);
        return _indices[node] = (ulong)(Nodes.Count - 1);
    }

    /// <exception cref="SerializationException">There is no such node.</exception>
    public UniqueAddress NodeAt(ulong index) => index < (ulong)Nodes.Count
        ? Nodes[(int)index]
        : throw new SerializationException("Malformed node number");

    /// <summary>Gives them numbers in their order.</summary>
    public void Name(IEnumerable<UniqueAddress> nodes)
    {
        foreach (var node in nodes.Order()) IndexOf(node);
    }

    /// <summary>True if that changed a number: what was written names others now.</summary>
    public bool SortNodes()
    {
        List<UniqueAddress> sorted = [.. Nodes.Order()];
        if (sorted.SequenceEqual(Nodes)) return false;
        Nodes = sorted;
        _indices.Clear();
        for (var i = 0; i < Nodes.Count; i++) _indices[Nodes[i]] = (ulong)i;
        return true;
    }

    /// <summary>An element of the application's types.</summary>
    public FieldWriter Element<T>(T value) => Payload.Encode(value!, System);

    /// <exception cref="SerializationException">It is no T.</exception>
    public T Element<T>(ReadOnlySpan<byte> bytes) => Payload.Read(bytes, System) is T value
        ? value
        : throw new SerializationException($"Element is no {typeof(T).Name}");
}
