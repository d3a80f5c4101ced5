using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>
/// What registers, flags and conntrack bits mean between tables of the integration bridge.
/// </summary>
/// <remarks>
/// Numbers follow OVN's main branch, so that "ovs-ofctl dump-flows br-int" reads familiar.
/// Registers
/// are local to a host: only datapath, input and output port cross the wire.
/// </remarks>
internal static class LogicalFields
{
    /// <summary>Datapath key: 24 bits of metadata.</summary>
    public static readonly Subfield DatapathKey = MatchField.Metadata;

    public static readonly Subfield Inport = Register(14);
    public static readonly Subfield Outport = Register(15);
    public static readonly Subfield Flags = Register(10);
    public static readonly Subfield DnatZone = new(MatchField.Find("reg11")!, 0, 16);
    public static readonly Subfield SnatZone = new(MatchField.Find("reg12")!, 0, 16);

    /// <summary>Conntrack zone of the logical port.</summary>
    public static readonly Subfield PortZone = new(MatchField.Find("reg13")!, 0, 16);

    // Flags.
    public static readonly Subfield AllowLoopback = Flag(0);
    public static readonly Subfield ForceSnatForDnat = Flag(2);
    public static readonly Subfield ForceSnatForLb = Flag(3);
    public static readonly Subfield LocalOnly = Flag(4);
    public static readonly Subfield LookupMac = Flag(6);
    public static readonly Subfield LookupHairpin = Flag(7);
    public static readonly Subfield SkipSnatForLb = Flag(9);
    public static readonly Subfield FromLocalport = Flag(10);
    public static readonly Subfield PortSecurityFailed = Flag(12);
    public static readonly Subfield LookupAffinity = Flag(14);
    public static readonly Subfield FromLocalnet = Flag(15);
    public static readonly Subfield FromTunnel = Flag(16);
    public static readonly Subfield FromController = Flag(19);

    // Switch: reg0 bits.
    public static readonly Subfield ConntrackDefrag = Bit(0, 0);
    public static readonly Subfield ConntrackCommit = Bit(0, 1);
    public static readonly Subfield ConntrackNat = Bit(0, 2);
    public static readonly Subfield DhcpAnswered = Bit(0, 3);
    public static readonly Subfield DnsAnswered = Bit(0, 4);
    public static readonly Subfield Hairpin = Bit(0, 6);
    public static readonly Subfield HintAllowNew = Bit(0, 7);
    public static readonly Subfield HintAllow = Bit(0, 8);
    public static readonly Subfield HintDrop = Bit(0, 9);
    public static readonly Subfield HintBlock = Bit(0, 10);
    public static readonly Subfield StationKnown = Bit(0, 11);
    public static readonly Subfield HairpinReply = Bit(0, 12);
    public static readonly Subfield HasLabel = Bit(0, 13);
    public static readonly Subfield PortSecurityDrop = Bit(0, 15);
    public static readonly Subfield IsStateless = Bit(0, 16);
    public static readonly Subfield PersistEstablished = Bit(0, 20);
    public static readonly Subfield AclVerdict = new(MatchField.Find("reg8")!, 16, 3);
    public static readonly Subfield AclAllow = Bit(8, 16);
    public static readonly Subfield AclDrop = Bit(8, 17);
    public static readonly Subfield AclReject = Bit(8, 18);
    public static readonly Subfield AclTier = new(MatchField.Find("reg8")!, 30, 2);
    public static readonly Subfield AclLabel = Register(3);

    // Switch and router: what a load balancer must remember across conntrack.
    public static readonly Subfield OriginalVip4 = Register(4);
    public static readonly Subfield OriginalVip6 = MatchField.Find("xxreg1")!;
    public static readonly Subfield OriginalVipPort = new(MatchField.Find("reg2")!, 0, 16);

    // Router.
    public static readonly Subfield NextHop4 = Register(0);
    public static readonly Subfield NextHop6 = MatchField.Find("xxreg0")!;
    public static readonly Subfield SourceIp4 = Register(5);
    public static readonly Subfield SourceIp6 = MatchField.Find("xxreg1")!;
    public static readonly Subfield RouteTable = Register(7);
    public static readonly Subfield EcmpGroup = new(MatchField.Find("reg8")!, 0, 16);
    public static readonly Subfield EcmpMember = new(MatchField.Find("reg8")!, 16, 16);
    public static readonly Subfield EgressLoopback = Bit(9, 0);
    public static readonly Subfield PacketLarger = Bit(9, 1);
    public static readonly Subfield NeighborKnown = Bit(9, 2);

    /// <summary>Number of the chain of policies that goes on; 0: where packets begin.</summary>
    public static readonly Subfield PolicyChain = new(MatchField.Find("reg9")!, 16, 16);

    /// <summary>MAC of the router port that the packet came in on.</summary>
    public static readonly Subfield InportMac = new(MatchField.Find("xreg0")!, 0, 48);

    // Connection marks and labels.
    public static readonly Subfield Blocked = new(MatchField.ConntrackMark, 0, 1);
    public static readonly Subfield Natted = new(MatchField.ConntrackMark, 1, 1);
    public static readonly Subfield SkipSnat = new(MatchField.ConntrackMark, 2, 1);
    public static readonly Subfield ForceSnat = new(MatchField.ConntrackMark, 3, 1);
    public static readonly Subfield AllowEstablished = new(MatchField.ConntrackMark, 6, 1);
    public static readonly Subfield ConnectionLabel = new(MatchField.ConntrackLabel, 96, 32);

    // ct_state bits.
    public static readonly Subfield CtNew = new(MatchField.ConntrackStateField, 0, 1);
    public static readonly Subfield CtEstablished = new(MatchField.ConntrackStateField, 1, 1);
    public static readonly Subfield CtRelated = new(MatchField.ConntrackStateField, 2, 1);
    public static readonly Subfield CtReply = new(MatchField.ConntrackStateField, 3, 1);
    public static readonly Subfield CtInvalid = new(MatchField.ConntrackStateField, 4, 1);
    public static readonly Subfield CtTracked = new(MatchField.ConntrackStateField, 5, 1);
    public static readonly Subfield CtSourceNat = new(MatchField.ConntrackStateField, 6, 1);
    public static readonly Subfield CtDestinationNat = new(MatchField.ConntrackStateField, 7, 1);

    // Tunnel.
    public static readonly Subfield TunnelKey = new(MatchField.TunnelId, 0, 24);
    public static readonly Subfield TunnelInport = new(MatchField.Find("tun_metadata0")!, 16, 15);
    public static readonly Subfield TunnelOutport = new(MatchField.Find("tun_metadata0")!, 0, 16);

    public static readonly Subfield VlanPresent = new(MatchField.VlanTci, 12, 1);

    /// <summary>The group bit of the source address.</summary>
    public static readonly Subfield SourceMulticast = new(MatchField.EthernetSource, 40, 1);

    public static readonly Subfield DestinationMulticast =
        new(MatchField.EthernetDestination, 40, 1);

    /// <summary>Multicast group keys of every switch.</summary>
    public const uint FloodGroup = 32768;
    public const uint UnknownGroup = 32769;
    public const uint FloodL2Group = 32772;

    public static Subfield Register(int index) => MatchField.Find($"reg{index}")!;

    private static Subfield Bit(int register, int bit) =>
        new(MatchField.Find($"reg{register}")!, bit, 1);

    private static Subfield Flag(int bit) => Bit(10, bit);
}
