using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Akka.Persistence.Snapshot;

namespace Fabric.Simulation;

/// <summary>A journal on a <see cref="SimulatedDisk"/>, in bytes as on a real one.</summary>
internal sealed class SimulatedJournal : AsyncWriteJournal
{
    public const string Config =
        """
        akka.persistence {
          journal {
            plugin = "fabric.simulation.journal"
          }
          snapshot-store.plugin = "fabric.simulation.snapshots"
        }
        fabric.simulation {
          journal.class = "Fabric.Simulation.SimulatedJournal, Fabric.Simulation"
          snapshots.class = "Fabric.Simulation.SimulatedSnapshots, Fabric.Simulation"
        }
        """;

    private readonly ActorSystem _system = Context.System;
    private readonly DiskSetup _disk = DiskOf(Context.System);

    public static DiskSetup DiskOf(ActorSystem system) =>
        system.Settings.Setup.Get<DiskSetup>().Value;

    public static DiskRow RowOf(ActorSystem system, string id, long sequence, object payload)
    {
        var serializer = system.Serialization.FindSerializerFor(payload);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, payload);
        return new DiskRow(
            id, sequence, serializer.Identifier, manifest, serializer.ToBinary(payload));
    }

    public static object PayloadOf(ActorSystem system, DiskRow row) =>
        system.Serialization.Deserialize(row.Bytes, row.Serializer, row.Manifest);

    public override Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr,
        long max, Action<IPersistentRepresentation> recoveryCallback)
    {
        foreach (var row in _disk.Disk.Read(persistenceId, fromSequenceNr, toSequenceNr))
        {
            if (max-- <= 0) break;
            recoveryCallback(new Persistent(
                PayloadOf(_system, row), row.Sequence, persistenceId, row.Manifest));
        }

        return Task.CompletedTask;
    }

    public override Task<long> ReadHighestSequenceNrAsync(
        string persistenceId, long fromSequenceNr) =>
        Task.FromResult(_disk.Disk.HighestOf(persistenceId));

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages)
    {
        IReadOnlyList<DiskRow>[] transactions =
        [
            .. messages.Select(write => write.Events
                .Select(one => RowOf(_system, write.PersistenceId, one.SequenceNr, one.Payload))
                .ToList()),
        ];
        await _disk.Disk.Write(transactions, _disk.Clock);
        return null!;
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        _disk.Disk.DeleteTo(persistenceId, toSequenceNr);
        return Task.CompletedTask;
    }
}

/// <summary>Snapshots on the same disk; replaced as a whole, so never torn.</summary>
internal sealed class SimulatedSnapshots : SnapshotStore
{
    private readonly ActorSystem _system = Context.System;
    private readonly SimulatedDisk _disk = SimulatedJournal.DiskOf(Context.System).Disk;

    protected override Task<SelectedSnapshot> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var row = _disk.NewestSnapshot(persistenceId, criteria.MaxSequenceNr);
        return Task.FromResult(row is null
            ? null!
            : new SelectedSnapshot(
                new SnapshotMetadata(persistenceId, row.Sequence, DateTime.UnixEpoch),
                SimulatedJournal.PayloadOf(_system, row)));
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        _disk.Save(SimulatedJournal.RowOf(
            _system, metadata.PersistenceId, metadata.SequenceNr, snapshot));
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata)
    {
        _disk.DeleteSnapshots(metadata.PersistenceId, metadata.SequenceNr);
        return Task.CompletedTask;
    }

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria)
    {
        _disk.DeleteSnapshots(persistenceId, criteria.MaxSequenceNr);
        return Task.CompletedTask;
    }
}
