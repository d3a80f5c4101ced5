using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.DistributedData;
using Akka.Remote;
using Akka.Serialization;
using Akka.Util;

namespace Fabric.ActorRuntime.Tests.Cluster;

/// <summary>
/// The bytes of every message that crosses hosts, kept from the first release on.
/// </summary>
/// <remarks>
/// A line of the file is: name, serializer, manifest, bytes in hex. A line may be added, never
/// changed: a running cluster is upgraded host by host. UPDATE_GOLDEN=1 writes the file anew.
/// </remarks>
public sealed class GoldenMessageTests : IAsyncDisposable
{
    private static readonly UniqueAddress A =
        new(new Address("akka.tcp", "fabric", "10.0.0.1", 2552), 7);

    private static readonly UniqueAddress B =
        new(new Address("akka.tcp", "fabric", "10.0.0.2", 2552), -9);

    private readonly ClusterHosts _hosts = new();
    private readonly ExtendedActorSystem _system;

    public GoldenMessageTests() => _system = (ExtendedActorSystem)_hosts.Start();

    [Fact]
    public void Messages_keep_their_bytes()
    {
        VersionVector.ForgetCounters([A, B]);
        var lines = Messages().Select(m => Line(m.Name, m.Message)).ToArray();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllLines(GoldenFile(), lines);
        }

