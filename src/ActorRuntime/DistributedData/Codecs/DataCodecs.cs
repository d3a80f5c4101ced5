using System.Collections.Immutable;
using Akka.Cluster;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.DistributedData;

internal sealed class DeletedCodec : DataCodec
{
    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding) =>
        DeletedData.Instance;
}

internal sealed class FlagCodec : DataCodec
{
    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding) =>
        writer.Flag(1, ((Flag)data).Enabled);

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var reader = new FieldReader(bytes);
        return reader.Next() && reader.Flag ? Flag.True : Flag.False;
    }
}

internal sealed class GCounterCodec : DataCodec
{
    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        foreach (var (node, count) in ((GCounter)data).State)
        {
            writer.Nested(1, Entry(node, unchecked((long)count), coding));
        }
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var state = ImmutableSortedDictionary.CreateBuilder<UniqueAddress, ulong>();
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            var (node, count) = ReadEntry(reader.Bytes, coding);
            state[node] = unchecked((ulong)count);
        }

        return new GCounter(state.ToImmutable());
    }
}

internal sealed class PNCounterCodec : DataCodec
{
    private static readonly GCounterCodec Half = new();

    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        var counter = (PNCounter)data;
        var (up, down) = (new FieldWriter(64), new FieldWriter(64));
        Half.Write(up, counter.Increments, coding);
        Half.Write(down, counter.Decrements, coding);
        writer.Nested(1, up).Nested(2, down);
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var (up, down) = (GCounter.Empty, GCounter.Empty);
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) up = (GCounter)Half.Read(reader.Bytes, coding);
            else if (reader.Field == 2) down = (GCounter)Half.Read(reader.Bytes, coding);
        }

        return new PNCounter(up, down);
    }
}

internal sealed class GSetCodec<T> : DataCodec
    where T : notnull
{
    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        var elements = ((GSet<T>)data).Select(e => coding.Element(e).ToArray());
        foreach (var element in elements.Order(ByteOrder.Instance)) writer.Bytes(1, element);
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var elements = ImmutableHashSet.CreateBuilder<T>();
        var reader = new FieldReader(bytes);
        while (reader.Next()) elements.Add(coding.Element<T>(reader.Bytes));
        return new GSet<T>(elements.ToImmutable());
    }
}

/// <summary>1: element {1 value, 2 dot (repeated)}; 2: known version.</summary>
internal sealed class ORSetCodec<T> : DataCodec
    where T : notnull
{
    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        var set = (ORSet<T>)data;
        var elements = new List<byte[]>();
        foreach (var (element, dots) in set.Dots)
        {
            var inner = new FieldWriter(64).Nested(1, coding.Element(element));
            foreach (var (node, version) in dots.Versions)
            {
                inner.Nested(2, Entry(node, version, coding));
            }

            elements.Add(inner.ToArray());
        }

        foreach (var element in elements.Order(ByteOrder.Instance)) writer.Bytes(1, element);
        foreach (var (node, version) in set.Known.Versions)
        {
            writer.Nested(2, Entry(node, version, coding));
        }
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var dots = ImmutableDictionary.CreateBuilder<T, VersionVector>();
        var known = new SortedDictionary<UniqueAddress, long>();
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 2)
            {
                var (node, version) = ReadEntry(reader.Bytes, coding);
                known[node] = version;
            }
            else if (reader.Field == 1)
            {
                var (element, vector) = ReadElement(reader.Bytes, coding);
                dots[element] = vector;
            }
        }

        return new ORSet<T>(dots.ToImmutable(), VersionVector.Of(known));
    }

    private static (T Element, VersionVector Dots) ReadElement(
        ReadOnlySpan<byte> bytes, Coding coding)
    {
        var dots = new SortedDictionary<UniqueAddress, long>();
        var (element, hasElement) = (default(T), false);
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1)
            {
                (element, hasElement) = (coding.Element<T>(reader.Bytes), true);
            }
            else if (reader.Field == 2)
            {
                var (node, version) = ReadEntry(reader.Bytes, coding);
                dots[node] = version;
            }
        }

        if (!hasElement
            || reader.IsMalformed) throw new SerializationException("Malformed element");
        return (element!, VersionVector.Of(dots));
    }
}

/// <summary>1: step {1 kind, 2 set}.</summary>
internal sealed class ORSetDeltaCodec<T> : DataCodec
    where T : notnull
{
    private static readonly ORSetCodec<T> State = new();

    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        foreach (var (kind, state) in ((ORSetDelta<T>)data).Steps)
        {
            var body = new FieldWriter(64);
            State.Write(body, state, coding);
            writer.Nested(1, new FieldWriter(64).Unsigned(1, (ulong)kind).Nested(2, body));
        }
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var steps = ImmutableArray.CreateBuilder<(ORSetDelta<T>.Kind, ORSet<T>)>();
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            var (kind, state) = (0UL, ORSet<T>.Empty);
            var inner = new FieldReader(reader.Bytes);
            while (inner.Next())
            {
                if (inner.Field == 1) kind = inner.Unsigned;
                else if (inner.Field == 2) state = (ORSet<T>)State.Read(inner.Bytes, coding);
            }

            if (kind is < 1 or > 3) throw new SerializationException("Malformed delta");
            steps.Add(((ORSetDelta<T>.Kind)kind, state));
        }

        return new ORSetDelta<T>(steps.ToImmutable());
    }
}

/// <summary>1 node, 2 timestamp, 3 value.</summary>
internal sealed class LWWRegisterCodec<T> : DataCodec
{
    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        var register = (LWWRegister<T>)data;
        writer.Unsigned(1, coding.IndexOf(register.UpdatedBy)).Signed(2, register.Timestamp);
        if (register.Value is not null) writer.Nested(3, coding.Element(register.Value));
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        UniqueAddress? node = null;
        var timestamp = 0L;
        var value = default(T);
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) node = coding.NodeAt(reader.Unsigned);
            else if (reader.Field == 2) timestamp = reader.Signed;
            else if (reader.Field == 3) value = coding.Element<T>(reader.Bytes);
        }

        return node is null
            ? throw new SerializationException("Malformed register")
            : new LWWRegister<T>(node, value!, timestamp);
    }
}

/// <summary>Byte strings by their unsigned bytes, the shorter first.</summary>
internal sealed class ByteOrder : IComparer<byte[]>
{
    public static readonly ByteOrder Instance = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}
