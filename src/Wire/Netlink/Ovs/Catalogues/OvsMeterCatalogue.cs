namespace Fabric.Wire.Netlink;

/// <summary>OVS_METER_ATTR_*, linux/openvswitch.h.</summary>
internal static class OvsMeterAttribute
{
    public const ushort Id = 1;
    public const ushort Kbps = 2; // flag
    public const ushort Statistics = 3; // 2 x u64
    public const ushort Bands = 4;
    public const ushort Used = 5; // u64
    public const ushort Clear = 6; // flag
    public const ushort MetersMax = 7;
    public const ushort BandsMax = 8;
}

/// <summary>OVS_BAND_ATTR_*.</summary>
internal static class OvsBandAttribute
{
    public const ushort Item = 0;
    public const ushort Type = 1;
    public const ushort Rate = 2;
    public const ushort Burst = 3;
    public const ushort Statistics = 4;
}

/// <summary>OVS_METER_BAND_TYPE_*.</summary>
public static class OvsBandType
{
    public const uint Drop = 1;
}

/// <summary>OVS_CT_LIMIT_ATTR_*: an array of i32 zone, u32 limit, u32 count.</summary>
internal static class OvsConntrackLimitAttribute
{
    public const ushort ZoneLimits = 1;
    public const int ItemSize = 12;
}
