using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace Akka.Cluster;

internal sealed partial class ClusterDaemon
{
    private sealed record ExpectFirstAnswer(UniqueAddress Node)
        : INoSerializationVerificationNeeded;

    private readonly FailureDetectorRegistry<UniqueAddress> _detectors;
    private HeartbeatNodeRing _ring;
    private long _heartbeatSequence;

    /// <summary>Who is monitored: the receivers, and former ones that have been silent.</summary>
    private ImmutableSortedSet<UniqueAddress> _monitored = [];

    private void SendHeartbeats()
    {
        if (!IsMember) return;
        _heartbeatSequence++;
        foreach (var node in _monitored)
        {
            if (!_detectors.IsMonitoring(node))
            {
                // One that never answers must be noticed too.
                Context.System.Scheduler.ScheduleTellOnce(
                    _settings.Detector.ExpectedResponseAfter, Self, new ExpectFirstAnswer(node),
                    Self);
            }

            Send(node.Address, new Heartbeat(Self0.Address, _heartbeatSequence));
        }
    }

    private void ExpectAnswer(UniqueAddress node)
    {
        if (_monitored.Contains(node) && !_detectors.IsMonitoring(node)) _detectors.Heartbeat(node);
    }

    private void AnswerHeartbeat(Heartbeat heartbeat)
    {
        // Also answered to nodes that are not known here (any more): it is they who watch.
        Send(heartbeat.From, new HeartbeatRsp(Self0, heartbeat.Sequence));
    }

    private void TakeHeartbeatAnswer(HeartbeatRsp answer)
    {
        if (_monitored.Contains(answer.From)) _detectors.Heartbeat(answer.From);
    }

    private void UpdateRing(MembershipState old)
    {
        if (ReferenceEquals(old.Latest.Members, Latest.Members)
            && ReferenceEquals(old.Latest.Reachability, Latest.Reachability))
        {
            return;
        }

        var unreachable = Latest.Reachability.AllUnreachableOrTerminated;
        if (!_ring.IsOf(Latest.Table, unreachable))
        {
            _ring = new HeartbeatNodeRing(
                Self0, Latest.Table.Select(member => member.UniqueAddress), unreachable,
                _settings.MonitoredByNrOfMembers)
            {
                Table = Latest.Table,
            };
        }

        // A receiver that went out of the ring while it was silent stays watched: it is this
        // node that has to say when it is reachable again.
        var kept = _monitored.Where(node => Latest.HasMember(node)
            && !Latest.Reachability.IsReachable(Self0, node));
        var monitored = _ring.MyReceivers.Union(kept).Where(Latest.HasMember)
            .ToImmutableSortedSet().Remove(Self0);
        foreach (var node in _monitored.Except(monitored)) _detectors.Remove(node);
        _monitored = monitored;
    }

    /// <summary>
    /// Compares what the failure detectors say with what this node has told so far.
    /// </summary>
    private void Reap()
    {
        if (!IsMember || !Latest.IsMultiNode) return;
        var reachability = Latest.Reachability;
        foreach (var node in _monitored)
        {
            if (Latest.Find(node) is not { } member) continue;
            var status = reachability.Status(Self0, node);
            if (status == ReachabilityStatus.Terminated) continue;
            var isAvailable = _detectors.IsAvailable(node);
            if (!isAvailable && status == ReachabilityStatus.Reachable)
            {
                reachability = reachability.Unreachable(Self0, node);
                if (member.Status == MemberStatus.Exiting) Info("Exited [{0}]", node.Address);
                else _log.Warning(
                    "Cluster Node [{0}] - Marking node as UNREACHABLE [{1}]", Self0.Address,
                        member);
            }
            else if (isAvailable && status == ReachabilityStatus.Unreachable)
            {
                reachability = reachability.Reachable(Self0, node);
                Info("Marking node as REACHABLE [{0}]", member);
            }
        }

        if (!ReferenceEquals(reachability, Latest.Reachability))
        {
            Change(Latest with { Reachability = reachability });
            GossipToSomeone();
        }
    }
}
