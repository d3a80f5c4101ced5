#nullable disable
using System.Runtime.CompilerServices;
using Akka.Dispatch;

namespace Akka.Actor;

/// <summary>What has a queue and is run by a dispatcher, by one thread at a time.</summary>
/// <remarks>
/// System messages wait in a stack of their own and are handled before every user message; each
/// also puts a signal into the user queue, so that there is one way to wake. Messages that come
/// while suspended, and unstashed ones, wait in front of the queue, where only the consumer is.
/// </remarks>
internal abstract class Mailbox : IThreadPoolWorkItem
{
    private sealed class SystemSignal;

    private static readonly SystemSignal Signal = new();

    private readonly MessageQueue _queue = new();
    private readonly ActorDispatcher _dispatcher;
    private FrontQueue _front;
    private SystemMessage _system;
    private int _suspendCount;
    private int _next; // Where the turn is in the queue.

    /// <summary>Most messages that ever waited at the start of a turn.</summary>
    public long HighWater { get; private set; }

    protected Mailbox(ActorDispatcher dispatcher) => _dispatcher = dispatcher;

    public ActorDispatcher Dispatcher => _dispatcher;

    /// <summary>
    /// For references, which are only read: this object is written all the time.
    /// </summary>
    public MessageQueue Queue => _queue;

    public long MessageCount => _queue.CountFrom(_next) + (_front?.Count ?? 0);
    protected bool IsSuspended => _suspendCount > 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enqueue(object message, IActorRef sender)
    {
        if (_queue.Enqueue(message, sender)) _dispatcher.Schedule(this);
    }

    public void EnqueueSystem(SystemMessage message)
    {
        SystemMessage head;
        do
        {
            head = Volatile.Read(ref _system);
            message.Next = head;
        }
        while (Interlocked.CompareExchange(ref _system, message, head) != head);
        Enqueue(Signal, null);
    }

    /// <summary>Puts messages before all that wait; the first given becomes the first.</summary>
    protected void EnqueueFront(IReadOnlyList<Envelope> messages)
    {
        if (messages.Count == 0) return;
        _front ??= new FrontQueue();
        for (var i = messages.Count - 1; i >= 0; i--) _front.PushFirst(messages[i]);
    }

    protected void SuspendMailbox() => _suspendCount++;

    protected void ResumeMailbox()
    {
        if (_suspendCount > 0) _suspendCount--;
    }

    protected abstract void Invoke(object message, IActorRef sender);
    protected abstract void InvokeSystem(SystemMessage message);

    /// <summary>Called around a turn with the cell that was current before.</summary>
    protected abstract ActorCell Enter();
    protected abstract void Leave(ActorCell previous);

    void IThreadPoolWorkItem.Execute() => Run();

    /// <summary>One turn: up to the dispatcher's throughput of user messages.</summary>
    public void Run()
    {
        _queue.Wake();
        var waiting = MessageCount;
        if (waiting > HighWater) HighWater = waiting;
        var previous = Enter();
        try
        {
            RunSystem();
            for (var left = _dispatcher.Throughput; left > 0; left--)
            {
                if (!RunOne()) break;
            }
        }
        finally
        {
            Leave(previous);
        }
        if (HasRunnableFront || !_queue.TryGoIdle(_next)) _dispatcher.ScheduleAgain(this);
    }

    private bool HasRunnableFront => _front is { Count: > 0 } && _suspendCount == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool RunOne()
    {
        object message;
        IActorRef sender;
        if (HasRunnableFront)
        {
            var envelope = _front.PopFirst();
            message = envelope.Message;
            sender = envelope.Sender;
        }
        else if (!_queue.TryDequeue(ref _next, out message, out sender))
        {
            return false;
        }

        if (!ReferenceEquals(message, Signal))
        {
            if (_suspendCount > 0) (_front ??= new FrontQueue()).PushLast(new(message, sender));
            else Invoke(message, sender);
        }
        if (Volatile.Read(ref _system) is not null) RunSystem();
        return true;
    }

    private void RunSystem()
    {
        while (Volatile.Read(ref _system) is not null)
        {
            var newest = Interlocked.Exchange(ref _system, null);
            SystemMessage oldest = null;
            while (newest is not null)
            {
                var next = newest.Next;
                newest.Next = oldest;
                oldest = newest;
                newest = next;
            }
            while (oldest is not null)
            {
                var next = oldest.Next;
                oldest.Next = null;
                InvokeSystem(oldest);
                oldest = next;
            }
        }
    }
}

/// <summary>A ring of envelopes that grows at both ends.</summary>
internal sealed class FrontQueue
{
    private Envelope[] _ring = new Envelope[8];
    private int _first;

    public int Count { get; private set; }

    public void PushFirst(Envelope envelope)
    {
        Reserve();
        _first = (_first - 1) & (_ring.Length - 1);
        _ring[_first] = envelope;
        Count++;
    }

    public void PushLast(Envelope envelope)
    {
        Reserve();
        _ring[(_first + Count) & (_ring.Length - 1)] = envelope;
        Count++;
    }

    public Envelope PopFirst()
    {
        var envelope = _ring[_first];
        _ring[_first] = default;
        _first = (_first + 1) & (_ring.Length - 1);
        Count--;
        return envelope;
    }

    private void Reserve()
    {
        if (Count < _ring.Length) return;
        var larger = new Envelope[_ring.Length * 2];
        for (var i = 0; i < Count; i++) larger[i] = _ring[(_first + i) & (_ring.Length - 1)];
        _ring = larger;
        _first = 0;
    }
}
