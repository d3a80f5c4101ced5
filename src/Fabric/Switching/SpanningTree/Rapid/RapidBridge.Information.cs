using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <content>What a port knows of its segment (17.27) and which role follows (17.28).</content>
public sealed partial class RapidBridge
{
    private const int UnitsPerSecond = 256;

    private static void DisableInformation(RapidPort port)
    {
        port.HasMessage = port.Proposing = port.Proposed = port.Agree = port.Agreed = false;
        port.ReceivedInfoWhile = 0;
        port.Info = RapidInfo.Disabled;
        (port.Reselect, port.Selected) = (true, false);
    }

    /// <summary>One step of the port information machine.</summary>
    private bool Inform(RapidPort port)
    {
        if (!port.IsEnabled)
        {
            if (port.Info == RapidInfo.Disabled) return false;
            DisableInformation(port);
            return true;
        }

        if (port.Info == RapidInfo.Disabled
            || (port.Info == RapidInfo.Received && port.ReceivedInfoWhile == 0
                && !port.UpdatesInfo && !port.HasMessage))
        {
            port.Info = RapidInfo.Aged;
            (port.Reselect, port.Selected) = (true, false);
            return true;
        }

        if (port is { Selected: true, UpdatesInfo: true })
        {
            TakeOwnInfo(port);
            return true;
        }

        if (!port.HasMessage || port.UpdatesInfo) return false;
        if (port.Info == RapidInfo.Aged) return false;
        Receive(port);
        port.HasMessage = false;
        return true;
    }

    private static void TakeOwnInfo(RapidPort port)
    {
        port.Proposing = port.Proposed = false;
        port.Agreed = port.Agreed && IsBetterOrSame(port, RapidInfo.Mine, port.Designated);
        port.Synced = port.Synced && port.Agreed;
        port.Held = port.Designated;
        port.HeldTimes = port.DesignatedTimes;
        port.UpdatesInfo = false;
        port.Info = RapidInfo.Mine;
        port.NewInfo = true;
    }

    /// <summary>17.21.1.</summary>
    private static bool IsBetterOrSame(RapidPort port, RapidInfo info, RapidVector vector) =>
        port.Info == info && !port.Held.IsBetterThan(vector);

    private static void Receive(RapidPort port)
    {
        var bpdu = port.Message;
        if (bpdu.Type == BpduType.TopologyChange)
        {
            port.HeardChangeNotice = true;
            return;
        }

        var vector = new RapidVector(bpdu.RootId, bpdu.RootPathCost, bpdu.BridgeId, bpdu.PortId);
        var times = TimesOf(bpdu);
        var isDesignated = bpdu.Type == BpduType.Configuration
            || (bpdu.Flags & BpduFlags.RoleMask) == BpduFlags.RoleMask;
        if (!isDesignated)
        {
            var isKnown = (bpdu.Flags & BpduFlags.RoleMask) != 0;
            if (isKnown && !vector.IsBetterThan(port.Held)) HearFromBelow(port, bpdu);
        }
        else if (vector == port.Held && times == port.HeldTimes)
        {
            if (port.Info != RapidInfo.Received) return;
            HearDesignated(port, bpdu);
        }
        else if (vector.Supersedes(port.Held))
        {
            port.Agreed = port.Proposing = false;
            port.Agree = port.Agree && IsBetterOrSame(port, RapidInfo.Received, vector);
            (port.Held, port.HeldTimes) = (vector, times);
            HearDesignated(port, bpdu);
            port.Info = RapidInfo.Received;
            (port.Reselect, port.Selected) = (true, false);
        }
        else if (bpdu.Type == BpduType.Rapid && (bpdu.Flags & BpduFlags.Learning) != 0)
        {
            (port.Agreed, port.Proposing) = (true, false); // 17.21.10: a dispute.
        }
    }

    private static RapidTimes TimesOf(in SpanningTreeBpdu bpdu) => new(
        bpdu.MessageAge / UnitsPerSecond, bpdu.MaxAge / UnitsPerSecond,
        Math.Max(bpdu.HelloTime / UnitsPerSecond, 1), bpdu.ForwardDelay / UnitsPerSecond);

    private static void HearDesignated(RapidPort port, in SpanningTreeBpdu bpdu)
    {
        if (bpdu.Type == BpduType.Rapid && (bpdu.Flags & BpduFlags.Proposal) != 0)
        {
            port.Proposed = true;
        }

        HearFlags(port, bpdu);
        port.ReceivedInfoWhile = port.HeldTimes.MessageAge + 1 <= port.HeldTimes.MaxAge
            ? 3 * port.HeldTimes.HelloTime : 0;
    }

    /// <summary>Its neighbour is no designated port: it may agree (17.21.9).</summary>
    private static void HearFromBelow(RapidPort port, in SpanningTreeBpdu bpdu)
    {
        port.Agreed = (bpdu.Flags & BpduFlags.Agreement) != 0;
        if (port.Agreed) port.Proposing = false;
        HearFlags(port, bpdu);
    }

    private static void HearFlags(RapidPort port, in SpanningTreeBpdu bpdu)
    {
        port.HeardChange |= (bpdu.Flags & BpduFlags.TopologyChange) != 0;
        port.HeardChangeAcknowledgement |=
            (bpdu.Flags & BpduFlags.TopologyChangeAcknowledgement) != 0;
    }

    /// <summary>17.28.</summary>
    private bool SelectRoles()
    {
        if (!_ports.Values.Any(port => port.Reselect)) return false;
        foreach (var port in _ports.Values) port.Reselect = false;
        UpdateRoles();
        foreach (var port in _ports.Values) port.Selected = true;
        return true;
    }

    /// <summary>17.21.25.</summary>
    private void UpdateRoles()
    {
        RootPort = null;
        _rootPriority = new RapidVector(Id, 0, Id, 0);
        var best = (Vector: _rootPriority, Port: (ushort)0);
        foreach (var port in _ports.Values)
        {
            if (port.Info != RapidInfo.Received || port.Held.Bridge == Id) continue;
            var vector = port.Held with { Cost = port.Held.Cost + port.PathCost };
            if ((vector, port.Id).CompareTo(best) >= 0) continue;
            best = (vector, port.Id);
            RootPort = port;
        }

        _rootPriority = best.Vector;
        _rootTimes = RootPort is { } root
            ? root.HeldTimes with { MessageAge = root.HeldTimes.MessageAge + 1 } : OwnTimes;
        foreach (var port in _ports.Values)
        {
            port.Designated = new RapidVector(_rootPriority.Root, _rootPriority.Cost, Id, port.Id);
            port.DesignatedTimes = _rootTimes with { HelloTime = OwnTimes.HelloTime };
            UpdateRole(port);
        }
    }

    private void UpdateRole(RapidPort port)
    {
        (port.SelectedRole, port.UpdatesInfo) = port.Info switch
        {
            RapidInfo.Disabled => (RapidRole.Disabled, false),
            RapidInfo.Aged => (RapidRole.Designated, true),
            RapidInfo.Mine => (RapidRole.Designated,
                port.Held != port.Designated || port.HeldTimes != port.DesignatedTimes),
            _ when port == RootPort => (RapidRole.Root, false),
            _ when port.Designated.IsBetterThan(port.Held) => (RapidRole.Designated, true),
            _ => (port.Held.Bridge == Id ? RapidRole.Backup : RapidRole.Alternate, false),
        };
    }
}
