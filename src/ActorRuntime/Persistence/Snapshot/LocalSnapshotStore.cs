using System.Globalization;
using System.Text;
using Akka.Configuration;
using Akka.Persistence.Sql;
using Akka.Remote.Wire;

namespace Akka.Persistence.Snapshot;

/// <summary>Snapshots as files: <c>akka.persistence.snapshot-store.local</c>.</summary>
/// <remarks>
/// Hears, Says: as every snapshot store.
/// Holds:  nothing; one file per snapshot in <c>dir</c>, written aside and then renamed.
/// Fails:  a damaged file is passed over for an older one.
/// </remarks>
public sealed class LocalSnapshotStore : SnapshotStore
{
    private readonly string _directory;
    private readonly Serialization.Serialization _serialization;

    public LocalSnapshotStore(Config config)
    {
        _directory = config.GetString("dir") ?? "snapshots";
        _serialization = Context.System.Serialization;
    }

    protected override Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria)
    {
        long? corrupted = null;
        foreach (var (metadata, file) in Files(persistenceId, criteria))
        {
            if (TryRead(file, metadata, out var snapshot))
            {
                return Task.FromResult<SelectedSnapshot?>(new(metadata, snapshot));
            }

            corrupted ??= metadata.SequenceNr;
        }

        if (corrupted is { } number)
        {
            throw new CorruptedEventException(
                persistenceId, number, "has a snapshot that does not match its checksum");
        }

        return Task.FromResult<SelectedSnapshot?>(null);
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        var serializer = _serialization.FindSerializerFor(snapshot);
        var manifest = Serialization.Serialization.ManifestFor(serializer, snapshot);
        var payload = serializer.ToBinary(snapshot);
        var checksum = RowChecksum.Of(
            metadata.PersistenceId, metadata.SequenceNr, serializer.Identifier, manifest, payload);
        var bytes = new FieldWriter(payload.Length + 64)
            .Signed(1, serializer.Identifier).Text(2, manifest).Bytes(3, payload)
            .Signed(4, checksum).ToArray();
        Directory.CreateDirectory(_directory);
        var file = Path.Combine(
            _directory,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Escaped(metadata.PersistenceId)}-{metadata.SequenceNr}-"
                + $"{metadata.Timestamp.Ticks}"));
        File.WriteAllBytes(file + ".new", bytes);
        File.Move(file + ".new", file, overwrite: true);
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata) => DeleteAsync(
        metadata.PersistenceId,
        new SnapshotSelectionCriteria(
            metadata.SequenceNr, DateTime.MaxValue, metadata.SequenceNr));

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        foreach (var (_, file) in Files(persistenceId, criteria)) File.Delete(file);
        return Task.CompletedTask;
    }

    private List<(SnapshotMetadata Metadata, string File)> Files(
        string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var files = new List<(SnapshotMetadata Metadata, string File)>();
        if (!Directory.Exists(_directory)) return files;
        var prefix = Escaped(persistenceId) + "-";
        foreach (var file in Directory.EnumerateFiles(_directory, prefix + "*"))
        {
            var parts = Path.GetFileName(file)[prefix.Length..].Split('-');
            if (parts.Length != 2 || !long.TryParse(parts[0], out var sequenceNr)
                || !long.TryParse(parts[1], out var ticks) || ticks < 0
                || ticks > DateTime.MaxValue.Ticks)
            {
                continue;
            }

            var metadata = new SnapshotMetadata(
                persistenceId, sequenceNr, new DateTime(ticks, DateTimeKind.Utc));
            if (criteria.IsMatch(metadata)) files.Add((metadata, file));
        }

        files.Sort((a, b) => b.Metadata.SequenceNr.CompareTo(a.Metadata.SequenceNr));
        return files;
    }

    private bool TryRead(string file, SnapshotMetadata metadata, out object snapshot)
    {
        var (identifier, manifest, checksum) = (0, "", 0L);
        byte[] payload = [];
        var reader = new FieldReader(File.ReadAllBytes(file));
        while (reader.Next())
        {
            if (reader.Field == 1) identifier = reader.SignedInt32;
            else if (reader.Field == 2) manifest = reader.Text;
            else if (reader.Field == 3) payload = reader.Bytes.ToArray();
            else if (reader.Field == 4) checksum = reader.Signed;
            else reader.Unknown();
        }

        var expected = RowChecksum.Of(
            metadata.PersistenceId, metadata.SequenceNr, identifier, manifest, payload);
        var isIntact = !reader.IsMalformed && expected == checksum;
        snapshot = isIntact ? _serialization.Deserialize(payload, identifier, manifest) : null!;
        return isIntact;
    }

    /// <summary>Letters, digits and underscore stay; every other byte becomes %XX.</summary>
    private static string Escaped(string persistenceId)
    {
        var text = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(persistenceId))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b == '_') text.Append((char)b);
            else text.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return text.ToString();
    }
}
