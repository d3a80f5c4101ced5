using Akka;
using Akka.Actor;
using Fabric.Cluster;

namespace Fabric.Tests;

/// <summary>One clustered system at a time, whoever asks for what meanwhile.</summary>
public sealed class FabricSystemSlotTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TaskCompletionSource<Done> _mayEnd = new();
    private readonly TaskCompletionSource _isThirdThere =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<long> _started = [];
    private readonly FabricSystemSlot _slot;

    public FabricSystemSlotTests() => _slot = new FabricSystemSlot((start, _) =>
    {
        _started.Add(start.Incarnation);
        if (start.Incarnation == 3) _isThirdThere.SetResult();
        return SlowSystem();
    });

    [Fact]
    public async Task A_system_that_waits_for_the_one_before_is_not_started_after_a_stop()
    {
        var first = Run(1);
        var second = Run(2);
        var stopped = _slot.StopAsync();
        Assert.False(first.IsCompleted);

        _mayEnd.SetResult(Done.Instance);
        await Task.WhenAll(first, second, stopped).WaitAsync(Patience);

        Assert.Equal([1], _started);
    }

    [Fact]
    public async Task Of_several_that_wait_the_last_one_is_started()
    {
        var first = Run(1);
        var second = Run(2);
        var third = Run(3);

        _mayEnd.SetResult(Done.Instance);
        await Task.WhenAll(first, second, _isThirdThere.Task).WaitAsync(Patience);
        await _slot.StopAsync().WaitAsync(Patience);
        await third.WaitAsync(Patience);

        Assert.Equal([1, 3], _started);
    }

    [Fact]
    public async Task One_that_cannot_start_does_not_keep_the_next_from_it()
    {
        var isBroken = true;
        var slot = new FabricSystemSlot((_, _) =>
            isBroken ? throw new InvalidOperationException("no port") : SlowSystem());
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => slot.RunAsync(Start(1), ActorRefs.Nobody));
        isBroken = false;

        var next = slot.RunAsync(Start(2), ActorRefs.Nobody);
        Assert.NotNull(slot.System);
        _mayEnd.SetResult(Done.Instance);
        await slot.StopAsync().WaitAsync(Patience);
        await next.WaitAsync(Patience);
    }

    private Task Run(long incarnation) => _slot.RunAsync(Start(incarnation), ActorRefs.Nobody);

    private static FabricStart Start(long incarnation) => new(incarnation, false, []);

    private ActorSystem SlowSystem()
    {
        var system = ActorSystem.Create("slow");
        CoordinatedShutdown.Get(system).AddTask(
            CoordinatedShutdown.PhaseBeforeServiceUnbind, "wait", () => _mayEnd.Task);
        return system;
    }
}
