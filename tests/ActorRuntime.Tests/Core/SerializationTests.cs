#nullable disable
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class SerializationTests() : TestKit($$"""
    akka.actor {
      serializers.shape = "{{typeof(SerializationTests).FullName}}+ShapeSerializer, {{typeof(SerializationTests).Assembly.GetName().Name}}"
      serialization-bindings {
        "{{typeof(SerializationTests).FullName}}+IShape, {{typeof(SerializationTests).Assembly.GetName().Name}}" = shape
      }
      serialization-identifiers {
        "{{typeof(SerializationTests).FullName}}+ShapeSerializer, {{typeof(SerializationTests).Assembly.GetName().Name}}" = 4711
      }
    }
    """)
{
    public interface IShape;

    public sealed record Named(string Name, IActorRef Owner) : IShape;

    public sealed class ShapeSerializer(ExtendedActorSystem system)
        : SerializerWithStringManifest(system)
    {
        public override string Manifest(object o) => "N";

        public override byte[] ToBinary(object obj)
        {
            var named = (Named)obj;
            return Encoding.UTF8.GetBytes(
                named.Name + "|" + Akka.Serialization.Serialization.SerializedActorPath(
                    named.Owner));
        }

        public override object FromBinary(byte[] bytes, string manifest)
        {
            if (manifest != "N") throw new SerializationException($"unknown manifest [{manifest}]");
            var parts = Encoding.UTF8.GetString(bytes).Split('|');
            return new Named(parts[0], system.Provider.ResolveActorRef(parts[1]));
        }
    }

    [Fact]
    public void A_bound_serializer_is_found_by_interface_and_identified_by_configuration()
    {
        var named = new Named("n", TestActor);
        var serializer = Sys.Serialization.FindSerializerFor(named);
        Assert.IsType<ShapeSerializer>(serializer);
        Assert.Equal(4711, serializer.Identifier);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, named);
        var bytes = Sys.Serialization.Serialize(named);
        Assert.Equal(named, Sys.Serialization.Deserialize(bytes, 4711, manifest));
    }

    [Theory]
    [InlineData("text", 17, "S")]
    [InlineData(-5, 17, "I")]
    [InlineData(5L, 17, "L")]
    [InlineData(true, 17, "B")]
    public void Primitives_have_explicit_forms(object value, int identifier, string manifest)
    {
        var serializer = Sys.Serialization.FindSerializerFor(value);
        Assert.Equal(identifier, serializer.Identifier);
        Assert.Equal(manifest, Akka.Serialization.Serialization.ManifestFor(serializer, value));
        Assert.Equal(value, Sys.Serialization.Deserialize(
            serializer.ToBinary(value), identifier, manifest));
    }

    [Fact]
    public void Bytes_stay_bytes()
    {
        byte[] bytes = [1, 2, 3];
        Assert.Equal(4, Sys.Serialization.FindSerializerFor(bytes).Identifier);
        Assert.Equal(bytes, Sys.Serialization.Deserialize(bytes, 4, ""));
    }

    [Fact]
    public void Unknown_types_identifiers_and_manifests_are_refused()
    {
        Assert.Throws<SerializationException>(() => Sys.Serialization.Serialize(new object()));
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize([1], 99, "x"));
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize([1], 17, "I"));
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize([1], 17, "Z"));
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize([1], 4711, "Z"));
    }

    [Fact]
    public void A_binding_to_no_serializer_is_refused()
    {
        var error = Assert.Throws<ConfigurationException>(() => ActorSystem.Create("unbound",
            ConfigurationFactory.ParseString(
                "akka.actor.serialization-bindings { \"System.Double\" = nothing }")));
        Assert.Contains("nothing", error.Message, StringComparison.Ordinal);
    }
}
