using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Remote.Wire;
using Akka.Serialization;

namespace Akka.DistributedData;

/// <summary>Names of replicated types on the wire, and which codec writes each.</summary>
internal static class DataTypes
{
    /// <summary>Wire name, type, codec; generic ones by their definitions.</summary>
    private static readonly (string Name, Type Type, Type Codec)[] Table =
    [
        ("Deleted", typeof(DeletedData), typeof(DeletedCodec)),
        ("Flag", typeof(Flag), typeof(FlagCodec)),
        ("GCounter", typeof(GCounter), typeof(GCounterCodec)),
        ("PNCounter", typeof(PNCounter), typeof(PNCounterCodec)),
        ("GSet", typeof(GSet<>), typeof(GSetCodec<>)),
        ("ORSet", typeof(ORSet<>), typeof(ORSetCodec<>)),
        ("ORSetDelta", typeof(ORSetDelta<>), typeof(ORSetDeltaCodec<>)),
        ("LWW", typeof(LWWRegister<>), typeof(LWWRegisterCodec<>)),
        ("ORDict", typeof(ORDictionary<,>), typeof(ORDictionaryCodec<,>)),
        ("ORDictDelta", typeof(ORDictionaryDelta<,>), typeof(ORDictionaryDeltaCodec<,>)),
        ("LWWDict", typeof(LWWDictionary<,>), typeof(LWWDictionaryCodec<,>)),
        ("LWWDictDelta", typeof(LWWDictionary<,>.WrappedDelta), typeof(LWWDictionaryDeltaCodec<,>)),
        ("MVDict", typeof(ORMultiValueDictionary<,>), typeof(ORMultiValueDictionaryCodec<,>)),
        ("MVDictDelta", typeof(ORMultiValueDictionary<,>.WrappedDelta),
            typeof(ORMultiValueDictionaryDeltaCodec<,>)),
        ("PNDict", typeof(PNCounterDictionary<>), typeof(PNCounterDictionaryCodec<>)),
        ("PNDictDelta", typeof(PNCounterDictionary<>.WrappedDelta),
            typeof(PNCounterDictionaryDeltaCodec<>)),
    ];

    public static DataCodec CreateCodec(Type type)
    {
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        foreach (var row in Table)
        {
            if (row.Type != definition) continue;
            var codec = type.IsGenericType
                ? row.Codec.MakeGenericType(type.GetGenericArguments())
                : row.Codec;
            return (DataCodec)Activator.CreateInstance(codec, nonPublic: true)!;
        }

        throw new SerializationException($"[{type}] is no replicated type of this runtime");
    }

    private static readonly ConcurrentDictionary<Type, FieldWriter> Written = new();

    /// <summary>Of the applications' types that were found by name.</summary>
    private static readonly ConcurrentDictionary<string, Type> Elements =
        new(StringComparer.Ordinal);

    public static FieldWriter WriteType(Type type) => Written.GetOrAdd(type, Describe);

    private static FieldWriter Describe(Type type)
    {
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        var row = Array.Find(Table, r => r.Type == definition);
        if (row.Name is null)
        {
            return new FieldWriter(64).Text(1, $"{type.FullName}, {type.Assembly.GetName().Name}");
        }

        var writer = new FieldWriter(64).Text(1, row.Name);
        foreach (var argument in type.GetGenericArguments()) writer.Nested(2, WriteType(argument));
        return writer;
    }

    /// <exception cref="SerializationException">Unknown, or not bound to a serializer.</exception>
    public static Type ReadType(ReadOnlySpan<byte> bytes, ActorSystem system, int depth)
    {
        if (depth == 0) throw new SerializationException("Types are nested too deeply");
        var name = "";
        var arguments = new List<Type>();
        var reader = new FieldReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) name = reader.Text;
            else if (reader.Field == 2 && arguments.Count < 2)
            {
                arguments.Add(ReadType(reader.Bytes, system, depth - 1));
            }
        }

        if (reader.IsMalformed
            || name.Length == 0) throw new SerializationException("Malformed type");
        var row = Array.Find(Table, r => r.Name == name);
        return row.Name is null ? Element(name, system) : Closed(row.Type, arguments);
    }

    private static Type Closed(Type definition, List<Type> arguments)
    {
        if (!definition.IsGenericTypeDefinition) return definition;
        try
        {
            return definition.MakeGenericType([.. arguments]);
        }
        catch (ArgumentException e)
        {
            throw new SerializationException($"Malformed type: {e.Message}", e);
        }
    }

    /// <summary>Only what the application has bound to a serializer.</summary>
    private static Type Element(string name, ActorSystem system)
    {
        if (Elements.TryGetValue(name, out var known))
        {
            system.Serialization.FindSerializerForType(known);
            return known;
        }

        Type? type;
        try
        {
            type = Akka.Util.TypeNames.Find(name);
        }
        catch (Exception e) when (e is ArgumentException or IOException or TypeLoadException
            or BadImageFormatException)
        {
            type = null;
        }

        if (type is null) throw new SerializationException($"Unknown element type \"{name}\"");
        system.Serialization.FindSerializerForType(type);
        Elements[name] = type;
        return type;
    }
}
