using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Host;

/// <summary>One room of the host node: an actor's name, and how it is made.</summary>
/// <param name="Make">Is given the rooms that stand before it, by name.</param>
public sealed record HostRoom(string Name, Func<Func<string, IActorRef>, Props> Make)
{
    /// <summary>What rooms are told, by name, whenever this one or they were made anew.</summary>
    public Func<Func<string, IActorRef>, IEnumerable<(string Room, object Message)>> Tells
    {
        get;
        init;
    } = _ => [];
}

/// <summary>Supervises all that a host node is: one child for each room, in order.</summary>
/// <remarks>
/// Hears:  <see cref="Terminated"/> of its children.
/// Says:   what rooms must know of each other, whenever one is made.
/// Holds:  the list of rooms.
/// Fails:  never by what it hears. A room that throws or is killed restarts under its name and
///         reference; one that was stopped, or ended because a room that it watches did, is made
///         anew with the present references. Either way it is back within a second.
/// </remarks>
public sealed class HostActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// Rests before a room is made anew, so that one that cannot start does not spin.
    /// </summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    /// <summary>The rest of one that never lives for long, as with a damaged journal.</summary>
    private static readonly TimeSpan RestMax = TimeSpan.FromSeconds(10);

    /// <summary>Who lived for so long rests the least again.</summary>
    private static readonly TimeSpan LongLife = TimeSpan.FromSeconds(5);

    private readonly ImmutableArray<HostRoom> _rooms;
    private readonly SortedDictionary<string, (TimeSpan MadeAt, TimeSpan Pause)> _lives =
        new(StringComparer.Ordinal);

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record MakeRoom(HostRoom Room);

    public static Props Props(ImmutableArray<HostRoom> rooms) =>
        Akka.Actor.Props.Create(() => new HostActor(rooms));

    public HostActor(ImmutableArray<HostRoom> rooms)
    {
        _rooms = rooms;
        Receive<MakeRoom>(make => Make(make.Room));
        Receive<Terminated>(gone =>
        {
            var room = rooms.First(candidate => candidate.Name == gone.ActorRef.Path.Name);
            var rest = RestOf(room.Name);
            Context.GetLogger().Warning(
                "{0} ended and is started anew in {1} ms", room.Name, rest.TotalMilliseconds);
            Timers.StartSingleTimer(room.Name, new MakeRoom(room), rest);
        });
    }

    protected override void PreStart()
    {
        foreach (var room in _rooms) Context.Watch(Context.ActorOf(room.Make(Find), room.Name));
        foreach (var room in _rooms) Introduce(room, _ => true);
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(
        failure => failure is DeathPactException or ActorInitializationException
            ? Directive.Stop // And made anew: what it stood on has changed.
            : Directive.Restart);

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    /// <summary>Doubles from one short life to the next.</summary>
    private TimeSpan RestOf(string room)
    {
        var (madeAt, last) = _lives.GetValueOrDefault(room);
        var rest = Now - madeAt > LongLife || last == default
            ? Rest
            : TimeSpan.FromTicks(Math.Min(last.Ticks * 2, RestMax.Ticks));
        _lives[room] = (madeAt, rest);
        return rest;
    }

    private void Make(HostRoom room)
    {
        if (!Context.Child(room.Name).IsNobody()) return;
        _lives[room.Name] = (Now, _lives.GetValueOrDefault(room.Name).Pause);
        Context.Watch(Context.ActorOf(room.Make(Find), room.Name));
        foreach (var other in _rooms)
        {
            Introduce(other, target => other == room || target == room.Name);
        }
    }

    private static void Introduce(HostRoom room, Predicate<string> isWanted)
    {
        foreach (var (target, message) in room.Tells(Find))
        {
            if (isWanted(target)) Find(target).Tell(message);
        }
    }

    private static IActorRef Find(string name) => Context.Child(name);
}
