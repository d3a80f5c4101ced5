namespace Fabric.Wire.Netlink;

/// <summary>OVS_ACTION_ATTR_*, linux/openvswitch.h; LbOutput exists in userspace only.</summary>
public enum OvsActionType : ushort
{
    Output = 1, // u32
    Userspace = 2,
    Set = 3, // one key attribute
    PushVlan = 4, // be16 tpid, be16 tci
    PopVlan = 5,
    Sample = 6,
    Recirculate = 7, // u32
    Hash = 8, // u32 algorithm, u32 basis
    PushMpls = 9, // be32 entry, be16 EtherType, padding
    PopMpls = 10, // be16 EtherType
    SetMasked = 11, // one key attribute: value, then mask
    Conntrack = 12,
    Truncate = 13, // u32
    PushEthernet = 14, // source, destination
    PopEthernet = 15,
    ConntrackClear = 16,
    PushNsh = 17, // as the key attribute
    PopNsh = 18,
    Meter = 19, // u32
    Clone = 20, // actions
    CheckPacketLength = 21,
    AddMpls = 22, // be32 entry, be16 EtherType, u16 flags
    DecrementTtl = 23,
    Drop = 24, // u32
    Psample = 25,
    LbOutput = 28, // u32
}

internal static class OvsUserspaceAttribute
{
    public const ushort Pid = 1;
    public const ushort Userdata = 2;
    public const ushort EgressTunnelPort = 3;
    public const ushort Actions = 4; // flag
}

internal static class OvsSampleAttribute
{
    public const ushort Probability = 1; // u32, of 2^32 - 1
    public const ushort Actions = 2;
}

internal static class OvsCheckLengthAttribute
{
    public const ushort Length = 1; // u16
    public const ushort IfGreater = 2;
    public const ushort IfLessOrEqual = 3;
}

internal static class OvsDecrementTtlAttribute
{
    public const ushort Actions = 1;
}

internal static class OvsPsampleAttribute
{
    public const ushort Group = 1;
    public const ushort Cookie = 2;
    public const int CookieSizeMax = 16;
}

/// <summary>OVS_CT_ATTR_*.</summary>
internal static class OvsConntrackActionAttribute
{
    public const ushort Commit = 1; // flag
    public const ushort Zone = 2; // u16
    public const ushort Mark = 3; // u32 value, u32 mask
    public const ushort Labels = 4; // 16 value, 16 mask
    public const ushort Helper = 5;
    public const ushort Nat = 6;
    public const ushort ForceCommit = 7; // flag
    public const ushort EventMask = 8; // u32
    public const ushort Timeout = 9;
}

/// <summary>OVS_NAT_ATTR_*.</summary>
internal static class OvsNatAttribute
{
    public const ushort Source = 1;
    public const ushort Destination = 2;
    public const ushort IpMin = 3;
    public const ushort IpMax = 4;
    public const ushort ProtocolMin = 5; // u16
    public const ushort ProtocolMax = 6;
    public const ushort Persistent = 7;
    public const ushort ProtocolHash = 8;
    public const ushort ProtocolRandom = 9;
}

/// <summary>Bits of the ct action's event mask: enum ip_conntrack_events.</summary>
[Flags]
public enum OvsConntrackEvents : uint
{
    None = 0,
    New = 1 << 0,
    Related = 1 << 1,
    Destroy = 1 << 2,
    Reply = 1 << 3,
    Assured = 1 << 4,
    ProtocolInfo = 1 << 5,
    Helper = 1 << 6,
    Mark = 1 << 7,
    SequenceAdjust = 1 << 8,
    SecurityMark = 1 << 9,
    Label = 1 << 10,
}
