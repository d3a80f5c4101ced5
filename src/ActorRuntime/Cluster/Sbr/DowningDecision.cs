namespace Akka.Cluster.SBR;

/// <summary>What a side of a split decides to do.</summary>
internal enum DowningDecision
{
    DownUnreachable,
    DownReachable,
    DownAll,
    DownIndirectlyConnected,
    AcquireLeaseAndDownUnreachable,
    AcquireLeaseAndDownIndirectlyConnected,
    ReverseDownIndirectlyConnected,
    DownSelfQuarantinedByRemote,
}
