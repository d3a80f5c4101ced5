using Akka.Actor;

namespace Fabric.Cluster;

/// <summary>The place in a process for its one clustered actor system.</summary>
/// <remarks>
/// Outlives the actor that starts systems in it: a new one is started only when the old one has
/// ended and given its port back, and only if nothing else was wanted meanwhile.
/// </remarks>
public sealed class FabricSystemSlot(Func<FabricStart, IActorRef, ActorSystem> factory)
{
    private readonly Lock _lock = new();
    private ActorSystem? _system;
    private Task _ended = Task.CompletedTask;
    private long _turn;

    /// <summary>The system that runs, or ran last.</summary>
    internal ActorSystem? System => _system;

    /// <summary>
    /// Ends when the system that was started has ended, or at once if it is not wanted any more
    /// when its turn has come.
    /// </summary>
    public Task RunAsync(FabricStart start, IActorRef hostSide)
    {
        lock (_lock)
        {
            var before = EndAsync();
            return _ended = RunAfterAsync(before, ++_turn, start, hostSide);
        }
    }

    /// <summary>Ends the system, if there is one, and waits for that.</summary>
    public Task StopAsync()
    {
        lock (_lock)
        {
            _turn++;
            return EndAsync();
        }
    }

    private async Task RunAfterAsync(
        Task before, long turn, FabricStart start, IActorRef hostSide)
    {
        await before;
        ActorSystem system;
        lock (_lock)
        {
            if (turn != _turn) return;
            system = _system = factory(start, hostSide);
        }

        await system.WhenTerminated;
    }

    private async Task EndAsync()
    {
        var ended = _ended;
        if (_system is { } system) await system.Terminate();
        // Why a system did not start was told to who started it.
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
