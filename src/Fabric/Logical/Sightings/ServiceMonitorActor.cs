using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>To the service monitor: all probes of this host.</summary>
internal sealed record ServiceChecksWanted(
    IActorRef Bridge, ImmutableSortedDictionary<ServiceKey, ServiceCheck> Checks);

/// <summary>From the service monitor: a backend answers now, or no longer.</summary>
internal sealed record ServiceJudged(ServiceKey Service, bool IsOnline);

/// <summary>Probes backends of load balancers that are on this host.</summary>
/// <remarks>
/// Hears:  <see cref="ServiceChecksWanted"/> and <see cref="ServiceHeard"/> from the logical actor;
///         its timer; the bridge's confirmations.
/// Says:   <see cref="AskSwitch"/> with probes; <see cref="ServiceJudged"/> to its parent.
/// Holds:  what was answered last. Started anew it asks again; until then backends count as before.
/// Fails:  never by what it hears.
/// </remarks>
internal sealed class ServiceMonitorActor : ReceiveActor, IWithTimers
{
    private const ushort SourcePortMin = 49152;

    private readonly IScheduler _clock = Context.System.Scheduler;
    private readonly SortedDictionary<ServiceKey, ServiceProbe> _probes = [];
    private readonly SortedDictionary<ServiceKey, bool> _told = [];
    private IActorRef _bridge = ActorRefs.Nobody;
    private ushort _lastPort;
    private long _lastRequest;

    private sealed record ProbeDue
    {
        public static readonly ProbeDue Instance = new();
    }

    public ServiceMonitorActor()
    {
        Receive<ServiceChecksWanted>(wanted =>
        {
            _bridge = wanted.Bridge;
            Adopt(wanted.Checks);
            Go();
        });
        Receive<ServiceHeard>(OnAnswer);
        Receive<ProbeDue>(_ => Go());
        ReceiveAny(_ => { }); // Confirmations.
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props() => Akka.Actor.Props.Create(() => new ServiceMonitorActor());

    private void Adopt(ImmutableSortedDictionary<ServiceKey, ServiceCheck> checks)
    {
        foreach (var gone in _probes.Keys.Where(key => !checks.ContainsKey(key)).ToList())
        {
            _probes.Remove(gone);
            _told.Remove(gone);
        }

        foreach (var (key, check) in checks)
        {
            if (_probes.TryGetValue(key, out var probe))
            {
                probe.Configure(check);
                continue;
            }

            var port = (ushort)(SourcePortMin + (_lastPort++ % (ushort.MaxValue - SourcePortMin)));
            _probes[key] = new ServiceProbe(check, port, port * 7919u, _clock.MonotonicClock);
        }
    }

    private void OnAnswer(ServiceHeard heard)
    {
        foreach (var probe in _probes.Values)
        {
            var check = probe.Check;
            if (check.Datapath != heard.Datapath || check.Port != heard.Port) continue;
            if (probe.Hear(heard.Packet) is { } packet) Send(check, packet);
        }

        Go();
    }

    private void Go()
    {
        var now = _clock.MonotonicClock;
        foreach (var (key, probe) in _probes)
        {
            if (probe.Advance(now) is { } packet) Send(probe.Check, packet);
            if (probe.IsOnline is not { } isOnline
                || (_told.TryGetValue(key, out var told) && told == isOnline))
            {
                continue;
            }

            _told[key] = isOnline;
            Context.Parent.Tell(new ServiceJudged(key, isOnline));
        }

        if (_probes.Count == 0) return;
        var next = _probes.Values.Min(probe => probe.Deadline) - now;
        var wait = next > TimeSpan.FromMilliseconds(1) ? next : TimeSpan.FromMilliseconds(1);
        Timers.StartSingleTimer(nameof(ProbeDue), ProbeDue.Instance, wait);
    }

    private void Send(ServiceCheck check, byte[] packet) => _bridge.Tell(new AskSwitch(
        ++_lastRequest,
        ControllerActions.Out(
            new MatchBuilder().Set(MatchField.Metadata, check.Datapath).Build(), packet,
            new OfLoad(LogicalFields.Outport, check.Port),
            new OfLoad(LogicalFields.FromController, 1),
            new OfResubmit(PhysicalTables.LocalOutput))));
}
