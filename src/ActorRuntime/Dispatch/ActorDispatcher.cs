#nullable disable
using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Dispatch;

/// <summary>Decides on which thread, and when, a mailbox takes its next turn.</summary>
internal abstract class ActorDispatcher
{
    /// <summary>User messages that a mailbox may handle in one turn.</summary>
    public int Throughput { get; init; } = 128;

    /// <summary>
    /// True if everything runs in one thread step by step: then tasks continue where they are
    /// completed, and never on the thread pool.
    /// </summary>
    public virtual bool IsDeterministic => false;

    /// <summary>The mailbox has become runnable.</summary>
    public abstract void Schedule(Mailbox mailbox);

    /// <summary>The mailbox has more to do after its turn.</summary>
    public virtual void ScheduleAgain(Mailbox mailbox) => Schedule(mailbox);

    /// <summary>Runs an action soon.</summary>
    public abstract void Schedule(Action action);

    public virtual void Shutdown() { }
}

/// <summary>The default: turns run on the thread pool.</summary>
internal sealed class ThreadPoolDispatcher : ActorDispatcher
{
    public override void Schedule(Mailbox mailbox) =>
        ThreadPool.UnsafeQueueUserWorkItem(mailbox, preferLocal: true);

    public override void ScheduleAgain(Mailbox mailbox) =>
        ThreadPool.UnsafeQueueUserWorkItem(mailbox, preferLocal: false);

    public override void Schedule(Action action) =>
        ThreadPool.UnsafeQueueUserWorkItem(static run => run(), action, preferLocal: false);
}

/// <summary>A thread of its own, for actors that block.</summary>
internal sealed class PinnedDispatcher : ActorDispatcher
{
    private readonly BlockingCollection<object> _work = [];

    public PinnedDispatcher(string name)
    {
        var thread = new Thread(Work) { IsBackground = true, Name = name };
        thread.Start();
    }

    private void Work()
    {
        foreach (var item in _work.GetConsumingEnumerable())
        {
            if (item is Mailbox mailbox) mailbox.Run();
            else ((Action)item)();
        }
    }

    public override void Schedule(Mailbox mailbox) => Add(mailbox);
    public override void Schedule(Action action) => Add(action);
    public override void Shutdown() => _work.CompleteAdding();

    private void Add(object item)
    {
        if (!_work.IsAddingCompleted)
        {
            _work.Add(item);
            return;
        }
        // The actor has ended; what still comes for it goes to dead letters from the pool.
        if (item is Mailbox mailbox) ThreadPool.UnsafeQueueUserWorkItem(mailbox, false);
        else ThreadPool.UnsafeQueueUserWorkItem(static run => run(), (Action)item, false);
    }
}

/// <summary>Turns run inside the Tell that causes them, for tests.</summary>
internal sealed class CallingThreadDispatcher : ActorDispatcher
{
    public override void Schedule(Mailbox mailbox) => mailbox.Run();
    public override void Schedule(Action action) => action();
}
