using System.Collections.Immutable;
using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>Golden bytes of the messages that are too long for a line of code.</summary>
/// <remarks>
/// A line of the file is: manifest, bytes in hex. A line may be added, never changed: these bytes
/// are on disks and on networks. UPDATE_GOLDEN=1 writes the file anew.
/// </remarks>
public sealed class SerializedBytesTests : TestKit
{
    private static readonly Guid LogId = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly WriterId Writer = new("h1", 7);
    private static readonly EntryId Id = new(3, 300);
    private static readonly VoterSet Voters = VoterSet.Of("h1", "h2");
    private static readonly ReadOnlyMemory<byte> Body = new byte[] { 0xca, 0xfe };
    private static readonly RequestId Request = new("h2", 5, 9, 8);
    private static readonly MacBytes Mac = MacBytes.FromUInt64(0x0a00_0000_0001);

    private static object[] Messages =>
    [
        new HostFrame("h1", 9, 1, 3, Body),
        new FormationNote("h1", true, "h2") { LogId = LogId, With = Voters },
        new HostRecord("h1", "one", 5,
            [
                new Vtep(
                    "h1", "one", "geneve", IPAddress.Parse("10.0.0.1"),
                    ImmutableSortedDictionary<string, string>.Empty.Add("csum", "true")),
            ]),
        new HostClaims("h1", 6, ImmutableSortedDictionary<string, long>.Empty.Add("web1", 2)),
        new HostReport(
            "h1", 5, new HostLoad(3, 200, 40, 1L << 30),
            ImmutableSortedDictionary<string, string>.Empty.Add("lrp1", "h2")),
        new LearnedMacBinding(
            new MacBinding("lrp1", IPAddress.Parse("10.0.0.9"), Mac, "h1"), 6),
        new LearnedFdbEntry(new FdbEntry(LogId, Mac, "web1", "h1"), 7),
        new ReplicaSnapshot(
            LogId, 4, Writer, Id, Voters, new LogImageBytes(Body),
            [new LogEntry(new EntryId(3, 301), EntryKind.Transaction, Body)], 301, Voters, 8),
        new ImageFetched(4, Id, Voters, Body),
        new InstallImage(LogId, 4, Writer, Id, Voters, Body),
        new ImageInstalled(Id, Voters, new LogImageBytes(Body)),
        new SubmitTransaction(Request, Body, new TransactionOrigin(["lock"], "role", "client")),
        new SubmissionAnswered(
            Request, [new OperationResult.Counted(2), new OperationResult.Inserted(LogId)],
            new OvsdbError("timed out", "details"), 300),
    ];

    private FabricSerializer Serializer => new((ExtendedActorSystem)Sys);

    [Fact]
    public void Messages_keep_their_bytes_and_old_bytes_are_read()
    {
        var lines = Messages.Select(Line).ToArray();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllLines(GoldenFile(), lines);
        Assert.Equal(File.ReadAllLines(GoldenFile()), lines);
        foreach (var line in lines) Assert.Equal(line, Line(Read(line)));
    }

    /// <remarks>
    /// Method: every type of this assembly is offered to the serializers, which know theirs.
    /// </remarks>
    [Fact]
    public void Every_message_that_travels_has_golden_bytes()
    {
        var kept = Messages.Concat(ClusterBytesTests.Messages)
            .Select(message => message.GetType()).ToHashSet();
        var travelling = typeof(FabricSerializer).Assembly.GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false, IsGenericType: false }
                && type.Namespace == typeof(FabricSerializer).Namespace
                && type.GetCustomAttribute<CompilerGeneratedAttribute>() is null
                && IsKnown(RuntimeHelpers.GetUninitializedObject(type)))
            .ToList();
        Assert.True(travelling.Count > 30, $"only {travelling.Count} types travel");
        Assert.Empty(travelling.Where(type => !kept.Contains(type)).Select(type => type.Name));
    }

    private bool IsKnown(object message)
    {
        try
        {
            return Serializer.Manifest(message).Length > 0;
        }
        catch (Exception e) when (e is ArgumentException
            or System.Runtime.Serialization.SerializationException)
        {
            return HasHostManifest(message);
        }
    }

    private static bool HasHostManifest(object message)
    {
        try
        {
            return HostCodec.ManifestOf(message).Length > 0;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private string Line(object message)
    {
        var bytes = IsOfHosts(message)
            ? HostCodec.Write(Addressee.Writer, message)
            : Serializer.ToBinary(message);
        var manifest = IsOfHosts(message)
            ? HostCodec.ManifestOf(message)
            : Serializer.Manifest(message);
        return $"{manifest} {Convert.ToHexString(bytes)}";
    }

    private object Read(string line)
    {
        var (manifest, bytes) = (line.Split(' ')[0], Convert.FromHexString(line.Split(' ')[1]));
        if (!manifest.StartsWith("nb.", StringComparison.Ordinal))
            return Serializer.FromBinary(bytes, manifest);
        Assert.True(HostCodec.TryRead(bytes, out _, out _, out var message));
        return message!;
    }

    /// <summary>In an envelope of the seam; the others are messages of the runtime.</summary>
    private static bool IsOfHosts(object message) =>
        message is SubmitTransaction or SubmissionAnswered;

    private static string GoldenFile([CallerFilePath] string path = "") =>
        Path.Combine(Path.GetDirectoryName(path)!, "serialized.golden");
}
