using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>Protocols between switches that the tables never see.</summary>
[Flags]
public enum SessionKinds : byte
{
    None = 0,
    Bfd = 1,
    Cfm = 2,
    Lacp = 4,
    /// <summary>Answers of next hops that this host asked.</summary>
    NextHop = 8,
    /// <summary>Spanning tree, STP or RSTP.</summary>
    Tree = 16,
}

/// <summary>A port whose packets of some protocols belong to sessions of this host.</summary>
/// <param name="Id">Tells ports apart; carried by the datapath unread.</param>
/// <param name="Kinds">Protocols that are spoken there.</param>
public sealed record SessionPort(uint Id, string Interface, SessionKinds Kinds)
{
    /// <summary>Where messages of CFM's extended mode go.</summary>
    public const ulong ExtendedCfmDestination = 0x0123_2000_0030;

    private const ushort CfmEtherType = 0x8902;
    private const ushort SlowProtocolsEtherType = 0x8809;
    private const ushort BfdUdpPort = 3784;

    /// <summary>bfd:check_tnl_key: packets of tunnels count with key 0 only.</summary>
    public bool ChecksBfdKey { get; init; }

    /// <summary>other_config:cfm_check_tnl_key, likewise.</summary>
    public bool ChecksCfmKey { get; init; }

    /// <summary>Where answers of next hops are sent to.</summary>
    public MacBytes NextHopDestination { get; init; }

    /// <summary>bfd:bfd_remote_dst_mac: packets to other addresses are not for BFD.</summary>
    public MacBytes? BfdDestination { get; init; }

    /// <summary>The protocol that takes the packet; notes the bits that were looked at.</summary>
    internal SessionKinds KindOf(in FlowKey flow, ref FlowKey wild)
    {
        if ((Kinds & SessionKinds.Bfd) != 0 && IsBfd(in flow, ref wild)) return SessionKinds.Bfd;
        if ((Kinds & SessionKinds.NextHop) != 0 && flow.EthernetType == EtherType.Arp)
        {
            wild.EthernetDestination = MacBytes.Broadcast;
            if (flow.EthernetDestination == NextHopDestination) return SessionKinds.NextHop;
        }

        const ulong reserved = 0x0180_C200_0000;
        if (flow.EthernetType is not (CfmEtherType or SlowProtocolsEtherType))
        {
            return SessionKinds.None;
        }

        wild.EthernetDestination = MacBytes.Broadcast;
        var destination = flow.EthernetDestination.ToUInt64();
        if (flow.EthernetType == CfmEtherType)
        {
            // The second address is that of Open vSwitch's extended mode.
            var isCfm = (destination & ~7UL) == (reserved | 0x30)
                || destination == ExtendedCfmDestination;
            return (Kinds & SessionKinds.Cfm) != 0 && isCfm && (!ChecksCfmKey || flow.TunnelId == 0)
                ? SessionKinds.Cfm : SessionKinds.None;
        }

        return (Kinds & SessionKinds.Lacp) != 0 && destination == (reserved | 2)
            ? SessionKinds.Lacp : SessionKinds.None;
    }

    private bool IsBfd(in FlowKey flow, ref FlowKey wild)
    {
        if (BfdDestination is { } destination)
        {
            wild.EthernetDestination = MacBytes.Broadcast;
            if (flow.EthernetDestination != destination) return false;
        }

        if (!flow.IsIpv4) return false;
        wild.NetworkProtocol = 0xFF;
        const byte later = 2;
        if (flow.NetworkProtocol != IpProtocol.Udp || (flow.NetworkFragment & later) != 0)
        {
            return false;
        }

        wild.PortDestinationWire = ushort.MaxValue;
        if (flow.PortDestination != BfdUdpPort) return false;
        return !ChecksBfdKey || flow.TunnelId == 0; // Keys of tunnels are always looked at.
    }
}

/// <summary>A packet that belongs to a session.</summary>
/// <param name="Port">
/// The <see cref="SessionPort"/>'s id; of <see cref="SessionKinds.Tree"/> the
/// <see cref="TreePort"/>'s.
/// </param>
public sealed record SessionPacket(
    uint Port, SessionKinds Kind, ReadOnlyMemory<byte> Frame);
