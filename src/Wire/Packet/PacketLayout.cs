namespace Fabric.Wire;

/// <summary>
/// Where a packet's headers are, in bytes from its start; -1 for a layer it has not.
/// </summary>
/// <remarks>
/// Filled by <see cref="FlowKeyExtractor"/>; stale once a header was pushed or popped.
/// </remarks>
public struct PacketLayout
{
    /// <summary>The EtherType that belongs to the network header (after all VLAN tags).</summary>
    public int EthernetTypeOffset;

    /// <summary>First MPLS label stack entry.</summary>
    public int MplsOffset;

    /// <summary>IPv4, IPv6, ARP or NSH header.</summary>
    public int NetworkOffset;

    /// <summary>TCP, UDP, SCTP, ICMP, ICMPv6 or IGMP header; not of later fragments.</summary>
    public int TransportOffset;

    /// <summary>End of the network layer's payload: what follows is link-layer padding.</summary>
    public int EndOffset;

    public static PacketLayout None => new()
    {
        EthernetTypeOffset = -1,
        MplsOffset = -1,
        NetworkOffset = -1,
        TransportOffset = -1,
        EndOffset = 0,
    };
}
