using Akka.Actor;
using Akka.Event;
using Fabric.Datapath;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>
/// The leaf that programs the datapaths: ports in, flows checked, ports' news out.
/// </summary>
/// <remarks>
/// Hears:  <see cref="OpenInterface"/>, <see cref="KeepInterfaces"/>, <see cref="SubscribePorts"/>,
///         <see cref="CheckFlows"/>, <see cref="DecisionsChanged"/>; a tick that looks whether
///         flows must be checked.
/// Says:   <see cref="InterfaceOpened"/>, <see cref="FlowsChecked"/>, <see cref="PortChanged"/>.
/// Holds:  its subscribers. Datapaths and who uses which port are in the <see cref="SwitchStore"/>:
///         packets go on while this actor is away, and it finds everything when it is back.
/// Fails:  when a datapath breaks its contract; started anew it goes on with what is there.
///         Subscribers watch it and subscribe again.
/// </remarks>
public sealed class DatapathActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// A change of tables is looked for at least this often, when nobody has told of it: learned
    /// flows and addresses.
    /// </summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    private const int RoundMilliseconds = 500;

    /// <summary>After a round that took this long, the next waits twice as long.</summary>
    private const int RestFactor = 2;
    private const int RestMillisecondsMin = 5;

    private sealed record Tick;

    private sealed record PacketThreadFailed(string DatapathType, Exception Cause);

    private readonly SwitchStore _store;
    private readonly HashSet<IActorRef> _subscribers = [];
    private readonly Dictionary<string, Action<DatapathPortEvent>> _listeners = [];
    private readonly Dictionary<string, long> _checked = [];
    private readonly Dictionary<string, string> _errors = [];
    private long _restUntil;
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context.System, "bridge");

    public static Props Props(SwitchStore store) =>
        Akka.Actor.Props.Create(() => new DatapathActor(store));

    public DatapathActor(SwitchStore store)
    {
        _store = store;
        Receive<OpenInterface>(open => Sender.Tell(Open(open)));
        Receive<KeepInterfaces>(Keep);
        Receive<SubscribePorts>(subscribe =>
        {
            _subscribers.Add(subscribe.Subscriber);
            Context.Watch(subscribe.Subscriber);
        });
        Receive<Terminated>(terminated => _subscribers.Remove(terminated.ActorRef));
        Receive<PortChanged>(changed =>
        {
            foreach (var subscriber in _subscribers) subscriber.Tell(changed);
        });
        Receive<CheckFlows>(check =>
        {
            foreach (var datapath in _store.Datapaths)
            {
                if (check.Purges) datapath.Revalidator.Purge();
                else datapath.Revalidator.Run();
            }

            Sender.Tell(new FlowsChecked(check.RequestId));
        });
        Receive<DecisionsChanged>(_ => CheckSoon());
        Receive<Tick>(_ => CheckDue());
        Receive<PacketThreadFailed>(failed => _log.Error(
            failed.Cause, "{0}: a packet thread lost a batch", failed.DatapathType));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        foreach (var datapath in _store.Datapaths) Listen(datapath);
        Timers.StartPeriodicTimer(nameof(Tick), new Tick(), CheckInterval, CheckInterval);
    }

    protected override void PostStop()
    {
        foreach (var datapath in _store.Datapaths)
        {
            if (_listeners.Remove(datapath.Type, out var listener))
            {
                datapath.Provider.Ports.Changed -= listener;
            }
        }
    }

    /// <summary>Now, unless the last round was just now: many changes make one round.</summary>
    private void CheckSoon()
    {
        if (Timers.IsTimerActive(nameof(DecisionsChanged))) return;
        var wait = _restUntil - _store.Time.Milliseconds();
        if (wait <= 0)
        {
            CheckDue();
            return;
        }

        Timers.StartSingleTimer(
            nameof(DecisionsChanged), new Tick(), TimeSpan.FromMilliseconds(wait));
    }

    /// <summary>
    /// Changed tables at the next tick; statistics and idle flows every half second.
    /// </summary>
    private void CheckDue()
    {
        foreach (var datapath in _store.Datapaths)
        {
            var now = _store.Time.Milliseconds();
            foreach (var bridge in datapath.Current.BridgesInOrder)
            {
                bridge.Pipeline.AcceptChanges();
            }

            var isStale = datapath.Generation() != datapath.Revalidator.ValidatedGeneration;
            if (!isStale && now - _checked.GetValueOrDefault(datapath.Type) < RoundMilliseconds)
            {
                continue;
            }

            _checked[datapath.Type] = now;
            datapath.Revalidator.Run();
            var end = _store.Time.Milliseconds();
            _restUntil = end + Math.Max(RestMillisecondsMin, (end - now) * RestFactor);
        }
    }

    private InterfaceOpened Open(OpenInterface open)
    {
        var spec = open.Spec;
        var plan = InterfacePlan.Of(spec, out var error);
        if (plan is null) return Refused(open, error);
        if (plan.Peer is not null)
        {
            Release(open.Bridge, spec.Name);
            return new InterfaceOpened(open.Revision, spec, null, null, plan.Peer, null);
        }

        if (!_store.TryOpen(open.DatapathType, out var datapath, out error))
        {
            return Refused(open, error);
        }

        Listen(datapath);
        var use = new DatapathPorts.Use(datapath.Type, plan.Port!.Name, plan.Tunnel);
        if (_store.Ports.TryGet(open.Bridge, spec.Name, out var before)
            && (before.DatapathType, before.PortName) != (use.DatapathType, use.PortName))
        {
            Release(open.Bridge, spec.Name);
        }

        if (_store.Ports.ConflictOf(open.Bridge, spec.Name, use) is not null)
        {
            Release(open.Bridge, spec.Name);
            var text = plan.Tunnel is null ? "Device or resource busy" : "File exists";
            return Refused(open, $"could not add network device {spec.Name} to ofproto ({text})");
        }

        if (!TryAddPort(datapath, plan.Port, out var port, out error)) return Refused(open, error);
        _errors.Remove(spec.Name);
        _store.Ports.Set(open.Bridge, spec.Name, use);
        return new InterfaceOpened(open.Revision, spec, port, plan.Tunnel, null, null);
    }

    private static bool TryAddPort(
        SwitchedDatapath datapath, DatapathPortSpec spec, out DatapathPort port, out string error)
    {
        foreach (var present in datapath.Provider.Ports.Dump())
        {
            if (present.Name != spec.Name) continue;
            (datapath.Provider as UserspaceDatapath)?.Reconfigure(spec);
            port = present;
            error = "";
            return true;
        }

        return datapath.Provider.Ports.TryAdd(spec, out port, out error);
    }

    private InterfaceOpened Refused(OpenInterface open, string error)
    {
        if (_errors.GetValueOrDefault(open.Spec.Name) != error) _log.Warning("{0}", error);
        _errors[open.Spec.Name] = error; // Tried again each second, told once.
        return new InterfaceOpened(open.Revision, open.Spec, null, null, null, error);
    }

    private void Keep(KeepInterfaces keep)
    {
        foreach (var (bridge, name) in _store.Ports.Users)
        {
            if (!keep.Wanted.Contains((bridge, name))) Release(bridge, name);
        }
    }

    private void Release(string bridge, string name)
    {
        if (!_store.Ports.Remove(bridge, name, out var use)) return;
        if (_store.Ports.IsUsed(use.DatapathType, use.PortName)) return;
        if (_store.FindDatapath(use.DatapathType) is not { } datapath) return;
        foreach (var port in datapath.Provider.Ports.Dump())
        {
            if (port.Name == use.PortName) datapath.Provider.Ports.Remove(port.Number);
        }
    }

    private void Listen(SwitchedDatapath datapath)
    {
        if (_listeners.ContainsKey(datapath.Type)) return;
        var (self, type) = (Self, datapath.Type);
        Action<DatapathPortEvent> listener =
            change => self.Tell(new PortChanged(type, change), ActorRefs.NoSender);
        _listeners[type] = listener;
        datapath.Provider.Ports.Changed += listener;
        if (datapath.Provider is UserspaceDatapath managed)
        {
            managed.Faulted = cause =>
                self.Tell(new PacketThreadFailed(type, cause), ActorRefs.NoSender);
        }
    }
}
