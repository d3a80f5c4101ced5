#nullable disable
using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence.Journal;

/// <summary>
/// A journal that ends with its actor system: <c>akka.persistence.journal.inmem</c>.
/// </summary>
/// <remarks>
/// Hears:  as every journal.
/// Says:   as every journal.
/// Holds:  all events.
/// Fails:  never; every answer is given at once.
/// </remarks>
public class MemoryJournal : AsyncWriteJournal
{
    private readonly Dictionary<string, List<IPersistentRepresentation>> _events = [];
    private readonly Dictionary<string, long> _highest = [];

    protected override Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages)
    {
        foreach (var write in messages)
        {
            if (!_events.TryGetValue(write.PersistenceId, out var events))
            {
                _events[write.PersistenceId] = events = [];
            }

            events.AddRange(write.Events);
            _highest[write.PersistenceId] = write.HighestSequenceNr;
        }

        return Task.FromResult<IImmutableList<Exception>>(null);
    }

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId,
        long fromSequenceNr) =>
        Task.FromResult(_highest.GetValueOrDefault(persistenceId));

    public override Task ReplayMessagesAsync(
        IActorContext context,
        string persistenceId,
        long fromSequenceNr,
        long toSequenceNr,
        long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        if (!_events.TryGetValue(persistenceId, out var events)) return Task.CompletedTask;
        foreach (var @event in events)
        {
            if (@event.SequenceNr < fromSequenceNr || @event.SequenceNr > toSequenceNr) continue;
            if (max-- <= 0) break;
            recoveryCallback(@event);
        }

        return Task.CompletedTask;
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr)
    {
        if (_events.TryGetValue(persistenceId, out var events))
        {
            events.RemoveAll(e => e.SequenceNr <= toSequenceNr);
        }

        return Task.CompletedTask;
    }
}
