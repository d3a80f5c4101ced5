using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <content>
/// Whom a port speaks with: nobody (17.25), an STP bridge (17.24); topology changes (17.31) and
/// what is sent (17.26).
/// </content>
public sealed partial class RapidBridge
{
    private const int RoleShift = 2;

    /// <summary>17.23, DISCARD: what comes in while the link is down does not count.</summary>
    private static bool Discard(RapidPort port)
    {
        if (port.IsEnabled) return false;
        if (!port.HasMessage && port.EdgeDelayWhile == MigrateTime) return false;
        port.HasMessage = port.ReceivedRstp = port.ReceivedStp = false;
        port.EdgeDelayWhile = MigrateTime;
        return true;
    }

    /// <summary>17.24, CHECKING_RSTP.</summary>
    private void Check(RapidPort port)
    {
        port.Migration = RapidMigration.CheckingRstp;
        port.SendRstp = IsRapid;
        port.MigrationDelayWhile = MigrateTime;
    }

    private bool Migrate(RapidPort port)
    {
        switch (port.Migration)
        {
            case RapidMigration.CheckingRstp when !port.IsEnabled:
                port.MigrationDelayWhile = MigrateTime;
                return false;
            case RapidMigration.CheckingRstp or RapidMigration.SelectingStp:
                if (port.MigrationDelayWhile != 0 && port.IsEnabled) return false;
                port.Migration = RapidMigration.Sensing;
                port.ReceivedRstp = port.ReceivedStp = false;
                return true;
            case RapidMigration.Sensing
                when !port.IsEnabled || (IsRapid && !port.SendRstp && port.ReceivedRstp):
                Check(port);
                return true;
            case RapidMigration.Sensing when port is { SendRstp: true, ReceivedStp: true }:
                port.Migration = RapidMigration.SelectingStp;
                port.SendRstp = false;
                port.MigrationDelayWhile = MigrateTime;
                return true;
            default:
                return false;
        }
    }

    /// <summary>17.25: who does not answer proposals is no bridge.</summary>
    private static bool DetectBridge(RapidPort port)
    {
        if (port.OperEdge)
        {
            if (port.IsEnabled || port.IsAdminEdge) return false;
            port.OperEdge = false;
            return true;
        }

        var isEdge = port.IsEnabled
            ? port is { EdgeDelayWhile: 0, IsAutoEdge: true, SendRstp: true, Proposing: true }
            : port.IsAdminEdge;
        port.OperEdge = isEdge;
        return isEdge;
    }

    private void BecomeInactive(RapidPort port)
    {
        port.Topology = RapidTopology.Inactive;
        port.ChangeWhile = 0;
        port.AcknowledgesChange = false;
        _flushed.Add(port.Name);
    }

    private bool TellChange(RapidPort port)
    {
        var carries = port.Role is RapidRole.Root or RapidRole.Designated;
        switch (port.Topology)
        {
            case RapidTopology.Inactive when port.Learn:
                port.Topology = RapidTopology.Learning;
                return true;
            case RapidTopology.Learning when carries && port.Forward && !port.OperEdge:
                StartChange(port);
                Propagate(port);
                port.NewInfo = true;
                port.Topology = RapidTopology.Active;
                return true;
            case RapidTopology.Learning when !carries && !port.Learn && !port.IsLearning:
                BecomeInactive(port);
                return true;
            case RapidTopology.Active when !carries || port.OperEdge:
                port.Topology = RapidTopology.Learning;
                return true;
            case RapidTopology.Active:
                return HearChange(port);
            default:
                port.HeardChange = port.HeardChangeNotice = false;
                port.HeardChangeAcknowledgement = port.PropagatesChange = false;
                return false;
        }
    }

