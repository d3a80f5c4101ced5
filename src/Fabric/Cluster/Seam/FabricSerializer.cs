using Akka.Actor;
using Akka.Serialization;

namespace Fabric.Cluster;

/// <summary>Bytes of all that the fabric sends to other hosts, gossips and journals.</summary>
/// <remarks>
/// Explicit and versioned: a manifest names a kind and its version, fields have numbers, golden
/// bytes of each are kept. What cannot be read is an exception to the runtime, which drops and
/// counts the message, or stops the recovery of a journal.
/// </remarks>
public sealed class FabricSerializer(ExtendedActorSystem system)
    : SerializerWithStringManifest(system)
{
    private const string FrameManifest = "host.frame.1";
    private const string NoteManifest = "host.formation.1";
    private const string SnapshotManifest = "log.snapshot.1";

    public override int Identifier => 2552;

    public override string Manifest(object o) => o switch
    {
        HostFrame => FrameManifest,
        FormationNote => NoteManifest,
        HostRecord => HostRecordCodec.RecordManifest,
        HostClaims => HostRecordCodec.ClaimsManifest,
        HostReport => HostReportCodec.Manifest,
        LearnedMacBinding => LearnedRecordCodec.MacBindingManifest,
        LearnedFdbEntry => LearnedRecordCodec.FdbManifest,
        ReplicaSnapshot => SnapshotManifest,
        _ => LogCodec.ManifestOf(o) ?? throw Unknown(o.GetType().Name),
    };

    public override byte[] ToBinary(object obj) => obj switch
    {
        HostFrame frame => new FieldWriter().Text(1, frame.FromHost).Number(2, frame.MessageId)
            .Number(3, frame.Index).Number(4, frame.Count).Bytes(5, frame.Bytes.Span).ToArray(),
        FormationNote note => new FieldWriter().Text(1, note.HostId).Flag(2, note.IsMember)
            .Text(3, note.Candidate).Uuid(4, note.LogId).Texts(5, note.With.Hosts).ToArray(),
        HostRecord record => HostRecordCodec.Write(record),
        HostClaims claims => HostRecordCodec.Write(claims),
        HostReport report => HostReportCodec.Write(report),
        LearnedMacBinding learned => LearnedRecordCodec.Write(learned),
        LearnedFdbEntry learned => LearnedRecordCodec.Write(learned),
        ReplicaSnapshot snapshot => Write(snapshot),
        _ => LogCodec.Write(obj),
    };

    public override object FromBinary(byte[] bytes, string manifest)
    {
        switch (manifest)
        {
            case FrameManifest:
                return ReadFrame(bytes);
            case NoteManifest:
                return ReadNote(bytes);
            case HostRecordCodec.RecordManifest:
                return HostRecordCodec.TryRead(bytes, out HostRecord record)
                    ? record
                    : throw Unknown(manifest);
            case HostRecordCodec.ClaimsManifest:
                return HostRecordCodec.TryRead(bytes, out HostClaims claims)
                    ? claims
                    : throw Unknown(manifest);
            case HostReportCodec.Manifest:
                return HostReportCodec.TryRead(bytes, out var report)
                    ? report
                    : throw Unknown(manifest);
            case LearnedRecordCodec.MacBindingManifest:
                return LearnedRecordCodec.TryRead(bytes, out LearnedMacBinding? binding)
                    ? binding!
                    : throw Unknown(manifest);
            case LearnedRecordCodec.FdbManifest:
                return LearnedRecordCodec.TryRead(bytes, out LearnedFdbEntry? entry)
                    ? entry!
                    : throw Unknown(manifest);
            case SnapshotManifest:
                return ReadSnapshot(bytes);
            default:
                return LogCodec.TryRead(manifest, bytes, out var message)
                    ? message!
                    : throw Unknown(manifest);
        }
    }

    private static HostFrame ReadFrame(byte[] bytes)
    {
        var (host, id, index, count) = ("", 0L, 0L, 0L);
        ReadOnlyMemory<byte> part = default;
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: host = reader.Text(); break;
                case 2: id = reader.Number; break;
                case 3: index = reader.Number; break;
                case 4: count = reader.Number; break;
                case 5: part = reader.Bytes.ToArray(); break;
            }
        }

        if (reader.IsMalformed || index is < 0 or > int.MaxValue || count is < 0 or > int.MaxValue)
            throw Unknown(FrameManifest);
        return new HostFrame(host, id, (int)index, (int)count, part);
    }

    private static FormationNote ReadNote(byte[] bytes)
    {
        var (host, isMember, candidate, log) = ("", false, "", Guid.Empty);
        var with = new SortedSet<string>(StringComparer.Ordinal);
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: host = reader.Text(); break;
                case 2: isMember = reader.Flag; break;
                case 3: candidate = reader.Text(); break;
                case 4: log = reader.Uuid(); break;
                case 5 when with.Count < LogLimits.VoterCountMax: with.Add(reader.Text()); break;
            }
        }

        return reader.IsMalformed
            ? throw Unknown(NoteManifest)
            : new FormationNote(host, isMember, candidate)
            {
                LogId = log,
                With = VoterSet.Of(with),
            };
    }

    /// <remarks>The events that make the replica: 1 each (1 manifest, 2 bytes).</remarks>
    private static byte[] Write(ReplicaSnapshot snapshot)
    {
        var to = new FieldWriter();
        foreach (var change in snapshot.ToEvents())
        {
            to.Item(1, new FieldWriter().Text(1, LogCodec.ManifestOf(change))
                .Bytes(2, LogCodec.Write(change)));
        }

        return to.ToArray();
    }

    private static ReplicaSnapshot ReadSnapshot(byte[] bytes)
    {
        var replica = new LogReplica();
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            if (reader.Field == 1) replica.Apply(ReadEvent(ref reader));
        }

        return reader.IsMalformed ? throw Unknown(SnapshotManifest) : ReplicaSnapshot.Of(replica);
    }

    private static ILogEvent ReadEvent(ref FieldReader outer)
    {
        var manifest = "";
        ReadOnlySpan<byte> body = default;
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            if (reader.Field == 1) manifest = reader.Text();
            else if (reader.Field == 2) body = reader.Bytes;
        }

        return !reader.IsMalformed && LogCodec.TryRead(manifest, body, out var message)
            && message is ILogEvent change ? change : throw Unknown(manifest);
    }

    private static ArgumentException Unknown(string manifest) =>
        new($"'{manifest}' is no message of the fabric that this version reads.");
}
