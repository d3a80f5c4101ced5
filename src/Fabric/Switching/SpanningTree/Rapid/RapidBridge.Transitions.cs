namespace Fabric.Switching;

/// <content>From a role to a state: agreement, proposals, delays (17.29, 17.30).</content>
public sealed partial class RapidBridge
{
    private bool AreAllSynced => _ports.Values.All(port =>
        port.Selected && port.Role == port.SelectedRole
        && (port.Role == RapidRole.Root || port.Synced));

    /// <summary>17.20.6: rapid neighbours agree; their delay is a hello time.</summary>
    private static int DelayOf(RapidPort port) => port.SendRstp
        ? port.DesignatedTimes.HelloTime : port.DesignatedTimes.ForwardDelay;

    /// <summary>One step of the port role transitions machine.</summary>
    private bool Transit(RapidPort port)
    {
        if (!port.Selected || port.UpdatesInfo) return false;
        if (port.Role != port.SelectedRole) return ChangeRole(port);
        return port.Role switch
        {
            RapidRole.Root => TransitRoot(port),
            RapidRole.Designated => TransitDesignated(port),
            RapidRole.Disabled => Rest(port, port.DesignatedTimes.MaxAge),
            _ => TransitAlternate(port),
        };
    }

    private static bool ChangeRole(RapidPort port)
    {
        port.Role = port.SelectedRole;
        if (port.Role == RapidRole.Root)
        {
            port.RecentRootWhile = port.DesignatedTimes.ForwardDelay;
        }
        else if (port.Role != RapidRole.Designated)
        {
            port.Learn = port.Forward = false;
        }

        return true;
    }

    /// <summary>A port that neither learns nor forwards is in step with everything.</summary>
    private static bool Rest(RapidPort port, int delay)
    {
        if (port.IsLearning || port.IsForwarding) return false;
        if (port.ForwardDelayWhile == delay && port is
            { Sync: false, ReRoot: false, Synced: true, RecentRootWhile: 0 })
        {
            return false;
        }

        port.ForwardDelayWhile = delay;
        port.Synced = true;
        port.RecentRootWhile = 0;
        port.Sync = port.ReRoot = false;
        return true;
    }

    private bool TransitRoot(RapidPort port)
    {
        var acts = Propose(port);
        if (port is { Forward: false, ReRoot: false })
        {
            foreach (var each in _ports.Values) each.ReRoot = true;
            acts = true;
        }

        var mayGoOn = port.ForwardDelayWhile == 0 || (IsRapid && port.RecentBackupWhile == 0
            && _ports.Values.All(each => each == port || each.RecentRootWhile == 0));
        if (mayGoOn && !port.Forward)
        {
            port.ForwardDelayWhile = port.Learn ? 0 : DelayOf(port);
            port.Forward = port.Learn;
            port.Learn = acts = true;
        }

        if (port is { ReRoot: true, Forward: true })
        {
            port.ReRoot = false;
            acts = true;
        }

        if (port.RecentRootWhile != port.DesignatedTimes.ForwardDelay)
        {
            port.RecentRootWhile = port.DesignatedTimes.ForwardDelay;
        }

        return acts;
    }

    /// <summary>A proposal is agreed to when every other port is in step.</summary>
    private bool Propose(RapidPort port)
    {
        var acts = false;
        if (port is { Proposed: true, Agree: false })
        {
            foreach (var each in _ports.Values) each.Sync = true;
            port.Proposed = false;
            acts = true;
        }

        if ((port.Agree || !AreAllSynced) && port is not { Proposed: true, Agree: true })
        {
            return acts;
        }

        port.Proposed = port.Sync = false;
        port.Agree = port.NewInfo = true;
        return true;
    }

    private bool TransitDesignated(RapidPort port)
    {
        var acts = false;
        if (port is { Forward: false, Agreed: false, Proposing: false, OperEdge: false })
        {
            port.Proposing = port.NewInfo = acts = true;
            port.EdgeDelayWhile = MigrateTime;
        }

        if (port.Synced ? port.Sync : port is { IsLearning: false, IsForwarding: false }
            || port.Agreed || port.OperEdge)
        {
            port.RecentRootWhile = 0;
            (port.Synced, port.Sync) = (true, false);
            acts = true;
        }

        if (port is { RecentRootWhile: 0, ReRoot: true })
        {
            port.ReRoot = false;
            acts = true;
        }

        var mustStop = (port.Sync && !port.Synced) || (port.ReRoot && port.RecentRootWhile != 0);
        if (mustStop && !port.OperEdge && (port.Learn || port.Forward))
        {
            port.Learn = port.Forward = false;
            port.ForwardDelayWhile = DelayOf(port);
            return true;
        }

        return GoOn(port) || acts;
    }

    private static bool GoOn(RapidPort port)
    {
        if (port.Forward || port.Sync || (port.ReRoot && port.RecentRootWhile != 0)) return false;
        if (port.ForwardDelayWhile != 0 && !port.Agreed && !port.OperEdge) return false;
        if (port.Learn)
        {
            port.Forward = true;
            port.ForwardDelayWhile = 0;
            port.Agreed = port.SendRstp;
        }
        else
        {
            port.Learn = true;
            port.ForwardDelayWhile = DelayOf(port);
        }

        return true;
    }

    private bool TransitAlternate(RapidPort port)
    {
        if (port.IsLearning || port.IsForwarding) return false;
        var acts = Propose(port);
        if (port.Role == RapidRole.Backup)
        {
            port.RecentBackupWhile = 2 * port.DesignatedTimes.HelloTime;
        }

        return Rest(port, DelayOf(port)) || acts;
    }

    /// <summary>17.30.</summary>
    private static bool ChangeState(RapidPort port)
    {
        if (port.Learn == port.IsLearning && port.Forward == port.IsForwarding) return false;
        (port.IsLearning, port.IsForwarding) = (port.Learn, port.Forward);
        return true;
    }
}
