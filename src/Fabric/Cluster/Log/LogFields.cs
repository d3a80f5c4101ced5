using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>The fields that log messages consist of, as read.</summary>
internal sealed class LogFields
{
    private readonly ImmutableArray<LogEntry>.Builder _entries =
        ImmutableArray.CreateBuilder<LogEntry>();
    private readonly SortedSet<string> _voters = new(StringComparer.Ordinal);

    public Guid Log { get; private set; }

    public long Term { get; private set; }

    public long Number { get; private set; }

    public WriterId Writer { get; private set; } = new("", 0);

    public EntryId Id { get; private set; }

    public VoterSet Voters => VoterSet.Of(_voters);

    public ImmutableArray<LogEntry> Entries => _entries.ToImmutable();

    public ReadOnlyMemory<byte> Image { get; private set; }

    /// <param name="layout">The meaning of field 1, 2 ...; see LogCodec.</param>
    public bool TryRead(ReadOnlySpan<byte> bytes, string layout)
    {
        var reader = new FieldReader(bytes);
        while (reader.TryNext())
        {
            if (reader.Field <= layout.Length) Take(ref reader, layout[reader.Field - 1]);
        }

        return !reader.IsMalformed && _voters.Count <= LogLimits.VoterCountMax + 1
            && Term >= 0 && Number >= 0 && AreConsecutive();
    }

    private void Take(ref FieldReader reader, char meaning)
    {
        switch (meaning)
        {
            case 'L': Log = reader.Uuid(); break;
            case 'T': Term = reader.Number; break;
            case 'N': Number = reader.Number; break;
            case 'V': _voters.Add(reader.Text()); break;
            case 'B': Image = reader.Bytes.ToArray(); break;
            case 'W': TakeWriter(ref reader); break;
            case 'I': Id = TakeId(ref reader); break;
            case 'E': TakeEntry(ref reader); break;
        }
    }

    private void TakeWriter(ref FieldReader outer)
    {
        var (host, nonce) = ("", 0L);
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            if (reader.Field == 1) host = reader.Text();
            else if (reader.Field == 2) nonce = reader.Number;
        }

        if (reader.IsMalformed) outer.Fail();
        Writer = new WriterId(host, nonce);
    }

    private static EntryId TakeId(ref FieldReader outer)
    {
        var (term, sequence) = (0L, 0L);
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            if (reader.Field == 1) term = reader.Number;
            else if (reader.Field == 2) sequence = reader.Number;
        }

        if (reader.IsMalformed || term < 0 || sequence < 0) outer.Fail();
        return new EntryId(term, sequence);
    }

    private void TakeEntry(ref FieldReader outer)
    {
        var (term, sequence, kind) = (0L, 0L, 0L);
        ReadOnlyMemory<byte> body = default;
        var reader = new FieldReader(outer.Bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1: term = reader.Number; break;
                case 2: sequence = reader.Number; break;
                case 3: kind = reader.Number; break;
                case 4: body = reader.Bytes.ToArray(); break;
            }
        }

        if (reader.IsMalformed || term < 1 || sequence < 1 || kind is < 0 or > 255
            || _entries.Count == LogLimits.BatchEntryCountMax)
        {
            outer.Fail();
            return;
        }

        _entries.Add(new LogEntry(new EntryId(term, sequence), (EntryKind)kind, body));
    }

    private bool AreConsecutive()
    {
        for (var i = 1; i < _entries.Count; i++)
        {
            if (_entries[i].Id.Sequence != _entries[i - 1].Id.Sequence + 1) return false;
        }

        return true;
    }
}
