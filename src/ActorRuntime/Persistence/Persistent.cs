#nullable disable
using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Persistence;

/// <summary>
/// Something that goes to the journal's actor, in order: events, or a deferred handler.
/// </summary>
public interface IPersistentEnvelope
{
    object Payload { get; }
    IActorRef Sender { get; }
    int Size { get; }
}

/// <summary>An event with what the journal knows about it.</summary>
public interface IPersistentRepresentation
{
    object Payload { get; }
    string Manifest { get; }
    string PersistenceId { get; }
    long SequenceNr { get; }
    long Timestamp { get; }
    IActorRef Sender { get; }
    bool IsDeleted { get; }
    string WriterGuid { get; }

    IPersistentRepresentation WithPayload(object payload);

    IPersistentRepresentation WithManifest(string manifest);

    IPersistentRepresentation WithTimestamp(long newTimestamp);

    IPersistentRepresentation Update(
        long sequenceNr, string persistenceId, bool isDeleted, IActorRef sender, string writerGuid);
}

public sealed record Persistent(
    object Payload,
    long SequenceNr = 0,
    string PersistenceId = "",
    string Manifest = "",
    bool IsDeleted = false,
    IActorRef Sender = null,
    string WriterGuid = "",
    long Timestamp = 0) : IPersistentRepresentation
{
    public IPersistentRepresentation WithPayload(object payload) => this with { Payload = payload };

    public IPersistentRepresentation WithManifest(string manifest) =>
        this with { Manifest = manifest };

    public IPersistentRepresentation WithTimestamp(long newTimestamp) =>
        this with { Timestamp = newTimestamp };

    public IPersistentRepresentation Update(
        long sequenceNr, string persistenceId, bool isDeleted, IActorRef sender,
            string writerGuid) =>
        this with
        {
            SequenceNr = sequenceNr,
            PersistenceId = persistenceId,
            IsDeleted = isDeleted,
            Sender = sender,
            WriterGuid = writerGuid,
        };
}

/// <summary>Events of one Persist or PersistAll: all of them are written, or none.</summary>
public sealed class AtomicWrite : IPersistentEnvelope
{
    public AtomicWrite(IPersistentRepresentation @event)
        : this(ImmutableList.Create(@event))
    {
    }

    public AtomicWrite(IImmutableList<IPersistentRepresentation> payload)
    {
        Payload = payload;
        Events = payload;
        LowestSequenceNr = payload[0].SequenceNr;
        HighestSequenceNr = payload[^1].SequenceNr;
        PersistenceId = payload[0].PersistenceId;
    }

    public object Payload { get; }
    public IActorRef Sender => ActorRefs.NoSender;
    public int Size => Events.Count;
    public long LowestSequenceNr { get; }
    public long HighestSequenceNr { get; }
    public string PersistenceId { get; }

    internal IImmutableList<IPersistentRepresentation> Events { get; }
}

/// <summary>A handler that waits for the events before it, and writes nothing itself.</summary>
internal sealed record NonPersistentMessage(object Payload, IActorRef Sender) : IPersistentEnvelope
{
    public int Size => 1;
}

/// <summary>An event with words by which a journal can be queried.</summary>
public sealed record Tagged(object Payload, IImmutableSet<string> Tags)
{
    public Tagged(object payload, IEnumerable<string> tags)
        : this(payload, tags.ToImmutableHashSet())
    {
    }
}
