using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>The bytes of everything that the log sends and journals, version 1.</summary>
/// <remarks>
/// One manifest for each kind; what the fields mean is the table below, and golden bytes of each
/// are kept. Fields and manifests that a later version adds are skipped here.
/// </remarks>
public static class LogCodec
{
    /// <summary>The version-1 manifest, or null for a type that does not travel.</summary>
    public static string? ManifestOf(object message) => message switch
    {
        DescribeLog => "log.describe.1",
        LogDescribed => "log.described.1",
        PrepareTerm => "log.prepare.1",
        TermPromised => "log.promised.1",
        TermRefused => "log.refused.1",
        FetchEntries => "log.fetch.1",
        EntriesFetched => "log.fetched.1",
        ImageFetched => "log.image.1",
        AppendEntries => "log.append.1",
        EntriesAppended => "log.appended.1",
        AppendGap => "log.gap.1",
        InstallImage => "log.install.1",
        LogFounded => "log.founded.1",
        LogJoined => "log.joined.1",
        EndpointStarted => "log.started.1",
        PromiseMade => "log.promise.1",
        EntriesJournaled => "log.journaled.1",
        CommitAdvanced => "log.committed.1",
        ImageInstalled => "log.installed.1",
        VotersForced => "log.forced.1",
        _ => null,
    };

    /// <summary>The bytes of a message or an event.</summary>
    public static byte[] Write(object message) => Fields(message).ToArray();

    private static FieldWriter Fields(object message)
    {
        var to = new FieldWriter();
        return message switch
        {
            DescribeLog => to,
            LogDescribed m => Id(to.Uuid(1, m.LogId).Number(2, m.PromisedTerm), 3, m.Last)
                .Number(4, m.Committed).Texts(5, m.Voters.Hosts),
            PrepareTerm m => Writer(to.Uuid(1, m.LogId).Number(2, m.Term), 3, m.Writer),
            TermPromised m => Id(to.Number(1, m.Term), 2, m.Last)
                .Number(3, m.Committed).Texts(4, m.Voters.Hosts),
            TermRefused m => to.Number(1, m.Term).Number(2, m.PromisedTerm),
            FetchEntries m => to.Number(1, m.Term).Number(2, m.After),
            EntriesFetched m => Entries(
                Id(to.Number(1, m.Term).Number(2, m.After), 3, m.Last), 4, m.Entries),
            ImageFetched m => Id(to.Number(1, m.Term), 2, m.Id)
                .Texts(3, m.Voters.Hosts).Bytes(4, m.Image.Span),
            AppendEntries m => Entries(
                Id(Writer(to.Uuid(1, m.LogId).Number(2, m.Term), 3, m.Writer), 4, m.Previous)
                    .Number(5, m.Committed), 6, m.Entries),
            EntriesAppended m => to.Number(1, m.Term).Number(2, m.Matched),
            AppendGap m => to.Number(1, m.Term).Number(2, m.Hint),
            InstallImage m => Id(
                Writer(to.Uuid(1, m.LogId).Number(2, m.Term), 3, m.Writer), 4, m.Id)
                .Texts(5, m.Voters.Hosts).Bytes(6, m.Image.Span),
            LogFounded m => to.Uuid(1, m.LogId).Texts(2, m.Voters.Hosts),
            LogJoined m => to.Uuid(1, m.LogId),
            EndpointStarted m => to.Number(1, m.Incarnation),
            PromiseMade m => Writer(to.Number(1, m.Term), 2, m.Writer),
            EntriesJournaled m => Entries(to.Number(1, m.After), 2, m.Entries),
            CommitAdvanced m => to.Number(1, m.Committed),
            ImageInstalled m => Id(to, 1, m.Id)
                .Texts(2, m.Voters.Hosts).Bytes(3, m.Image.ToBytes().Span),
            VotersForced m => to.Texts(1, m.Voters.Hosts),
            _ => throw new ArgumentException($"{message.GetType()} does not travel."),
        };
    }

    /// <summary>Reads a message or an event; false when malformed or unknown.</summary>
    public static bool TryRead(string manifest, ReadOnlySpan<byte> bytes, out object? message)
    {
        message = null;
        var f = new LogFields();
        if (Layouts.TryGetValue(manifest, out var layout) && f.TryRead(bytes, layout))
            message = Make(manifest, f);
        return message is not null;
    }

