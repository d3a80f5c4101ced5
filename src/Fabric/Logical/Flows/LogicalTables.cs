namespace Fabric.Logical;

/// <summary>Tables of the integration bridge, as OVN's main branch numbers them.</summary>
internal static class PhysicalTables
{
    public const byte PhysicalToLogical = 0;
    public const byte LogicalIngress = 8;
    public const byte RemoteOutput = 54;
    public const byte LocalOutput = 56;
    public const byte CheckLoopback = 57;
    public const byte LogicalEgress = 62;
    public const byte SaveInport = 88;
    public const byte LogicalToPhysical = 89;

    // Side tables, called by actions.
    public const byte MacBinding = 90;
    public const byte MacLookup = 91;
    public const byte HairpinCheck = 92;
    public const byte HairpinReply = 93;
    public const byte HairpinSnat = 94;
    public const byte ForwardingDatabase = 95;
    public const byte ForwardingLookup = 96;
    public const byte PortSecurityIn = 97;
    public const byte PortSecurityInNeighbor = 98;
    public const byte PortSecurityOut = 99;
    public const byte AffinityCheck = 102;
}

/// <summary>Stages of a logical switch, ingress: 8 + stage.</summary>
internal static class SwitchIngress
{
    public const byte CheckPortSecurity = 8;
    public const byte ApplyPortSecurity = 9;
    public const byte LookupFdb = 11;
    public const byte PutFdb = 12;
    public const byte PreAcl = 13;
    public const byte PreLoadBalancing = 14;
    public const byte PreStateful = 15;
    public const byte AclHint = 16;
    public const byte AclEvaluation = 17;
    public const byte AclAction = 19;
    public const byte Qos = 20;
    public const byte AffinityCheck = 22;
    public const byte LoadBalancing = 23;
    public const byte AffinityLearn = 24;
    public const byte PreHairpin = 25;
    public const byte NatHairpin = 26;
    public const byte Hairpin = 27;
    public const byte AclAfterLbEvaluation = 28;
    public const byte AclAfterLbAction = 30;
    public const byte Stateful = 32;
    public const byte ArpResponse = 34;
    public const byte NdResponse = 35;
    public const byte DhcpOptions = 36;
    public const byte DhcpResponse = 37;
    public const byte DnsLookup = 38;
    public const byte DnsResponse = 39;
    public const byte ExternalPort = 40;
    public const byte L2Lookup = 41;
    public const byte L2Unknown = 42;

    /// <summary>Stages that hold flows, in order; the others of OVN's are passed over.</summary>
    public static readonly byte[] Used =
    [
        CheckPortSecurity, ApplyPortSecurity, LookupFdb, PutFdb, PreAcl, PreLoadBalancing,
        PreStateful, AclHint, AclEvaluation, AclAction, Qos, AffinityCheck,
        LoadBalancing, AffinityLearn, PreHairpin, NatHairpin, Hairpin,
        AclAfterLbEvaluation, AclAfterLbAction, Stateful, ArpResponse, NdResponse, DhcpOptions,
        DhcpResponse, DnsLookup, DnsResponse, ExternalPort, L2Lookup, L2Unknown,
    ];
}

/// <summary>Stages of a logical switch, egress: 62 + stage.</summary>
internal static class SwitchEgress
{
    public const byte LookupFdb = 62;
    public const byte PreAcl = 64;
    public const byte PreLoadBalancing = 65;
    public const byte PreStateful = 66;
    public const byte AclHint = 67;
    public const byte AclEvaluation = 68;
    public const byte AclAction = 70;
    public const byte Qos = 72;
    public const byte Stateful = 74;
    public const byte CheckPortSecurity = 76;
    public const byte ApplyPortSecurity = 77;

    public static readonly byte[] Used =
    [
        LookupFdb, PreAcl, PreLoadBalancing, PreStateful, AclHint, AclEvaluation, AclAction, Qos,
        Stateful, CheckPortSecurity, ApplyPortSecurity,
    ];
}

/// <summary>Stages of a logical router, ingress: 8 + stage.</summary>
internal static class RouterIngress
{
    public const byte Admission = 8;
    public const byte LookupNeighbor = 9;
    public const byte LearnNeighbor = 10;
    public const byte IpInput = 11;
    public const byte UnSnat = 13;
    public const byte Defrag = 15;
    public const byte AffinityCheck = 17;
    public const byte Dnat = 18;
    public const byte AffinityLearn = 19;
    public const byte NdRaOptions = 21;
    public const byte RoutingPre = 23;
    public const byte Routing = 24;
    public const byte RoutingEcmp = 25;
    public const byte Policy = 26;
    public const byte PolicyEcmp = 27;
    public const byte ArpResolve = 30;
    public const byte CheckPacketLength = 31;
    public const byte LargerPackets = 32;
    public const byte GatewayRedirect = 33;
    public const byte ArpRequest = 35;

    public static readonly byte[] Used =
    [
        Admission, LookupNeighbor, LearnNeighbor, IpInput, UnSnat, Defrag, AffinityCheck, Dnat,
        AffinityLearn, NdRaOptions,
        RoutingPre, Routing, RoutingEcmp, Policy, PolicyEcmp, ArpResolve, CheckPacketLength,
        LargerPackets, GatewayRedirect, ArpRequest,
    ];
}

/// <summary>Stages of a logical router, egress: 62 + stage.</summary>
internal static class RouterEgress
{
    public const byte CheckDnatLocal = 62;
    public const byte UnDnat = 63;
    public const byte PostUnDnat = 64;
    public const byte Snat = 65;
    public const byte EgressLoopback = 67;
    public const byte Delivery = 68;

    public static readonly byte[] Used =
        [CheckDnatLocal, UnDnat, PostUnDnat, Snat, EgressLoopback, Delivery];
}
