#nullable disable
namespace Akka.TestKit;

/// <summary>A gate that opens after so many counts.</summary>
public class TestLatch(Func<TimeSpan, TimeSpan> dilate, int count, TimeSpan defaultTimeout)
{
    private readonly CountdownEvent _count = new(count);

    public TestLatch(int count = 1) : this(time => time, count, TimeSpan.FromSeconds(5)) { }

    public bool IsOpen => _count.IsSet;

    public void CountDown()
    {
        if (!_count.IsSet) _count.Signal();
    }

    public void Open()
    {
        while (!_count.IsSet) CountDown();
    }

    public void Reset() => _count.Reset();

    /// <exception cref="TimeoutException">It did not open in time.</exception>
    public void Ready(TimeSpan timeout)
    {
        if (_count.Wait(dilate(timeout))) return;
        throw new TimeoutException($"Timeout of {timeout} while waiting for the latch to open");
    }

    public void Ready() => Ready(defaultTimeout);
}

/// <summary>A meeting point of so many threads.</summary>
public class TestBarrier(TestKitBase testKit, int count, TimeSpan? defaultTimeout = null)
{
    private readonly Barrier _barrier = new(count);

    public void Await() => Await(defaultTimeout ?? testKit.TestKitSettings.DefaultTimeout);

    /// <exception cref="TimeoutException">The others did not come in time.</exception>
    public void Await(TimeSpan timeout)
    {
        if (_barrier.SignalAndWait(testKit.Dilated(timeout))) return;
        throw new TimeoutException($"Timeout of {timeout} while waiting for the barrier");
    }

    public void Reset() { }
}
