using Fabric.Pipeline;
using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>Names are those that rstp/show and rstp_port_role use.</summary>
public enum RapidRole : byte { Disabled, Root, Designated, Alternate, Backup }

/// <summary>Whose information a port holds, IEEE 802.1D-2004 section 17.19.10.</summary>
internal enum RapidInfo : byte { Disabled, Aged, Mine, Received }

/// <summary>States of port protocol migration, section 17.24.</summary>
internal enum RapidMigration : byte { CheckingRstp, SelectingStp, Sensing }

/// <summary>States of the topology change machine, section 17.31.</summary>
internal enum RapidTopology : byte { Inactive, Learning, Active }

/// <summary>A priority vector, section 17.5; what is less is better.</summary>
public readonly record struct RapidVector(ulong Root, uint Cost, ulong Bridge, ushort Port)
    : IComparable<RapidVector>
{
    private const ulong AddressMask = 0xFFFF_FFFF_FFFF;
    private const int NumberMask = 0xFFF;

    public int CompareTo(RapidVector other) =>
        (Root, Cost, Bridge, Port).CompareTo((other.Root, other.Cost, other.Bridge, other.Port));

    public bool IsBetterThan(RapidVector other) => CompareTo(other) < 0;

    /// <summary>17.6: better, or what the same designated port says now.</summary>
    public bool Supersedes(RapidVector held) => IsBetterThan(held)
        || ((Bridge & AddressMask) == (held.Bridge & AddressMask)
            && (Port & NumberMask) == (held.Port & NumberMask));
}

/// <summary>Times that travel with a vector, in seconds (section 17.5).</summary>
public readonly record struct RapidTimes(
    int MessageAge, int MaxAge, int HelloTime, int ForwardDelay);

/// <summary>One port of a rapid tree: the variables of IEEE 802.1D-2004 section 17.19.</summary>
/// <remarks>Timers (section 17.17) are in seconds, counted down to 0.</remarks>
public sealed class RapidPort(string name) : SpanningTreePort(name)
{
    public RapidRole Role { get; internal set; }
    public bool IsLearning { get; internal set; }
    public bool IsForwarding { get; internal set; }

    /// <summary>What its segment's designated bridge said, or this one says.</summary>
    public RapidVector Held { get; internal set; }

    /// <summary>Seconds since it became part of the tree.</summary>
    public long Uptime { get; internal set; }

    /// <summary>Discarding is what STP calls listening: nothing in, nothing out.</summary>
    public TreePortState State => IsForwarding ? TreePortState.Forwarding
        : IsLearning ? TreePortState.Learning : TreePortState.Listening;

    internal bool IsAdminEdge, IsAutoEdge, WantsCheck;
    internal bool OperEdge, SendRstp, ReceivedRstp, ReceivedStp;
    internal bool HasMessage, NewInfo, UpdatesInfo, Reselect, Selected;
    internal bool Agree, Agreed, Proposed, Proposing;
    internal bool Sync, Synced, ReRoot, Learn, Forward;
    internal bool HeardChange, HeardChangeNotice, HeardChangeAcknowledgement;
    internal bool AcknowledgesChange, PropagatesChange, Flush;

    internal SpanningTreeBpdu Message;
    internal RapidTimes HeldTimes, DesignatedTimes;
    internal RapidVector Designated;
    internal RapidInfo Info;
    internal RapidRole SelectedRole;
    internal RapidMigration Migration;
    internal RapidTopology Topology;

    internal int EdgeDelayWhile, ForwardDelayWhile, HelloWhen, MigrationDelayWhile;
    internal int RecentBackupWhile, ReceivedInfoWhile, RecentRootWhile, ChangeWhile, SendCount;

    /// <summary>17.19.43: another second has passed.</summary>
    internal void Tick()
    {
        Uptime++;
        CountDown(ref EdgeDelayWhile);
        CountDown(ref ForwardDelayWhile);
        CountDown(ref HelloWhen);
        CountDown(ref MigrationDelayWhile);
        CountDown(ref RecentBackupWhile);
        CountDown(ref ReceivedInfoWhile);
        CountDown(ref RecentRootWhile);
        CountDown(ref ChangeWhile);
        CountDown(ref SendCount);
    }

    private static void CountDown(ref int timer)
    {
        if (timer > 0) timer--;
    }
}
