using Akka.Actor;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <content>Flow monitors: what a connection wants to hear of changed flows.</content>
public sealed partial class ConnectionActor
{
    /// <summary>More than this waits for the peer: monitors pause until it has read.</summary>
    private const long PauseSize = FramePump.OutboundLow;

    /// <summary>
    /// The second flag is "only own" to OpenFlow 1.4; Open vSwitch takes it for "own, too".
    /// </summary>
    private const FlowMonitorFlags OwnInFull =
        FlowMonitorFlags.NoAbbreviation | FlowMonitorFlags.OnlyOwn;

    private readonly SortedDictionary<uint, OfFlowMonitorSpec> _monitors = [];
    private bool _monitorsAreNicira;

    /// <summary>What paused monitors have missed; null: they are not paused.</summary>
    private MissedUpdates? _missed;

    private void OnMonitorRequest(OfFlowMonitorRequest request, uint xid,
        ReadOnlyMemory<byte> frame)
    {
        foreach (var spec in request.Monitors)
        {
            var error = ErrorOf(spec);
            if (error != OfErrorCode.None)
            {
                SendError(error, xid, frame);
                return;
            }
        }

        foreach (var spec in request.Monitors)
        {
            if (spec.Command == FlowMonitorCommand.Delete) _monitors.Remove(spec.MonitorId);
            else _monitors[spec.MonitorId] = spec;
        }

        _monitorsAreNicira = request.IsNicira;
        Context.Parent.Tell(new MonitorsChanged(_monitors.Count > 0));
        Ask(request, xid, frame);
    }

    private OfErrorCode ErrorOf(OfFlowMonitorSpec spec) => spec.Command switch
    {
        FlowMonitorCommand.Add when _monitors.ContainsKey(spec.MonitorId) =>
            OfErrorCode.MonitorExists,
        FlowMonitorCommand.Add when _monitors.Count >= Limits.MonitorCountMax =>
            OfErrorCode.MonitorUnknown,
        FlowMonitorCommand.Modify or FlowMonitorCommand.Delete when !_monitors.ContainsKey(
            spec.MonitorId) =>
            OfErrorCode.MonitorUnknownMonitor,
        _ => OfErrorCode.None,
    };

    private void ForgetMonitors(OfFlowMonitorRequest request)
    {
        foreach (var spec in request.Monitors) _monitors.Remove(spec.MonitorId);
        Context.Parent.Tell(new MonitorsChanged(_monitors.Count > 0));
    }

    private void OnMonitorCancel(OfFlowMonitorCancel cancel, uint xid, ReadOnlyMemory<byte> frame)
    {
        if (!_monitors.Remove(cancel.MonitorId))
            SendError(OfErrorCode.MonitorUnknownMonitor, xid, frame);
        else Context.Parent.Tell(new MonitorsChanged(_monitors.Count > 0));
    }

    private void OnFlowUpdates(FlowUpdatesRaised raised)
    {
        if (_monitors.Count == 0) return;
        var isOwn = Equals(raised.Origin, Self);
        var updates = new List<OfFlowUpdate>();
        foreach (var update in raised.Updates)
        {
            var spec = _monitors.Values.FirstOrDefault(each => Wants(each, update));
            if (spec is null) continue;
            if (isOwn && _missed is null && (spec.Flags & OwnInFull) == 0)
            {
                var isTold = updates.Exists(each => each.Event == FlowUpdateEvent.Abbreviated);
                if (!isTold)
                    updates.Add(update
                    with
                    { Event = FlowUpdateEvent.Abbreviated, Xid = raised.Xid });
                continue;
            }

            var tells = (spec.Flags & FlowMonitorFlags.Instructions) != 0;
            updates.Add(tells ? update : update with { Actions = ActionList.Empty });
        }

        if (updates.Count == 0) return;
        if (_missed is { } missed)
        {
            foreach (var update in updates) missed.Add(update);
            return;
        }

        Send(new OfFlowMonitorReply(updates.ToEquatableArray(), _monitorsAreNicira), 0);
        if (_pump.OutboundSize > PauseSize) PauseMonitors();
    }

    /// <summary>The peer reads too slowly: from now on only what comes of it all is kept.</summary>
    private void PauseMonitors()
    {
        _missed = new MissedUpdates();
        SendMonitorEvent(FlowUpdateEvent.Paused, new OfFlowMonitorPaused());
    }

    private void ResumeMonitors()
    {
        if (_missed is not { } missed || _isClosing) return;
        _missed = null;
        var updates = missed.ToEquatableArray();
        if (updates.Count > 0) Send(new OfFlowMonitorReply(updates, _monitorsAreNicira), 0);
        SendMonitorEvent(FlowUpdateEvent.Resumed, new OfFlowMonitorResumed());
    }

    /// <summary>From OpenFlow 1.4 on an event of the updates, before that a message.</summary>
    private void SendMonitorEvent(FlowUpdateEvent what, OfMessage before14)
    {
        if (_version < OfVersion.OpenFlow14)
        {
            Send(before14, 0);
            return;
        }

        var update = new OfFlowUpdate(
            what, 0, FlowRemovedReason.Delete, 0, 0, 0, 0, Match.Any, ActionList.Empty, 0);
        Send(new OfFlowMonitorReply([update], _monitorsAreNicira), 0);
    }

    private static bool Wants(OfFlowMonitorSpec spec, OfFlowUpdate update)
    {
        var flag = update.Event switch
        {
            FlowUpdateEvent.Added => FlowMonitorFlags.Add,
            FlowUpdateEvent.Removed => FlowMonitorFlags.Removed,
            FlowUpdateEvent.Modified => FlowMonitorFlags.Modify,
            _ => FlowMonitorFlags.None,
        };
        if ((spec.Flags & flag) == 0) return false;
        if (spec.TableId != FlowMod.AllTables && spec.TableId != update.TableId) return false;
        return update.Match.IsWithin(spec.Match);
    }
}
