using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.Observability;

/// <summary>A port's counters as a collector is told them.</summary>
internal readonly record struct PortCounters(
    int InterfaceIndex, long Speed, bool IsLinkUp, PortStatistics Counted);

/// <summary>sFlow, IPFIX and NetFlow of all bridges: exporters as their rows want them.</summary>
/// <remarks>
/// Hears:  its own timer, each second.
/// Says:   nothing; datagrams go to the collectors.
/// Holds:  an exporter for each bridge that has sFlow or NetFlow, and for each row of IPFIX.
/// Fails:  never by what a collector does; one that starts again makes its exporters anew.
/// </remarks>
public sealed class SamplingActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly SwitchStore _store;
    private readonly ConcurrentDictionary<string, SflowExporter> _exporters = new();
    private readonly ConcurrentDictionary<(string Bridge, uint? Set), IpfixExporter> _flows =
        new();

    private readonly Dictionary<string, NetflowExporter> _netflows = [];
    private long _lost;

    private sealed record Tick
    {
        public static Tick Instance { get; } = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(SwitchStore store) =>
        Akka.Actor.Props.Create(() => new SamplingActor(store));

    public SamplingActor(SwitchStore store)
    {
        _store = store;
        Receive<Tick>(_ => Run());
    }

    protected override void PreStart() =>
        Timers.StartPeriodicTimer("tick", Tick.Instance, Period, Period);

    protected override void PostStop()
    {
        foreach (var datapath in _store.Datapaths)
        {
            datapath.PacketSampled = null;
            datapath.PacketExported = null;
        }

        foreach (var exporter in _exporters.Values) exporter.Dispose();
        foreach (var exporter in _flows.Values) exporter.Dispose();
        foreach (var exporter in _netflows.Values) exporter.Dispose();
        _netflows.Clear();
        _exporters.Clear();
        _flows.Clear();
    }

    private void Run()
    {
        var wanted = _store.Wanted?.Bridges;
        foreach (var (name, exporter) in _exporters)
        {
            if (wanted?.GetValueOrDefault(name)?.Sflow == exporter.Spec) continue;
            if (_exporters.TryRemove(name, out _)) exporter.Dispose();
        }

        foreach (var bridge in wanted?.Values ?? [])
        {
            if (bridge.Sflow is not { } spec || _exporters.ContainsKey(bridge.Name)) continue;
            _exporters[bridge.Name] = new SflowExporter(spec, _store.Time);
            Context.GetLogger().Info("{0}: sFlow to {1}", bridge.Name,
                string.Join(' ', spec.Targets));
        }

        Reconcile(wanted?.Values ?? []);
        foreach (var exporter in _flows.Values) exporter.Send();
        ReconcileNetflow(wanted?.Values ?? []);
        TellLost();
        foreach (var datapath in _store.Datapaths)
        {
            datapath.PacketSampled = Take;
            datapath.PacketExported = Take;
            foreach (var bridge in datapath.Current.BridgesInOrder)
            {
                if (_exporters.TryGetValue(bridge.Name, out var exporter))
                {
                    exporter.Send(CountersOf(datapath, bridge));
                }
            }
        }
    }

    /// <summary>What queues could not hold is said, once for each time.</summary>
    private void TellLost()
    {
        var lost = _exporters.Values.Sum(each => (long)each.Lost)
            + _flows.Values.Sum(each => (long)each.Lost);
        if (lost > _lost)
        {
            Context.GetLogger().Warning(
                "{0} samples were lost: collectors are sent more than they can be", lost - _lost);
        }

        _lost = lost;
    }

    private void Reconcile(IEnumerable<BridgeSpec> bridges)
    {
        var wanted = new Dictionary<(string, uint?), IpfixSpec>();
        foreach (var bridge in bridges)
        {
            if (bridge.Ipfix is { } own) wanted[(bridge.Name, null)] = own;
            foreach (var (set, spec) in bridge.CollectorSets) wanted[(bridge.Name, set)] = spec;
        }

        foreach (var (place, exporter) in _flows)
        {
            if (wanted.GetValueOrDefault(place) == exporter.Spec) continue;
            if (_flows.TryRemove(place, out _)) exporter.Dispose();
        }

        foreach (var (place, spec) in wanted)
        {
            if (!_flows.ContainsKey(place)) _flows[place] = new IpfixExporter(spec, _store.Time);
        }
    }

    private void ReconcileNetflow(IEnumerable<BridgeSpec> bridges)
    {
        var specs = bridges.Where(bridge => bridge.Netflow is not null)
            .ToDictionary(bridge => bridge.Name, bridge => bridge.Netflow!);
        foreach (var (name, exporter) in _netflows)
        {
            if (specs.ContainsKey(name)) continue;
            exporter.Dispose();
            _netflows.Remove(name);
        }

        foreach (var (name, spec) in specs)
        {
            if (!_netflows.TryGetValue(name, out var exporter))
            {
                _netflows[name] = exporter = new NetflowExporter(spec, _store.Time);
            }

            exporter.Adopt(spec);
            if (_store.FindBridge(name) is { } bridge) exporter.Send(bridge.Netflow);
        }
    }

    private void Take(ExportedPacket packet)
    {
        if (_flows.TryGetValue((packet.Bridge, packet.CollectorSet), out var exporter))
        {
            exporter.Take(packet);
        }
    }

    private void Take(SampledPacket packet)
    {
        if (_exporters.TryGetValue(packet.Bridge, out var exporter)) exporter.Take(packet);
    }

    private static IEnumerable<PortCounters> CountersOf(
        SwitchedDatapath datapath, BridgeSnapshot bridge)
    {
        foreach (var port in bridge.PortsInOrder)
        {
            if (port.InterfaceIndex == 0 || port.DatapathPort is not { } number) continue;
            if (datapath.Provider.Ports.Statistics(number) is not { } counted) continue;
            yield return new PortCounters(
                port.InterfaceIndex, port.LinkSpeed, port.IsLinkUp, counted);
        }
    }
}
