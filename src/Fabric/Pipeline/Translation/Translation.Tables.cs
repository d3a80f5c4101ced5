using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Looking a packet up, and what a miss means.</content>
internal sealed partial class Translation
{
    /// <summary>OpenFlow 1.1 and 1.2: a miss may go on in the next table.</summary>
    private Rule? Continue(uint inPort)
    {
        Rule? rule = null;
        while (rule is null && _table < TableLast
            && _view.SettingsOf(_table).Miss == TableMiss.Continue)
        {
            _table++;
            var portBefore = _flow.InPortWire;
            _flow.InPort = inPort;
            rule = Find(_table, out var isDropped);
            _flow.InPortWire = portBefore;
            if (isDropped) break;
            ReportTable(_table, rule, honorsMiss: true);
        }

        return rule;
    }

    /// <summary>A packet that no rule is for goes to the controllers.</summary>
    private bool AsksOnMiss => _view.SettingsOf(_table).Miss switch
    {
        TableMiss.Controller => true,
        TableMiss.Default => _bridge.SendsMisses,
        _ => false,
    };

    /// <summary>The rule for the packet as fragments are to be looked at.</summary>
    private Rule? Find(byte table, out bool isDropped)
    {
        ref var flow = ref _flow.Flow;
        isDropped = false;
        if (flow.NetworkFragment == 0 || _bridge.Pipeline.Fragments == FragmentHandling.Match)
        {
            return _view.Tables.Lookup(table, ref _flow, _wild.Words, _view.Version);
        }

        isDropped = _bridge.Pipeline.Fragments == FragmentHandling.Drop;
        if (isDropped) return null;
        var (source, destination) = (flow.PortSourceWire, flow.PortDestinationWire);
        (flow.PortSourceWire, flow.PortDestinationWire) = (0, 0);
        var rule = _view.Tables.Lookup(table, ref _flow, _wild.Words, _view.Version);
        (flow.PortSourceWire, flow.PortDestinationWire) = (source, destination);
        return rule;
    }
}
