#nullable disable
namespace Akka.Actor;

/// <summary>The actor has a stash; the property is set before PreStart.</summary>
public interface IActorStash
{
    IStash Stash { get; set; }
}

/// <summary>A stash as large as the props say.</summary>
public interface IWithStash : IActorStash;

/// <summary>A stash without limit.</summary>
public interface IWithUnboundedStash : IWithStash;

/// <summary>A stash as large as the props say.</summary>
public interface IWithBoundedStash : IWithStash;

/// <summary>Messages put aside; they come back before all that wait in the mailbox.</summary>
public interface IStash
{
    /// <summary>Puts the message in hand aside.</summary>
    /// <exception cref="IllegalActorStateException">It is there already.</exception>
    /// <exception cref="StashOverflowException">The stash is full.</exception>
    void Stash();

    /// <summary>Gives the oldest one back.</summary>
    void Unstash();

    /// <summary>Gives all back, oldest first.</summary>
    void UnstashAll();

    /// <summary>Gives back those that match; the others are dropped.</summary>
    void UnstashAll(Func<Envelope, bool> predicate);

    /// <summary>Takes all out without giving them back.</summary>
    IEnumerable<Envelope> ClearStash();

    /// <summary>Puts messages before those that are stashed.</summary>
    void Prepend(IEnumerable<Envelope> envelopes);

    int Count { get; }
    bool IsEmpty { get; }
    bool NonEmpty { get; }
    bool IsFull { get; }

    /// <summary>-1: no limit.</summary>
    int Capacity { get; }
}

internal sealed class Stash(ActorCell cell, int capacity) : IStash
{
    private LinkedList<Envelope> _stashed = new();
    private long _last = -1;

    public int Capacity => capacity <= 0 ? -1 : capacity;
    public int Count => _stashed.Count;
    public bool IsEmpty => _stashed.Count == 0;
    public bool NonEmpty => _stashed.Count > 0;
    public bool IsFull => capacity > 0 && _stashed.Count >= capacity;

    void IStash.Stash()
    {
        if (cell.CurrentMessage is null) throw new IllegalActorStateException(
            "There is no message in hand to stash");
        if (_last == cell.MessageOrder)
        {
            throw new IllegalActorStateException(
                $"Can't stash the same message {cell.CurrentMessage} more than once");
        }
        if (IsFull)
        {
            throw new StashOverflowException(
                $"Couldn't enqueue message {cell.CurrentMessage} to stash of {cell.Self}: " +
                $"it holds {capacity} already");
        }
        _last = cell.MessageOrder;
        _stashed.AddLast(cell.CurrentEnvelope);
    }

    public void Unstash()
    {
        if (_stashed.First is not { } oldest) return;
        _stashed.RemoveFirst();
        cell.ReturnToMailbox([oldest.Value]);
    }

    public void UnstashAll() => UnstashAll(static _ => true);

    public void UnstashAll(Func<Envelope, bool> predicate)
    {
        if (_stashed.Count == 0) return;
        Envelope[] returned = [.. _stashed.Where(predicate)];
        _stashed = new LinkedList<Envelope>();
        cell.ReturnToMailbox(returned);
    }

    public IEnumerable<Envelope> ClearStash()
    {
        var all = _stashed;
        _stashed = new LinkedList<Envelope>();
        return all;
    }

    public void Prepend(IEnumerable<Envelope> envelopes)
    {
        LinkedListNode<Envelope> last = null;
        foreach (var envelope in envelopes)
        {
            last = last is null
                ? _stashed.AddFirst(envelope)
                : _stashed.AddAfter(last, envelope);
        }
    }
}