    private static object? Make(string manifest, LogFields f) => manifest switch
    {
        "log.describe.1" => DescribeLog.Instance,
        "log.described.1" => new LogDescribed(f.Log, f.Term, f.Id, f.Number, f.Voters),
        "log.prepare.1" => new PrepareTerm(f.Log, f.Term, f.Writer),
        "log.promised.1" => new TermPromised(f.Term, f.Id, f.Number, f.Voters),
        "log.refused.1" => new TermRefused(f.Term, f.Number),
        "log.fetch.1" => new FetchEntries(f.Term, f.Number),
        "log.fetched.1" => new EntriesFetched(f.Term, f.Number, f.Entries, f.Id),
        "log.image.1" => new ImageFetched(f.Term, f.Id, f.Voters, f.Image),
        "log.append.1" => new AppendEntries(
            f.Log, f.Term, f.Writer, f.Id, f.Entries, f.Number),
        "log.appended.1" => new EntriesAppended(f.Term, f.Number),
        "log.gap.1" => new AppendGap(f.Term, f.Number),
        "log.install.1" => new InstallImage(f.Log, f.Term, f.Writer, f.Id, f.Voters, f.Image),
        "log.founded.1" => new LogFounded(f.Log, f.Voters),
        "log.joined.1" => new LogJoined(f.Log),
        "log.started.1" => new EndpointStarted(f.Number),
        "log.promise.1" => new PromiseMade(f.Term, f.Writer),
        "log.journaled.1" => new EntriesJournaled(f.Number, f.Entries),
        "log.committed.1" => new CommitAdvanced(f.Number),
        "log.installed.1" => new ImageInstalled(f.Id, f.Voters, new LogImageBytes(f.Image)),
        "log.forced.1" => new VotersForced(f.Voters),
        _ => null,
    };

    /// <summary>
    /// One letter for the meaning of each field, from field 1: L log, T term, W writer, I entry id,
    /// N number, V voters, E entries, B bytes of an image.
    /// </summary>
    private static readonly ImmutableSortedDictionary<string, string> Layouts =
        new Dictionary<string, string>
        {
            ["log.describe.1"] = "",
            ["log.described.1"] = "LTINV",
            ["log.prepare.1"] = "LTW",
            ["log.promised.1"] = "TINV",
            ["log.refused.1"] = "TN",
            ["log.fetch.1"] = "TN",
            ["log.fetched.1"] = "TNIE",
            ["log.image.1"] = "TIVB",
            ["log.append.1"] = "LTWINE",
            ["log.appended.1"] = "TN",
            ["log.gap.1"] = "TN",
            ["log.install.1"] = "LTWIVB",
            ["log.founded.1"] = "LV",
            ["log.joined.1"] = "L",
            ["log.promise.1"] = "TW",
            ["log.journaled.1"] = "NE",
            ["log.committed.1"] = "N",
            ["log.installed.1"] = "IVB",
            ["log.forced.1"] = "V",
            ["log.started.1"] = "N",
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Body of an entry of kind <see cref="EntryKind.Voters"/>.</summary>
    public static byte[] Voters(VoterSet voters) =>
        new FieldWriter().Texts(1, voters.Hosts).ToArray();

    public static bool TryReadVoters(ReadOnlySpan<byte> body, out VoterSet voters)
    {
        var fields = new LogFields();
        var ok = fields.TryRead(body, "V");
        voters = ok ? fields.Voters : VoterSet.None;
        return ok && !voters.IsEmpty;
    }

    private static FieldWriter Id(FieldWriter to, int field, EntryId id) =>
        id == default
            ? to
            : to.Item(field, new FieldWriter().Number(1, id.Term).Number(2, id.Sequence));

    private static FieldWriter Writer(FieldWriter to, int field, WriterId id) =>
        to.Item(field, new FieldWriter().Text(1, id.HostId).Number(2, id.Nonce));

    private static FieldWriter Entries(
        FieldWriter to, int field, ImmutableArray<LogEntry> entries)
    {
        foreach (var entry in entries)
        {
            to.Item(field, new FieldWriter().Number(1, entry.Id.Term)
                .Number(2, entry.Id.Sequence).Number(3, (long)entry.Kind)
                .Bytes(4, entry.Body.Span));
        }

        return to;
    }
}
