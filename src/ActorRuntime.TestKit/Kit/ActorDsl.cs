#nullable disable
namespace Akka.Actor.Dsl;

/// <summary>Describes an actor by functions.</summary>
public interface IActorDsl
{
    Action<Exception, IActorContext> OnPostRestart { get; set; }
    Action<Exception, object, IActorContext> OnPreRestart { get; set; }
    Action<IActorContext> OnPostStop { get; set; }
    Action<IActorContext> OnPreStart { get; set; }
    SupervisorStrategy Strategy { get; set; }
    void Receive<T>(Action<T, IActorContext> handler);
    void Receive<T>(Predicate<T> shouldHandle, Action<T, IActorContext> handler);
    void ReceiveAny(Action<object, IActorContext> handler);
    void Become(Action<object, IActorContext> handler);
    void BecomeStacked(Action<object, IActorContext> handler);
    void UnbecomeStacked();
    IActorRef ActorOf(Action<IActorDsl> config, string name = null);
}

/// <summary>An actor that is described by functions.</summary>
/// <remarks>
/// Hears:  what its functions take.
/// Says:   what its functions say.
/// Holds:  its functions.
/// Fails:  when one of them throws.
/// </remarks>
public sealed class Act : ReceiveActor, IActorDsl
{
    public Act(Action<IActorDsl> config) => config(this);
    public Act(Action<IActorDsl, IActorContext> config) => config(this, Context);

    public Action<Exception, IActorContext> OnPostRestart { get; set; }
    public Action<Exception, object, IActorContext> OnPreRestart { get; set; }
    public Action<IActorContext> OnPostStop { get; set; }
    public Action<IActorContext> OnPreStart { get; set; }
    public SupervisorStrategy Strategy { get; set; }

    public void Receive<T>(Action<T, IActorContext> handler) =>
        base.Receive<T>(message => handler(message, Context));
    public void Receive<T>(Predicate<T> shouldHandle, Action<T, IActorContext> handler) =>
        base.Receive(shouldHandle, message => handler(message, Context));
    public void ReceiveAny(Action<object, IActorContext> handler) =>
        base.ReceiveAny(message => handler(message, Context));
    public void Become(Action<object, IActorContext> handler) =>
        Context.Become(message => handler(message, Context));
    public void BecomeStacked(Action<object, IActorContext> handler) =>
        Context.BecomeStacked(message => handler(message, Context));
    void IActorDsl.UnbecomeStacked() => UnbecomeStacked();
    public IActorRef ActorOf(Action<IActorDsl> config, string name = null) =>
        Context.ActorOf(Props.Create(() => new Act(config)), name);

    protected override void PreStart()
    {
        if (OnPreStart is null) base.PreStart();
        else OnPreStart(Context);
    }

    protected override void PostStop()
    {
        if (OnPostStop is null) base.PostStop();
        else OnPostStop(Context);
    }

    protected override void PreRestart(Exception reason, object message)
    {
        if (OnPreRestart is null) base.PreRestart(reason, message);
        else OnPreRestart(reason, message, Context);
    }

    protected override void PostRestart(Exception reason)
    {
        if (OnPostRestart is null) base.PostRestart(reason);
        else OnPostRestart(reason, Context);
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        Strategy ?? base.SupervisorStrategy();
}
