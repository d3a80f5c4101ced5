#nullable disable
using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Dispatch;

/// <summary>
/// All actors take turns on one thread: Akka.NET's ForkJoinDispatcher with thread-count = 1.
/// </summary>
/// <remarks>
/// For processes whose work is a chain of short turns: a message between two actors then wakes
/// nobody, where a pool would wake a second thread that finds nothing to do.
/// </remarks>
internal sealed class SingleThreadDispatcher : ActorDispatcher
{
    private const int SpinsBeforeSleep = 10;

    private readonly ConcurrentQueue<object> _work = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private int _isAsleep;

    public SingleThreadDispatcher(string name)
    {
        _thread = new Thread(Work) { IsBackground = true, Name = name };
        _thread.Start();
    }

    public override void Schedule(Mailbox mailbox) => Add(mailbox);
    public override void Schedule(Action action) => Add(action);

    private void Add(object item)
    {
        _work.Enqueue(item);
        if (Thread.CurrentThread == _thread) return;
        if (Interlocked.Exchange(ref _isAsleep, 0) == 1) _wake.Set();
    }

    private void Work()
    {
        var spin = default(SpinWait);
        while (true)
        {
            if (_work.TryDequeue(out var item))
            {
                if (item is Mailbox mailbox) mailbox.Run();
                else ((Action)item)();
                spin.Reset();
                continue;
            }

            if (spin.Count < SpinsBeforeSleep)
            {
                spin.SpinOnce(sleep1Threshold: -1);
                continue;
            }

            Interlocked.Exchange(ref _isAsleep, 1);
            if (_work.IsEmpty) _wake.WaitOne();
            Interlocked.Exchange(ref _isAsleep, 0);
            spin.Reset();
        }
    }
}
