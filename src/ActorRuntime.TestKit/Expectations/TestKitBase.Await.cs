#nullable disable
namespace Akka.TestKit;

public abstract partial class TestKitBase
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Repeats the assertion until it holds; then its failure is the test's.</summary>
    public void AwaitAssert(Action assertion, TimeSpan? duration = null, TimeSpan? interval = null,
        CancellationToken cancellationToken = default)
    {
        var end = Now + RemainingOrDilated(duration);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                assertion();
                return;
            }
            catch (Exception) when (Now < end)
            {
                Pause(interval, end, cancellationToken);
            }
        }
    }

    public Task AwaitAssertAsync(Action assertion, TimeSpan? duration = null,
        TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        InBackground(
            () => AwaitAssert(assertion, duration, interval, cancellationToken), cancellationToken);

    public async Task AwaitAssertAsync(Func<Task> assertion, TimeSpan? duration = null,
        TimeSpan? interval = null, CancellationToken cancellationToken = default)
    {
        var end = Now + RemainingOrDilated(duration);
        while (true)
        {
            try
            {
                await assertion();
                return;
            }
            catch (Exception) when (Now < end)
            {
                await Task.Delay(interval ?? PollInterval, cancellationToken);
            }
        }
    }

    private static void Pause(TimeSpan? interval, TimeSpan end, CancellationToken token)
    {
        var wait = interval ?? PollInterval;
        if (end - Now < wait) wait = Max(end - Now);
        token.WaitHandle.WaitOne(wait < TimeSpan.FromMilliseconds(1)
            ? TimeSpan.FromMilliseconds(1) : wait);
    }

    public void AwaitCondition(
        Func<bool> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, RemainingOrDefault, null, null, cancellationToken);

    public void AwaitCondition(Func<bool> conditionIsFulfilled, TimeSpan? max,
        CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, max, null, null, cancellationToken);

    public void AwaitCondition(Func<bool> conditionIsFulfilled, TimeSpan? max, string message,
        CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, max, null, message, cancellationToken);

    /// <summary>Polls until the condition holds.</summary>
    public void AwaitCondition(Func<bool> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval,
        string message = null, CancellationToken cancellationToken = default)
    {
        var limit = RemainingOrDilated(max);
        if (Poll(conditionIsFulfilled, limit, interval, cancellationToken)) return;
        Fail($"Timeout ({limit}) expired while waiting for condition. {message}");
    }

    /// <summary>Polls until the condition holds; false if it did not in time.</summary>
    public bool AwaitConditionNoThrow(Func<bool> conditionIsFulfilled, TimeSpan max,
        TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        Poll(conditionIsFulfilled, max, interval, cancellationToken);

    private static bool Poll(Func<bool> condition, TimeSpan limit, TimeSpan? interval,
        CancellationToken cancellationToken)
    {
        var end = Now + limit;
        while (!condition())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Now >= end) return false;
            Pause(interval, end, cancellationToken);
        }
        return true;
    }

    public Task AwaitConditionAsync(
        Func<bool> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, null, null, null, cancellationToken);

    public Task AwaitConditionAsync(Func<bool> conditionIsFulfilled, TimeSpan? max,
        CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, max, null, null, cancellationToken);

    public Task AwaitConditionAsync(Func<bool> conditionIsFulfilled, TimeSpan? max,
        TimeSpan? interval, string message = null,
        CancellationToken cancellationToken = default) =>
        InBackground(() => AwaitCondition(
            conditionIsFulfilled, max, interval, message, cancellationToken), cancellationToken);

    public Task AwaitConditionAsync(
        Func<Task<bool>> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, null, null, null, cancellationToken);

    public Task AwaitConditionAsync(Func<Task<bool>> conditionIsFulfilled, TimeSpan? max,
        CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, max, null, null, cancellationToken);

    public async Task AwaitConditionAsync(Func<Task<bool>> conditionIsFulfilled, TimeSpan? max,
        TimeSpan? interval, string message = null, CancellationToken cancellationToken = default)
    {
        var limit = RemainingOrDilated(max);
        var end = Now + limit;
        while (!await conditionIsFulfilled())
        {
            if (Now >= end)
                Fail($"Timeout ({limit}) expired while waiting for condition. {message}");
            await Task.Delay(interval ?? PollInterval, cancellationToken);
        }
    }

    public void Within(TimeSpan max, Action action, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, action, null, epsilonValue, cancellationToken);

    public void Within(TimeSpan min, TimeSpan max, Action action, string hint = null,
        TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(min, max, () =>
        {
            action();
            return true;
        }, hint, epsilonValue, cancellationToken);

    public T Within<T>(TimeSpan max, Func<T> function, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, function, null, epsilonValue, cancellationToken);

    /// <summary>The block must take at least and at most so long; what it expects is bounded too.
    /// </summary>
    public T Within<T>(TimeSpan min, TimeSpan max, Func<T> function, string hint = null,
        TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default)
    {
        var (limit, start, outer) = (Dilated(max), Now, _end);
        var remaining = outer == Unbounded ? limit : Max(outer - start);
        if (remaining < min) Fail($"Required min time {min} not possible, only {remaining} left.");
        _end = start + (limit < remaining ? limit : remaining);
        T result;
        try
        {
            result = function();
        }
        finally
        {
            _end = outer;
        }
        CheckDuration(Now - start, min, limit + (epsilonValue ?? TimeSpan.Zero), hint);
        return result;
    }

    private void CheckDuration(TimeSpan took, TimeSpan min, TimeSpan max, string hint)
    {
        var why = hint is null ? "" : $" [{hint}]";
        if (took < min) Fail($"Failed: Block took {took}, should have at least been {min}{why}");
        if (took > max) Fail($"Failed: Block took {took}, exceeding {max}{why}");
    }

    public async Task WithinAsync(TimeSpan max, Func<Task> actionAsync,
        TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default)
    {
        var (limit, start, outer) = (Dilated(max), Now, _end);
        _end = start + limit;
        try
        {
            await actionAsync();
        }
        finally
        {
            _end = outer;
        }
        CheckDuration(Now - start, TimeSpan.Zero, limit + (epsilonValue ?? TimeSpan.Zero), null);
    }

    /// <summary>Waits until nothing has come for a moment.</summary>
    public async Task WaitForRadioSilenceAsync(TimeSpan? max = null, uint? maxMessages = null,
        CancellationToken cancellationToken = default)
    {
        var end = Now + RemainingOrDilated(max);
        for (var count = 0u; Now < end; count++)
        {
            var next = await ReceiveOneAsync(TimeSpan.FromMilliseconds(100), cancellationToken);
            if (next is null) return;
            if (count >= maxMessages) Fail($"No radio silence: more than {maxMessages} messages");
        }
        Fail("No radio silence in time");
    }
}
