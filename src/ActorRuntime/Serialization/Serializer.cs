#nullable disable
using System.Globalization;
using System.Buffers.Binary;
using System.Text;
using Akka.Actor;

namespace Akka.Serialization;

/// <summary>Turns objects into bytes and back.</summary>
public abstract class Serializer
{
    protected readonly ExtendedActorSystem system;

    protected Serializer(ExtendedActorSystem system) => this.system = system;

    /// <summary>Tells the serializer on the wire; 0 to 40 are the runtime's.</summary>
    /// <remarks>By default <c>akka.actor.serialization-identifiers</c> gives it.</remarks>
    public virtual int Identifier => SerializerIdentifier.Of(GetType(), system);

    /// <summary>True if reading needs to know the type.</summary>
    public abstract bool IncludeManifest { get; }

    public abstract byte[] ToBinary(object obj);

    /// <summary>As <see cref="ToBinary"/>, with local references under the address.</summary>
    public byte[] ToBinaryWithAddress(Address address, object obj) =>
        Serialization.WithTransport(system, address, () => ToBinary(obj));

    /// <exception cref="SerializationException">The bytes are malformed or unknown.</exception>
    public abstract object FromBinary(byte[] bytes, Type type);

    public T FromBinary<T>(byte[] bytes) => (T)FromBinary(bytes, typeof(T));
}

/// <summary>A serializer that names what it wrote by a short text of its own.</summary>
public abstract class SerializerWithStringManifest : Serializer
{
    protected SerializerWithStringManifest(ExtendedActorSystem system) : base(system) { }

    public sealed override bool IncludeManifest => true;

    public sealed override object FromBinary(byte[] bytes, Type type) =>
        FromBinary(bytes, type.FullName + ", " + type.Assembly.GetName().Name);

    public abstract object FromBinary(byte[] bytes, string manifest);

    /// <summary>Names the form in which the object is written.</summary>
    public abstract string Manifest(object o);
}

/// <summary>The bytes are malformed, or no serializer knows them.</summary>
public class SerializationException(string message, Exception cause = null)
    : AkkaException(message, cause);

/// <summary>Numbers of serializers by configuration.</summary>
public static class SerializerIdentifierHelper
{
    public static int GetSerializerIdentifierFromConfig(Type type, ExtendedActorSystem system) =>
        SerializerIdentifier.Of(type, system);
}

internal static class SerializerIdentifier
{
    private const string Key = "akka.actor.serialization-identifiers";

    public static int Of(Type type, ExtendedActorSystem system)
    {
        var config = system.Settings.Config.GetConfig(Key);
        foreach (var name in config?.Keys ?? [])
        {
            if (Akka.Util.TypeNames.Find(name) == type) return config.GetInt($"\"{name}\"");
        }
        throw new ArgumentException($"Couldn't find serializer id for [{type}] under [{Key}]: " +
            "override Identifier or configure it");
    }
}

/// <summary>Bytes as they are.</summary>
public class ByteArraySerializer(ExtendedActorSystem system) : Serializer(system)
{
    public override int Identifier => 4;
    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => obj switch
    {
        null => null,
        byte[] bytes => bytes,
        _ => throw new NotSupportedException("The object to convert is not a byte array"),
    };

    public override object FromBinary(byte[] bytes, Type type) => bytes;
}

/// <summary>Text as UTF-8, numbers in little-endian order.</summary>
public sealed class PrimitiveSerializer(ExtendedActorSystem system)
    : SerializerWithStringManifest(system)
{
    public override int Identifier => 17;

    public override string Manifest(object o) => o switch
    {
        string => "S",
        int => "I",
        long => "L",
        bool => "B",
        _ => throw new ArgumentException($"[{o?.GetType()}] is no primitive", nameof(o)),
    };

    public override byte[] ToBinary(object obj)
    {
        switch (obj)
        {
            case string text: return Encoding.UTF8.GetBytes(text);
            case bool flag: return [flag ? (byte)1 : (byte)0];
            case int number:
                var four = new byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(four, number);
                return four;
            case long number:
                var eight = new byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(eight, number);
                return eight;
            default:
                throw new ArgumentException($"[{obj?.GetType()}] is no primitive", nameof(obj));
        }
    }

    public override object FromBinary(byte[] bytes, string manifest) =>
        (manifest, bytes.Length) switch
        {
            ("S", _) => Encoding.UTF8.GetString(bytes),
            ("B", 1) => bytes[0] != 0,
            ("I", 4) => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("L", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            _ => throw new SerializationException(string.Create(CultureInfo.InvariantCulture,
                $"[{manifest}] with {bytes.Length} bytes is no primitive")),
        };
}
