using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Serialization;

namespace Fabric.Benchmarks;

/// <summary>Events of persistent actors, acknowledged one by one.</summary>
public static class ActorPersistence
{
    private const int WriterCount = 16;

    /// <summary>An event of 100 bytes.</summary>
    private sealed record Noted(byte[] Bytes);

    private sealed class NotedSerializer(ExtendedActorSystem system)
        : SerializerWithStringManifest(system)
    {
        public override int Identifier => 9_001;

        public override string Manifest(object o) => "n";

        public override byte[] ToBinary(object obj) => ((Noted)obj).Bytes;

        public override object FromBinary(byte[] bytes, string manifest) => new Noted(bytes);
    }

    private sealed class Writer : ReceivePersistentActor
    {
        public Writer(string id)
        {
            PersistenceId = id;
            Recover<Noted>(_ => { });
            Command<Noted>(noted => Persist(noted, _ => Sender.Tell(noted)));
        }

        public override string PersistenceId { get; }
    }

    public static void Run(BenchmarkReport report)
    {
        var folder = Directory.CreateTempSubdirectory("fabric-bench-").FullName;
        try
        {
            var type = $"{typeof(Noted).FullName}, {typeof(Noted).Assembly.GetName().Name}";
            var serializer =
                $"{typeof(NotedSerializer).FullName}, {typeof(Noted).Assembly.GetName().Name}";
            using var system = ActorSystem.Create("bench", ConfigurationFactory.ParseString(
                "akka.loglevel = WARNING\n"
                + $"akka.actor.serializers.noted = \"{serializer}\"\n"
                + $"akka.actor.serialization-bindings {{ \"{type}\" = noted }}\n"
                + "akka.persistence.journal { plugin = \"akka.persistence.journal.sql\"\n"
                + $" sql {{ connection-string = \"Data Source={folder}/journal.db\"\n"
                + " provider-name = \"SQLite.MS\" } }"));
            var writers = Enumerable.Range(0, WriterCount).Select(index =>
                system.ActorOf(Props.Create(() => new Writer($"writer-{index}")))).ToList();
            var rate = ActorMessaging.Median(() => Write(writers, 500), report.Runs);
            report.Add(new Figure(
                "events on SQLite, 16 writers, each waits for its own", "events/s", rate,
                Kind: GoalKind.AtLeast, Goal: 5_000));
            system.Terminate().Wait(TimeSpan.FromSeconds(30));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Write(List<IActorRef> writers, int count)
    {
        var bytes = new byte[100];
        var watch = Stopwatch.StartNew();
        Task.WaitAll([.. writers.Select(async writer =>
        {
            for (var i = 0; i < count; i++) await writer.Ask<Noted>(new Noted(bytes));
        })]);
        return writers.Count * count / watch.Elapsed.TotalSeconds;
    }
}
