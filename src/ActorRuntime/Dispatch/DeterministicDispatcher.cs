#nullable disable
using Akka.Actor;

namespace Akka.Dispatch;

/// <summary>
/// Turns wait until the driver takes the next step: everything runs in one thread.
/// </summary>
/// <remarks>
/// Many actor systems may share one. Which of the runnable turns comes next is drawn from the
/// given random source, or is the oldest one without it. While it steps, continuations of awaits
/// return to it, so that asynchronous code is part of the same order. Not safe for other threads.
/// </remarks>
internal sealed class DeterministicDispatcher(Random random = null) : ActorDispatcher
{
    private sealed class Context(DeterministicDispatcher owner) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object state) =>
            owner.Schedule(() => d(state));
        public override void Send(SendOrPostCallback d, object state) => d(state);
        public override SynchronizationContext CreateCopy() => this;
    }

    private readonly List<object> _ready = [];
    private Context _context;
    private int _first; // Entries before it were taken, when the oldest comes next.

    public override bool IsDeterministic => true;

    /// <summary>How many turns wait.</summary>
    public int ReadyCount => _ready.Count - _first;

    /// <summary>Turns taken so far.</summary>
    public long StepCount { get; private set; }

    /// <summary>Install it around code that awaits what actors complete.</summary>
    public SynchronizationContext SynchronizationContext => _context ??= new Context(this);

    public override void Schedule(Mailbox mailbox) => _ready.Add(mailbox);
    public override void Schedule(Action action) => _ready.Add(action);

    /// <summary>Takes one turn; false if none waits.</summary>
    public bool Step()
    {
        if (ReadyCount == 0) return false;
        var item = Take();
        StepCount++;
        var previous = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(SynchronizationContext);
        try
        {
            if (item is Mailbox mailbox) mailbox.Run();
            else ((Action)item)();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(previous);
        }
        return true;
    }

    /// <summary>Takes turns until none waits, at most so many; returns how many it took.</summary>
    public long RunUntilIdle(long stepsMax = long.MaxValue)
    {
        var steps = 0L;
        while (steps < stepsMax && Step()) steps++;
        return steps;
    }

    private object Take()
    {
        object item;
        if (random is not null)
        {
            var index = random.Next(_ready.Count);
            item = _ready[index];
            _ready[index] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            return item;
        }
        item = _ready[_first];
        _ready[_first++] = null;
        if (_first < 64 || _first * 2 < _ready.Count) return item;
        _ready.RemoveRange(0, _first);
        _first = 0;
        return item;
    }
}