    private bool HearChange(RapidPort port)
    {
        if (port.HeardChangeNotice || port.HeardChange)
        {
            if (port.HeardChangeNotice) StartChange(port);
            port.HeardChangeNotice = port.HeardChange = false;
            port.AcknowledgesChange |= port.Role == RapidRole.Designated;
            Propagate(port);
            return true;
        }

        if (port.PropagatesChange)
        {
            StartChange(port);
            _flushed.Add(port.Name);
            port.PropagatesChange = false;
            return true;
        }

        if (!port.HeardChangeAcknowledgement) return false;
        port.ChangeWhile = 0;
        port.HeardChangeAcknowledgement = false;
        return true;
    }

    /// <summary>17.21.7.</summary>
    private static void StartChange(RapidPort port)
    {
        if (port.ChangeWhile != 0) return;
        port.ChangeWhile = port.SendRstp
            ? port.DesignatedTimes.HelloTime + 1
            : port.DesignatedTimes.MaxAge + port.DesignatedTimes.ForwardDelay;
        port.NewInfo |= port.SendRstp;
    }

    private void Propagate(RapidPort from)
    {
        foreach (var port in _ports.Values) port.PropagatesChange |= port != from;
    }

    private bool Transmit(RapidPort port)
    {
        if (!port.Selected || port.UpdatesInfo) return false;
        if (port.HelloWhen == 0)
        {
            port.NewInfo |= port.Role == RapidRole.Designated
                || (port.Role == RapidRole.Root && port.ChangeWhile != 0);
            port.HelloWhen = port.DesignatedTimes.HelloTime;
        }

        if (!port.NewInfo || port.SendCount >= _settings.HoldCount || !port.IsEnabled) return false;
        var isSaid = port.SendRstp || port.Role is RapidRole.Root or RapidRole.Designated;
        if (!isSaid) return false;
        port.NewInfo = false;
        port.SendCount++;
        port.SentCount++;
        _output.Add((port, Compose(port)));
        port.HelloWhen = port.DesignatedTimes.HelloTime;
        if (port.SendRstp || port.Role == RapidRole.Designated) port.AcknowledgesChange = false;
        return true;
    }

    private static SpanningTreeBpdu Compose(RapidPort port)
    {
        if (port is { SendRstp: false, Role: RapidRole.Root })
        {
            return new SpanningTreeBpdu { Type = BpduType.TopologyChange };
        }

        var flags = port.ChangeWhile != 0 ? BpduFlags.TopologyChange : BpduFlags.None;
        if (port.SendRstp) flags |= RapidFlags(port);
        else if (port.AcknowledgesChange) flags |= BpduFlags.TopologyChangeAcknowledgement;
        var times = port.DesignatedTimes;
        return new SpanningTreeBpdu
        {
            Type = port.SendRstp ? BpduType.Rapid : BpduType.Configuration,
            Flags = flags,
            RootId = port.Designated.Root,
            RootPathCost = port.Designated.Cost,
            BridgeId = port.Designated.Bridge,
            PortId = port.Id,
            MessageAge = UnitsOf(times.MessageAge),
            MaxAge = UnitsOf(times.MaxAge),
            HelloTime = UnitsOf(times.HelloTime),
            ForwardDelay = UnitsOf(times.ForwardDelay),
        };
    }

    private static BpduFlags RapidFlags(RapidPort port)
    {
        var role = port.Role switch
        {
            RapidRole.Root => 2,
            RapidRole.Designated => 3,
            RapidRole.Alternate or RapidRole.Backup => 1,
            _ => 0,
        };
        return (BpduFlags)(role << RoleShift)
            | (port.Agree ? BpduFlags.Agreement : 0)
            | (port is { Proposing: true, Role: RapidRole.Designated } ? BpduFlags.Proposal : 0)
            | (port.IsLearning ? BpduFlags.Learning : 0)
            | (port.IsForwarding ? BpduFlags.Forwarding : 0);
    }

    private static ushort UnitsOf(int seconds) =>
        (ushort)Math.Clamp(seconds * UnitsPerSecond, 0, ushort.MaxValue);
}
