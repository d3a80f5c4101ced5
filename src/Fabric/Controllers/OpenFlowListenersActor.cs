using Akka.Actor;

namespace Fabric.Controllers;

/// <summary>OpenFlow for all bridges: one <see cref="ControllersActor"/> for each.</summary>
/// <remarks>
/// Hears:  <see cref="ServeOpenFlow"/>, <see cref="StopOpenFlow"/> from the bridges;
///         <see cref="TlsSettings"/> when the SSL row changes; Terminated of a bridge's actor;
///         <see cref="ReconnectControllers"/> from operators.
/// Says:   the same on to the child of that bridge.
/// Holds:  which switch actor each bridge has; nothing that the bridges do not tell again.
/// Fails:  a child that fails is made anew with the newest settings, and listens again; when a
///         bridge's actor ends, its child is stopped until the bridge asks again.
/// </remarks>
public sealed class OpenFlowListenersActor : ReceiveActor
{
    private readonly string _runDirectory;
    private readonly TimeProvider _time;
    private readonly SortedDictionary<string, ServeOpenFlow> _served = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IActorRef> _children = [];
    private TlsSettings? _tls;

    /// <param name="runDirectory">OVS_RUNDIR: where .mgmt and .snoop sockets are.</param>
    public static Props Props(string runDirectory, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new OpenFlowListenersActor(runDirectory, time));

    public OpenFlowListenersActor(string runDirectory, TimeProvider time)
    {
        (_runDirectory, _time) = (runDirectory, time);
        Receive<ServeOpenFlow>(OnServe);
        Receive<StopOpenFlow>(stop => Remove(stop.Bridge));
        Receive<TlsSettings>(settings =>
        {
            _tls = settings;
            foreach (var child in _children.Values) child.Tell(settings);
        });
        Receive<ReconnectControllers>(reconnect =>
        {
            foreach (var (bridge, child) in _children)
            {
                if (reconnect.Bridge is null || reconnect.Bridge == bridge) child.Tell(reconnect);
            }
        });
        Receive<Terminated>(gone => OnTerminated(gone.ActorRef));
    }

    /// <remarks>A child that failed is made anew with the newest settings, not restarted.</remarks>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(_ => Directive.Stop);

    private void OnServe(ServeOpenFlow serve)
    {
        if (_served.TryGetValue(serve.Bridge, out var old) && !Equals(old.Switch, serve.Switch))
            Remove(serve.Bridge);
        _served[serve.Bridge] = serve;
        if (_children.TryGetValue(serve.Bridge, out var child))
        {
            child.Tell(serve);
            return;
        }

        Context.Watch(serve.Switch);
        Spawn(serve);
    }

    private void Spawn(ServeOpenFlow serve)
    {
        var child = Context.ActorOf(ControllersActor.Props(serve, _runDirectory, _tls, _time));
        Context.Watch(child);
        _children[serve.Bridge] = child;
    }

    private void Remove(string bridge)
    {
        if (_served.Remove(bridge, out var serve)) Context.Unwatch(serve.Switch);
        if (!_children.Remove(bridge, out var child)) return;
        Context.Unwatch(child);
        Context.Stop(child);
    }

    private void OnTerminated(IActorRef actor)
    {
        foreach (var (bridge, serve) in _served.ToArray())
        {
            if (Equals(serve.Switch, actor)) Remove(bridge);
        }

        foreach (var (bridge, child) in _children.ToArray())
        {
            if (!Equals(child, actor)) continue;
            _children.Remove(bridge);
            if (_served.TryGetValue(bridge, out var serve)) Spawn(serve);
        }
    }
}
