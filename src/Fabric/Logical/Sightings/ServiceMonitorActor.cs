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
internal sealed class ServiceMonitorActor : SpeakerActor
{
    private const ushort SourcePortMin = 49152;

    private readonly SortedDictionary<ServiceKey, ServiceProbe> _probes = [];
    private readonly SortedDictionary<ServiceKey, bool> _told = [];
    private ushort _lastPort;

    public ServiceMonitorActor()
    {
        Receive<ServiceChecksWanted>(wanted =>
        {
            SpeakThrough(wanted.Bridge);
            Adopt(wanted.Checks);
            Speak();
        });
        Receive<ServiceHeard>(OnAnswer);
        ReceiveTime();
    }

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
            _probes[key] = new ServiceProbe(check, port, port * 7919u, Now);
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

        Speak();
    }

    protected override void Speak()
    {
        var now = Now;
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
        SpeakAgainAt(_probes.Values.Min(probe => probe.Deadline));
    }

    private void Send(ServiceCheck check, byte[] packet) => Send(
        ControllerActions.Out(
            new MatchBuilder().Set(MatchField.Metadata, check.Datapath).Build(), packet,
            new OfLoad(LogicalFields.Outport, check.Port),
            new OfLoad(LogicalFields.FromController, 1),
            new OfResubmit(PhysicalTables.LocalOutput)));
}
