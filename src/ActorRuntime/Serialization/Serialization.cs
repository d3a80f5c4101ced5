#nullable disable
using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Util;

namespace Akka.Serialization;

/// <summary>Which serializer writes which type, by configuration and by code.</summary>
/// <remarks>
/// There is no serializer for arbitrary types: what crosses hosts has one that knows it. A type is
/// written by the binding of the most derived of its bases and interfaces that has one.
/// </remarks>
public class Serialization
{
    [ThreadStatic] private static (ExtendedActorSystem System, Address Address) _transport;

    private readonly Dictionary<string, Serializer> _byName = [];
    private readonly ConcurrentDictionary<int, Serializer> _byIdentifier = new();
    private readonly ConcurrentDictionary<Type, Serializer> _bindings = new();
    private readonly ConcurrentDictionary<Type, Serializer> _found = new();

    public Serialization(ExtendedActorSystem system)
    {
        System = system;
        AddConfigured(system.Settings.Config);
    }

    public ActorSystem System { get; }

    /// <summary>Adds serializers and bindings that a configuration names.</summary>
    internal void AddConfigured(Akka.Configuration.Config config)
    {
        const string Serializers = "akka.actor.serializers";
        const string Bindings = "akka.actor.serialization-bindings";
        foreach (var name in config.GetKeys(Serializers))
        {
            var type = config.GetString($"{Serializers}.\"{name}\"");
            AddSerializer(name, TypeNames.Make<Serializer>(
                type, $"{Serializers}.{name}", (ExtendedActorSystem)System));
        }
        foreach (var type in config.GetKeys(Bindings))
        {
            var name = config.GetString($"{Bindings}.\"{type}\"");
            if (!_byName.TryGetValue(name, out var serializer))
            {
                throw new Akka.Configuration.ConfigurationException(
                    $"[{Bindings}] binds [{type}] to the serializer [{name}], " +
                    "which is not defined");
            }
            AddSerializationMap(TypeNames.Get(type, Bindings), serializer);
        }
    }

    public void AddSerializer(string name, Serializer serializer)
    {
        _byName[name] = serializer;
        _byIdentifier[serializer.Identifier] = serializer;
    }

    public void AddSerializationMap(Type type, Serializer serializer)
    {
        _bindings[type] = serializer;
        _byIdentifier.TryAdd(serializer.Identifier, serializer);
        _found.Clear();
    }

    public byte[] Serialize(object o) => FindSerializerFor(o).ToBinary(o);

    /// <exception cref="SerializationException">Unknown serializer or malformed bytes.</exception>
    public object Deserialize(byte[] bytes, int serializerId, Type type) =>
        Known(serializerId).FromBinary(bytes, type);

    /// <exception cref="SerializationException">Unknown serializer or malformed bytes.</exception>
    public object Deserialize(byte[] bytes, int serializerId, string manifest)
    {
        var serializer = Known(serializerId);
        if (serializer is SerializerWithStringManifest named)
        {
            return named.FromBinary(bytes, manifest);
        }
        return serializer.FromBinary(bytes,
            string.IsNullOrEmpty(manifest) ? null : TypeNames.Find(manifest));
    }

    private Serializer Known(int identifier) =>
        _byIdentifier.TryGetValue(identifier, out var serializer)
            ? serializer
            : throw new SerializationException(
                $"Cannot find serializer with id [{identifier}]: " +
                "is it configured on both systems?");

    /// <summary>The serializer of that number, or null.</summary>
    internal Serializer FindSerializer(int identifier) =>
        _byIdentifier.GetValueOrDefault(identifier);

    /// <exception cref="SerializationException">No serializer writes that type.</exception>
    public Serializer FindSerializerFor(object obj, string defaultSerializerName = null)
    {
        ArgumentNullException.ThrowIfNull(obj);
        return FindSerializerForType(obj.GetType(), defaultSerializerName);
    }

    /// <exception cref="SerializationException">No serializer writes that type.</exception>
    public Serializer FindSerializerForType(Type objectType, string defaultSerializerName = null)
    {
        if (_found.TryGetValue(objectType, out var known)) return known;
        Type best = null;
        foreach (var bound in _bindings.Keys.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            if (!bound.IsAssignableFrom(objectType)) continue;
            if (best is null || best.IsAssignableFrom(bound) ||
                (best.IsInterface && !bound.IsInterface)) best = bound;
        }
        Serializer serializer = null;
        if (best is not null) serializer = _bindings[best];
        else if (defaultSerializerName is not null)
            serializer = _byName.GetValueOrDefault(defaultSerializerName);
        if (serializer is null)
        {
            throw new SerializationException($"No serializer is bound for [{objectType}]: " +
                "add one under akka.actor.serialization-bindings");
        }
        _found[objectType] = serializer;
        return serializer;
    }

    public static string ManifestFor(Serializer s, object msg) => s switch
    {
        SerializerWithStringManifest named => named.Manifest(msg),
        { IncludeManifest: true } => msg.GetType().FullName + ", " +
            msg.GetType().Assembly.GetName().Name,
        _ => string.Empty,
    };

    public IActorRef DeserializeActorRef(string path) =>
        ((ExtendedActorSystem)System).Provider.ResolveActorRef(path);

    /// <summary>The path with uid, under the address by which others reach the actor.</summary>
    public static string SerializedActorPath(IActorRef actorRef)
    {
        if (actorRef is null or Nobody) return string.Empty;
        if (InternalActorRef.Of(actorRef) is not { } actor)
        {
            return actorRef.Path.ToSerializationFormat();
        }
        var address = _transport.Address ?? actor.Provider.DefaultAddress;
        return actor.Path.ToSerializationFormatWithAddress(address);
    }

    internal static T WithTransport<T>(ExtendedActorSystem system, Address address, Func<T> write)
    {
        var previous = _transport;
        _transport = (system, address);
        try
        {
            return write();
        }
        finally
        {
            _transport = previous;
        }
    }
}
