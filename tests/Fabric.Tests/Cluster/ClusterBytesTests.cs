using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>Golden bytes of everything that crosses hosts or is journaled.</summary>
/// <remarks>
/// These bytes are on disks and on networks: a test here that fails means a version that cannot
/// talk to the last one. New fields take new numbers; nothing below ever changes.
/// </remarks>
public sealed class ClusterBytesTests
{
    private static readonly Guid Log = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly WriterId Writer = new("h1", 7);
    private static readonly EntryId Id = new(3, 300);
    private static readonly VoterSet Voters = VoterSet.Of("h1", "h2");
    private static readonly ReadOnlyMemory<byte> Body = new byte[] { 0xca, 0xfe };
    private static readonly RequestId Request = new("h2", 5, 9, 8);

    private static ImmutableArray<LogEntry> Entries =>
        [new LogEntry(Id, EntryKind.Transaction, Body)];

    private const string LogHex = "0a1000112233445566778899aabbccddeeff";

    /// <summary>Message, manifest and bytes.</summary>
    private static (object Message, string Manifest, string Hex)[] Golden =>
    [
        (DescribeLog.Instance, "log.describe.1", ""),
        (new LogDescribed(Log, 4, Id, 299, Voters), "log.described.1",
            LogHex + "1004" + "1a05080310ac02" + "20ab02" + "2a026831" + "2a026832"),
        (new PrepareTerm(Log, 4, Writer), "log.prepare.1",
            LogHex + "1004" + "1a060a0268311007"),
        (new TermPromised(4, Id, 299, Voters), "log.promised.1",
            "0804" + "1205080310ac02" + "18ab02" + "22026831" + "22026832"),
        (new TermRefused(4, 5), "log.refused.1", "08041005"),
        (new FetchEntries(4, 300), "log.fetch.1", "080410ac02"),
        (new EntriesFetched(4, 299, Entries, Id), "log.fetched.1",
            "0804" + "10ab02" + "1a05080310ac02" + "220b" + "080310ac0218012202cafe"),
        (new AppendEntries(Log, 4, Writer, Id, Entries, 299), "log.append.1",
            LogHex + "1004" + "1a060a0268311007" + "2205080310ac02" + "28ab02"
            + "320b" + "080310ac0218012202cafe"),
        (new EntriesAppended(4, 300), "log.appended.1", "080410ac02"),
        (new AppendGap(4, 300), "log.gap.1", "080410ac02"),
        (new LogFounded(Log, Voters), "log.founded.1", LogHex + "12026831" + "12026832"),
        (new LogJoined(Log), "log.joined.1", LogHex),
        (new EndpointStarted(300), "log.started.1", "08ac02"),
        (new PromiseMade(4, Writer), "log.promise.1", "0804" + "12060a0268311007"),
        (new EntriesJournaled(299, Entries), "log.journaled.1",
            "08ab02" + "120b" + "080310ac0218012202cafe"),
        (new CommitAdvanced(300), "log.committed.1", "08ac02"),
        (new VotersForced(Voters), "log.forced.1", "0a026831" + "0a026832"),
        (new CancelSubmission(Request), "nb.cancel.1", "0a0a" + "0a02683210051809" + "2008"),
        (new SubmissionHeld(Request, true, 1, 2), "nb.held.1",
            "0a0a" + "0a02683210051809" + "2008" + "1001" + "1801" + "2002"),
        (new HostApplied(300, 5), "nb.applied.1", "08ac021005"),
        (new RemoveVoter("h2", true), "nb.remove-voter.1", "0a0268321001"),
    ];

    /// <summary>What has golden bytes here.</summary>
    internal static IEnumerable<object> Messages => Golden.Select(row => row.Message);

    public static TheoryData<int> Rows => [.. Enumerable.Range(0, Golden.Length)];

