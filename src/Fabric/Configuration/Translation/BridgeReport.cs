using Akka.Event;
using Fabric.Switching;

namespace Fabric.Configuration;

/// <summary>Tells the log, in ovs-vswitchd's words, what has become of bridges.</summary>
internal sealed class BridgeReport
{
    private readonly SortedDictionary<(string Bridge, string Interface), int> _ports = [];
    private readonly SortedDictionary<string, ulong> _datapathIds = new(StringComparer.Ordinal);

    public void Tell(ILoggingAdapter log, BridgesReconciled reconciled)
    {
        foreach (var (bridge, name) in _ports.Keys.ToArray())
        {
            var isThere = reconciled.Bridges.TryGetValue(bridge, out var status)
                && status.Interfaces.Any(each => each.Name == name && each.OpenFlowPort >= 0);
            if (isThere) continue;
            _ports.Remove((bridge, name), out var number);
            log.Info("bridge {0}: deleted interface {1} on port {2}", bridge, name, number);
        }

        foreach (var (bridge, status) in reconciled.Bridges)
        {
            foreach (var each in status.Interfaces.Where(each => each.OpenFlowPort >= 0))
            {
                if (!_ports.TryAdd((bridge, each.Name), each.OpenFlowPort)) continue;
                log.Info("bridge {0}: added interface {1} on port {2}",
                    bridge, each.Name, each.OpenFlowPort);
            }

            if (_datapathIds.TryGetValue(bridge, out var id) && id == status.DatapathId) continue;
            _datapathIds[bridge] = status.DatapathId;
            log.Info("bridge {0}: using datapath ID {1:x16}", bridge, status.DatapathId);
        }
    }
}