        Assert.Equal(File.ReadAllLines(GoldenFile()), lines);
    }

    /// <remarks>What crosses hosts says so by one of three interfaces.</remarks>
    [Fact]
    public void Every_message_between_hosts_has_golden_bytes()
    {
        Type[] marks =
        [
            typeof(IClusterMessage), typeof(IClusterSingletonMessage),
            typeof(IReplicatorWireMessage),
        ];
        var kept = Messages().Select(m => m.Message.GetType()).ToHashSet();
        var travelling = typeof(IClusterMessage).Assembly.GetTypes().Where(type =>
            type is { IsInterface: false, IsAbstract: false }
            && marks.Any(mark => mark.IsAssignableFrom(type))).ToList();
        Assert.True(travelling.Count > 20, $"only {travelling.Count} messages");
        Assert.Empty(travelling.Where(type => !kept.Contains(type)).Select(type => type.Name));
    }

    [Fact]
    public void Old_bytes_are_still_read()
    {
        foreach (var line in File.ReadAllLines(GoldenFile()))
        {
            var parts = line.Split(' ');
            var bytes = Convert.FromHexString(parts[3]);
            var message = _system.Serialization.Deserialize(bytes, int.Parse(parts[1]), parts[2]);
            Assert.Equal(line, Line(parts[0], message));
        }
    }

    /// <remarks>
    /// Goal: bad bytes are one kind of exception. Method: flipped and cut golden ones.
    /// </remarks>
    [Fact]
    public void Damaged_bytes_are_refused_or_read()
    {
        var random = new Random(11);
        foreach (var line in File.ReadAllLines(GoldenFile()))
        {
            var parts = line.Split(' ');
            for (var i = 0; i < 300; i++)
            {
                var bytes = Convert.FromHexString(parts[3]);
                if (bytes.Length == 0) continue;
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                if (i % 3 == 0) bytes = bytes[..random.Next(bytes.Length)];
                try
                {
                    _system.Serialization.Deserialize(bytes, int.Parse(parts[1]), parts[2]);
                }
                catch (SerializationException)
                {
                    // Refused, which the delivery counts.
                }
            }
        }
    }

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();

    private string Line(string name, object message)
    {
        var serializer = _system.Serialization.FindSerializerFor(message);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, message);
        var bytes = Convert.ToHexString(serializer.ToBinary(message));
        return $"{name} {serializer.Identifier} {manifest} {bytes}";
    }

    private static string GoldenFile([CallerFilePath] string path = "") =>
        Path.Combine(Path.GetDirectoryName(path)!, "messages.golden");

    private static IEnumerable<(string Name, object Message)> Messages()
    {
        var gossip = new Gossip(
            [
                Member.Create(A, 1, MemberStatus.Up, ["gateway", "voter"],
                    AppVersion.Create("1.2")),
                Member.Create(B, Member.NotUp, MemberStatus.Joining, [], AppVersion.Zero),
            ],
            Reachability.Empty.Unreachable(A, B),
            VectorClock.Empty.Increment(A).Increment(B).Increment(A)).SeenBy(A);
        yield return ("InitJoin", new InitJoin());
        yield return ("InitJoinAck", new InitJoinAck(A.Address));
        yield return ("InitJoinNack", new InitJoinNack(A.Address));
        yield return ("Join", new Join(B, ["voter"], AppVersion.Create("1.2")));
        yield return ("Welcome", new Welcome(A, gossip));
        yield return ("Leave", new Leave(A.Address));
        yield return ("Down", new Down(A.Address));
        yield return ("Heartbeat", new Heartbeat(A.Address, 3));
        yield return ("HeartbeatRsp", new HeartbeatRsp(B, 3));
        yield return ("GossipEnvelope", new GossipEnvelope(A, B, gossip));
        yield return ("GossipStatus", new GossipStatus(A, gossip.Version));
        yield return ("GossipVersions", new GossipVersions(A, B, [1, ulong.MaxValue], [1], true));
        yield return ("GossipDelta", new GossipDelta(
            A, B, GossipChange.Between(Gossip.Empty.Incremented(B), gossip)));
        yield return ("ExitingConfirmed", new ExitingConfirmed(B));
        yield return ("UniqueAddress", B);
        yield return ("HandOverToMe", new HandOverToMe());
        yield return ("HandOverInProgress", new HandOverInProgress());
        yield return ("HandOverDone", new HandOverDone());
        yield return ("PoisonPill", PoisonPill.Instance);
        yield return ("Kill", Kill.Instance);
        yield return ("Identify", new Identify("id"));
        yield return ("ActorIdentity", new ActorIdentity("id", null));
        yield return ("StatusSuccess", new Status.Success("well"));
        yield return ("Selection", new ActorSelectionMessage("text", ["user", "*", "a"]));
        yield return ("Address", A.Address);
        yield return ("RemoteHeartbeat", RemoteHeartbeat.Instance);
        yield return ("RemoteHeartbeatRsp", new RemoteHeartbeatRsp(-4));
        foreach (var message in ReplicatorMessages()) yield return message;
    }

    private static IEnumerable<(string Name, object Message)> ReplicatorMessages()
    {
        var set = ORSet<string>.Empty.Add(A, "x").Add(B, "y").Remove(A, "x");
        var map = LWWDictionary<string, string>.Empty.SetItem(A, "k", "v", (_, _) => 5);
        var many = ORMultiValueDictionary<string, string>.Empty.AddItem(A, "k", "v");
        var envelope = DataEnvelope.Of(set.ResetDelta()).InitPruning(B, A);
        yield return ("Flag", Flag.True);
        yield return ("GCounter", GCounter.Empty.Increment(A, 3));
        yield return ("PNCounter", PNCounter.Empty.Increment(A, 3).Decrement(B, 4));
        yield return ("GSet", GSet.Create("b", "a"));
        yield return ("ORSet", set);
        yield return ("ORSetDelta", set.Delta!);
        yield return ("LWWRegister", new LWWRegister<string>(A, "v", 5L));
        yield return ("LWWDictionary", map);
        yield return ("LWWDictionaryDelta", ((IDeltaReplicatedData)map).Delta!);
        yield return ("ORMultiValueDictionary", many);
        yield return ("ORMultiValueDictionaryDelta", ((IDeltaReplicatedData)many).Delta!);
        yield return ("PNCounterDictionary",
            PNCounterDictionary<string>.Empty.Increment(A, "k", 2));
        yield return ("Summary", new ReplicaSummary([1L, -77L, 0L]));
        yield return ("Status", new ReplicaStatus(Of(("k", 77L)), 0, 1));
        yield return ("Gossip", new ReplicaGossip(Of(("k", envelope)), true));
        yield return ("Deltas", new DeltaPropagation(
            A, Of(("k", new ReplicaDelta(DataEnvelope.Of(set.Delta!), 1, 3, false)))));
        yield return ("Write", new ReplicaWrite("k", envelope));
        yield return ("WriteAck", new ReplicaWriteAck());
        yield return ("Read", new ReplicaRead("k"));
        yield return ("ReadResult", new ReplicaReadResult(envelope));
        yield return ("ReadNothing", new ReplicaReadResult(null));
    }

    private static ImmutableSortedDictionary<string,
        T> Of<T>(params (string Key, T Value)[] entries) =>
        entries.ToImmutableSortedDictionary(e => e.Key, e => e.Value, StringComparer.Ordinal);
}