    [Theory, MemberData(nameof(Rows))]
    public void Bytes_are_what_they_were(int row)
    {
        var (message, manifest, hex) = Golden[row];
        Assert.Equal(manifest, HostCodec.ManifestOf(message));
        var envelope = HostCodec.Write(Addressee.Writer, message);
        var payload = Convert.FromHexString(hex);
        Assert.EndsWith(hex, Convert.ToHexString(envelope), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(
            new FieldWriter().Number(1, 2).Text(2, manifest).Bytes(3, payload).ToArray(),
            envelope);
        Assert.True(HostCodec.TryRead(envelope, out var to, out _, out var read));
        Assert.Equal(Addressee.Writer, to);
        Assert.Equal(envelope, HostCodec.Write(to, read!));
    }

    [Fact]
    public void Fields_of_later_versions_are_passed_over()
    {
        var later = new FieldWriter().Number(1, 4).Number(2, 300).Text(15, "new").Number(99, 1);
        Assert.True(LogCodec.TryRead("log.appended.1", later.ToArray(), out var read));
        Assert.Equal(new EntriesAppended(4, 300), read);
    }

    [Fact]
    public void Unknown_manifests_are_named_and_refused()
    {
        var bytes = new FieldWriter().Number(1, 1).Text(2, "log.append.2").ToArray();
        Assert.False(HostCodec.TryRead(bytes, out _, out var manifest, out _));
        Assert.Equal("log.append.2", manifest);
    }

    /// <remarks>Every truncation and every single-byte change of every golden message.</remarks>
    [Fact]
    public void No_bytes_make_a_reader_throw()
    {
        foreach (var (message, _, _) in Golden)
        {
            var bytes = HostCodec.Write(Addressee.Northbound, message);
            for (var length = 0; length < bytes.Length; length++)
                HostCodec.TryRead(bytes.AsSpan(0, length), out _, out _, out _);
            for (var i = 0; i < bytes.Length * 256; i++)
            {
                var changed = bytes.ToArray();
                changed[i / 256] = (byte)i;
                HostCodec.TryRead(changed, out _, out _, out _);
            }
        }
    }

    [Fact]
    public void Gossiped_records_keep_their_bytes()
    {
        var options = ImmutableSortedDictionary<string, string>.Empty.Add("csum", "true");
        var record = new HostRecord(
            "h1", "one", 5,
            [new Vtep("h1", "one", "geneve", IPAddress.Parse("10.0.0.1"), options)]);
        var hex = "0A0268311203" + "6F6E65" + "1805" + "221C" + "0A0667656E657665"
            + "12040A000001" + "1A0C0A04" + "6373756D" + "1204" + "74727565";
        Assert.Equal(hex, Convert.ToHexString(HostRecordCodec.Write(record)));
        Assert.True(HostRecordCodec.TryRead(Convert.FromHexString(hex), out HostRecord read));
        Assert.Equal(record.Vteps, read.Vteps);
        Assert.Equal(record.Version, read.Version);

        var claims = new HostClaims(
            "h1", 6, ImmutableSortedDictionary<string, long>.Empty.Add("web1", 2));
        Assert.Equal(
            "0A0268311006" + "1A080A0477656231" + "1002",
            Convert.ToHexString(HostRecordCodec.Write(claims)));
    }

    [Fact]
    public void A_transaction_comes_back_from_its_bytes()
    {
        var schema = NorthboundSchema.Schema;
        var outcome = TransactionExecutor.Execute(
            DatabaseSnapshot.EmptyOf(schema),
            [
                new Operation.Insert("Logical_Switch", [new("name", "web")], Guid.NewGuid()),
                new Operation.Select("Logical_Switch", []),
                new Operation.Comment("by test"),
            ],
            TransactionContext.Random());
        var entry = new TransactionEntry(
            Request, outcome.Delta!, outcome.Results,
            [new KeyChange(KeyOwner.Port, Guid.NewGuid(), 3, Guid.NewGuid())]);
        var bytes = entry.ToBytes();
        Assert.True(TransactionEntry.TryRead(bytes, schema, out var read));
        Assert.Equal(bytes, read.ToBytes());
        Assert.Equal(entry.Keys.ToArray(), read.Keys.ToArray());
        Assert.Equal(entry.Request, read.Request);
        Assert.Equal(
            entry.Results.Select(OvsdbTextOf), read.Results.Select(OvsdbTextOf));
    }

    [Fact]
    public void A_state_comes_back_from_its_bytes()
    {
        var schema = NorthboundSchema.Schema;
        var row = Guid.NewGuid();
        var outcome = TransactionExecutor.Execute(
            DatabaseSnapshot.EmptyOf(schema),
            [new Operation.Insert("Logical_Switch", [new("name", "web")], row)],
            TransactionContext.Random());
        var keys = KeyPlanner.Plan(KeyState.Empty, outcome.Snapshot, outcome.Changes);
        var state = new NorthboundState(
            outcome.Snapshot, KeyState.Empty.Apply(keys), Origins.Empty.Add(Request));
        var bytes = state.ToBytes();
        Assert.True(NorthboundState.TryRead(bytes.Span, schema, out var read));
        Assert.Equal(bytes.ToArray(), read.ToBytes().ToArray());
        Assert.Equal("web", read.Database.Find("Logical_Switch", row)?.GetString("name"));
        Assert.Equal(1u, read.Keys.Keys.Datapaths[row]);
        Assert.True(read.Origins.Contains(Request));
        Assert.Equal(outcome.Snapshot.TransactionId, read.Database.TransactionId);
    }

    private static string OvsdbTextOf(OperationResult result) =>
        System.Text.Encoding.UTF8.GetString(OvsdbText.ToUtf8(result.WriteTo));

    [Fact]
    public void A_long_message_travels_in_frames_and_a_lost_frame_is_a_lost_message()
    {
        var bytes = new byte[(LogLimits.ChunkSize * 3) + 5];
        new Random(1).NextBytes(bytes);
        var cutter = new FrameCutter("h1", 1);
        var frames = cutter.Cut(bytes);
        Assert.Equal(4, frames.Length);
        var assembler = new FrameAssembler();
        Assert.Null(assembler.Add(frames[0]));
        Assert.Null(assembler.Add(frames[1]));
        Assert.Null(assembler.Add(frames[1]));
        Assert.Null(assembler.Add(frames[2]));
        Assert.Equal(bytes, assembler.Add(frames[3])!.Value.ToArray());

        for (var i = 0; i < LogLimits.AssemblyCountMax + 5; i++)
            Assert.Null(assembler.Add(cutter.Cut(bytes)[0]));
        Assert.Equal(5, assembler.DroppedCount);
        Assert.Null(assembler.Add(frames[0] with { Count = int.MaxValue }));
        Assert.Equal(6, assembler.DroppedCount);
    }

    [Fact]
    public void What_is_left_of_an_earlier_life_is_no_part_of_a_message()
    {
        var bytes = new byte[LogLimits.ChunkSize * 2];
        new Random(2).NextBytes(bytes);
        var assembler = new FrameAssembler();
        Assert.Null(assembler.Add(new FrameCutter("h1", 1).Cut(new byte[bytes.Length])[0]));

        var frames = new FrameCutter("h1", 2).Cut(bytes);

        Assert.Null(assembler.Add(frames[0]));
        Assert.Equal(bytes, assembler.Add(frames[1])!.Value.ToArray());
    }
}
