using Akka.Actor;
using Akka.Serialization;

namespace Fabric.Configuration;

/// <summary>Journal events and snapshots of databases as bytes: JSON, as they are.</summary>
public sealed class DatabaseSerializer(ExtendedActorSystem system)
    : SerializerWithStringManifest(system)
{
    private const string DeltaManifest = "delta/1";
    private const string SnapshotManifest = "rows/1";

    /// <summary>What an actor system's configuration needs in order to use it.</summary>
    public const string Configuration = """
        akka.actor {
          serializers.database = "Fabric.Configuration.DatabaseSerializer, Fabric"
          serialization-bindings {
            "Fabric.Configuration.JournaledDelta, Fabric" = database
            "Fabric.Configuration.JournaledSnapshot, Fabric" = database
          }
          serialization-identifiers {
            "Fabric.Configuration.DatabaseSerializer, Fabric" = 7047
          }
        }
        """;

    public override int Identifier => 7047;

    public override string Manifest(object o) => o switch
    {
        JournaledDelta => DeltaManifest,
        JournaledSnapshot => SnapshotManifest,
        _ => throw new ArgumentException($"No database event: {o.GetType()}.", nameof(o)),
    };

    public override byte[] ToBinary(object obj) => obj switch
    {
        JournaledDelta delta => delta.Json.ToArray(),
        JournaledSnapshot snapshot => snapshot.Json.ToArray(),
        _ => throw new ArgumentException($"No database event: {obj.GetType()}.", nameof(obj)),
    };

    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        DeltaManifest => new JournaledDelta(bytes),
        SnapshotManifest => new JournaledSnapshot(bytes),
        _ => throw new ArgumentException($"Unknown manifest: {manifest}.", nameof(manifest)),
    };
}
