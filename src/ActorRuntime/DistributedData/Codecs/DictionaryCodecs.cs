using System.Collections.Immutable;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.DistributedData;

/// <summary>1: key set; 2: entry {1 key, 2 value}.</summary>
internal sealed class ORDictionaryCodec<TKey, TValue> : DataCodec
    where TKey : notnull
    where TValue : IReplicatedData<TValue>
{
    private static readonly ORSetCodec<TKey> KeySet = new();

    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        var dictionary = (ORDictionary<TKey, TValue>)data;
        var keys = new FieldWriter(64);
        KeySet.Write(keys, dictionary.KeySet, coding);
        writer.Nested(1, keys);
        var entries = new List<byte[]>();
        foreach (var (key, value) in dictionary.ValueMap)
        {
            var body = new FieldWriter(64);
            Of(value.GetType()).Write(body, value, coding);
            entries.Add(new FieldWriter(128)
                .Nested(1, coding.Element(key)).Nested(2, body).ToArray());
        }

        foreach (var entry in entries.Order(ByteOrder.Instance)) writer.Bytes(2, entry);
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var keys = ORSet<TKey>.Empty;
        var values = ImmutableDictionary.CreateBuilder<TKey, TValue>();
        var codec = Of(typeof(TValue));
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) keys = (ORSet<TKey>)KeySet.Read(reader.Bytes, coding);
            else if (reader.Field == 2) ReadEntry(reader.Bytes, coding, codec, values);
        }

        return new ORDictionary<TKey, TValue>(keys, values.ToImmutable());
    }

    private static void ReadEntry(
        ReadOnlySpan<byte> bytes, Coding coding, DataCodec codec,
        ImmutableDictionary<TKey, TValue>.Builder values)
    {
        var (key, hasKey) = (default(TKey), false);
        IReplicatedData? value = null;
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) (key, hasKey) = (coding.Element<TKey>(reader.Bytes), true);
            else if (reader.Field == 2) value = codec.Read(reader.Bytes, coding);
        }

        if (!hasKey || value is null) throw new SerializationException("Malformed entry");
        values[key!] = (TValue)value;
    }
}

/// <summary>1: step {1 change of the key set, 2 entry {1 key, 2 type, 3 value or delta}}.</summary>
internal sealed class ORDictionaryDeltaCodec<TKey, TValue> : DataCodec
    where TKey : notnull
    where TValue : IReplicatedData<TValue>
{
    private static readonly ORSetDeltaCodec<TKey> KeyDelta = new();

    public override void Write(FieldWriter writer, IReplicatedData data, Coding coding)
    {
        foreach (var step in ((ORDictionaryDelta<TKey, TValue>)data).Steps)
        {
            var keys = new FieldWriter(64);
            KeyDelta.Write(keys, step.Keys, coding);
            var inner = new FieldWriter(128).Nested(1, keys);
            foreach (var (key, change) in step.Values)
            {
                var body = new FieldWriter(64);
                Of(change.GetType()).Write(body, change, coding);
                inner.Nested(2, new FieldWriter(128)
                    .Nested(1, coding.Element(key))
                    .Nested(2, DataTypes.WriteType(change.GetType())).Nested(3, body));
            }

            writer.Nested(1, inner);
        }
    }

    public override IReplicatedData Read(ReadOnlySpan<byte> bytes, Coding coding)
    {
        var steps = ImmutableArray.CreateBuilder<ORDictionaryDelta<TKey, TValue>.Step>();
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            ORSetDelta<TKey>? keys = null;
            var values = ImmutableDictionary.CreateBuilder<TKey, IReplicatedData>();
            var inner = new FieldReader(reader.Bytes);
            while (inner.Next())
            {
                if (inner.Field == 1) keys = (ORSetDelta<TKey>)KeyDelta.Read(inner.Bytes, coding);
                else if (inner.Field == 2) ReadChange(inner.Bytes, coding, values);
            }

            if (keys is null) throw new SerializationException("Malformed delta");
            steps.Add(new(keys, values.ToImmutable()));
        }

        return new ORDictionaryDelta<TKey, TValue>(steps.ToImmutable());
    }

    private static void ReadChange(
        ReadOnlySpan<byte> bytes, Coding coding,
        ImmutableDictionary<TKey, IReplicatedData>.Builder values)
    {
        var (key, hasKey) = (default(TKey), false);
        DataCodec? codec = null;
        IReplicatedData? change = null;
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) (key, hasKey) = (coding.Element<TKey>(reader.Bytes), true);
            else if (reader.Field == 2)
            {
                codec = Of(DataTypes.ReadType(reader.Bytes, coding.System, depth: 4));
            }
            else if (reader.Field == 3 && codec is not null)
            {
                change = codec.Read(reader.Bytes, coding);
            }
        }

        var isFitting = change is TValue
            || change is IReplicatedDelta delta && delta.Zero is TValue;
        if (!hasKey || !isFitting) throw new SerializationException("Malformed change");
        values[key!] = change!;
    }
}
