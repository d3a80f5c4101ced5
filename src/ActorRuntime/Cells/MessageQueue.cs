#nullable disable
using System.Runtime.CompilerServices;

namespace Akka.Actor;

/// <summary>Many producers, one consumer, no lock: the queue of a mailbox.</summary>
/// <remarks>
/// A chain of arrays. A producer takes a slot with one atomic add and then publishes its message.
/// The consumer's being idle is a bit of the same counter: the producer whose add finds that bit
/// at the index where the consumer went idle, and no other, has to wake it. So a message costs
/// one atomic operation, and no wake-up is lost. Segments grow with the load, from
/// <see cref="SizeMin"/> to <see cref="SizeMax"/> slots.
/// Where the consumer is in the head segment it keeps itself and passes as 'next', which begins as
/// 0: it changes with every message, and producers read this object with every message. Side by
/// side each would wait for the other's cache line.
/// </remarks>
internal sealed class MessageQueue
{
    private const int SizeMin = 4;
    private const int SizeMax = 512;
    private const int IdleBit = 1 << 30;
    private const int IndexMask = IdleBit - 1;

    private struct Slot
    {
        public object Message;
        public IActorRef Sender;
    }

    private sealed class Segment(int size, long first)
    {
        public int Tail; // Next free index, with IdleBit. May run past the end.
        public int IdleAt = -1;
        public Segment Next;
        public readonly long First = first; // Messages before this segment.
        public readonly Slot[] Slots = new Slot[size];
    }

    private Segment _tail;
    private Segment _head;
    private Slot[] _slots; // Of the head segment.

    /// <summary>An empty queue with an idle consumer.</summary>
    public MessageQueue()
    {
        _head = _tail = new Segment(SizeMin, 0) { Tail = IdleBit, IdleAt = 0 };
        _slots = _head.Slots;
    }

    /// <summary>Messages that wait; exact for the consumer if no producer is active.</summary>
    public long CountFrom(int next)
    {
        var tail = Volatile.Read(ref _tail);
        var used = Math.Min(Volatile.Read(ref tail.Tail) & IndexMask, tail.Slots.Length);
        return Math.Max(0, tail.First + used - (_head.First + next));
    }

    /// <summary>Adds a message.</summary>
    /// <returns>True if the caller has to wake the consumer.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Enqueue(object message, IActorRef sender)
    {
        var segment = _tail;
        var taken = Interlocked.Increment(ref segment.Tail) - 1;
        var index = taken & IndexMask;
        var slots = segment.Slots;
        if ((uint)index >= (uint)slots.Length) return EnqueueNext(segment, taken, message, sender);
        ref var slot = ref slots[index];
        slot.Sender = sender;
        Volatile.Write(ref slot.Message, message);
        return (taken & IdleBit) != 0 && index == Volatile.Read(ref segment.IdleAt);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool EnqueueNext(Segment segment, int taken, object message, IActorRef sender)
    {
        var wake = (taken & IdleBit) != 0 &&
            (taken & IndexMask) == Volatile.Read(ref segment.IdleAt);
        var next = Volatile.Read(ref segment.Next);
        if (next is null)
        {
            var size = Math.Min(segment.Slots.Length * 4, SizeMax);
            var fresh = new Segment(size, segment.First + segment.Slots.Length);
            next = Interlocked.CompareExchange(ref segment.Next, fresh, null) ?? fresh;
        }
        Interlocked.CompareExchange(ref _tail, next, segment);
        return Enqueue(message, sender) | wake;
    }

    /// <summary>Takes the oldest message; only the consumer may.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryDequeue(ref int next, out object message, out IActorRef sender)
    {
        var slots = _slots;
        var index = next;
        if ((uint)index < (uint)slots.Length)
        {
            ref var slot = ref slots[index];
            message = Volatile.Read(ref slot.Message);
            if (message is not null)
            {
                sender = slot.Sender;
                slot.Message = null;
                slot.Sender = null;
                next = index + 1;
                return true;
            }
        }
        return TryDequeueSlow(ref next, out message, out sender);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryDequeueSlow(ref int next, out object message, out IActorRef sender)
    {
        if (next == _slots.Length)
        {
            var segment = Volatile.Read(ref _head.Next);
            if (segment is not null)
            {
                _head = segment;
                _slots = segment.Slots;
                next = 0;
                return TryDequeue(ref next, out message, out sender);
            }
        }
        message = null;
        sender = null;
        return false;
    }

    /// <summary>Called by the consumer when it starts after having been idle.</summary>
    public void Wake()
    {
        if ((_head.Tail & IdleBit) != 0) Interlocked.And(ref _head.Tail, ~IdleBit);
    }

    /// <summary>Marks the consumer idle unless there is something to read.</summary>
    /// <returns>False if messages wait, or are just being written.</returns>
    public bool TryGoIdle(int next)
    {
        var head = _head;
        if (next == head.Slots.Length && Volatile.Read(ref head.Next) is not null) return false;
        // IdleAt may only name an index that nobody has taken: a slow producer that took it while
        // the consumer was idle before would wake it a second time.
        if (Volatile.Read(ref head.Tail) != next) return false;
        Volatile.Write(ref head.IdleAt, next);
        return Interlocked.CompareExchange(ref head.Tail, next | IdleBit, next) == next;
    }
}
