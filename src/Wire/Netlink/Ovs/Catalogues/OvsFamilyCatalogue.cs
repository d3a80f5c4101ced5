namespace Fabric.Wire.Netlink;

/// <summary>Message types below the families', linux/netlink.h.</summary>
public static class NetlinkType
{
    public const ushort Noop = 1;
    public const ushort Error = 2;
    public const ushort Done = 3;
    public const ushort Min = 0x10;
}

/// <summary>NLM_F_*, linux/netlink.h.</summary>
public static class NetlinkFlags
{
    public const ushort Request = 1;
    public const ushort Multi = 2;
    public const ushort Acknowledge = 4;
    public const ushort Echo = 8;
    public const ushort Replace = 0x100;
    public const ushort Exclusive = 0x200;
    public const ushort Create = 0x400;
    public const ushort Dump = 0x300;
}

/// <summary>Which device answers: the two count families and errors differently.</summary>
public enum NetlinkDialect : byte { Linux, Ovsext }

public enum OvsFamily : byte
{
    Control, Datapath, Packet, Vport, Flow, Netdev, ConntrackLimit, Meter,
}

/// <summary>Message types of the families.</summary>
/// <remarks>
/// OVSEXT has no controller: <see cref="Ovsext"/> is constant. Linux gives out numbers when
/// openvswitch.ko is loaded: ask with <see cref="GenericController"/>. 0: there is no such family.
/// </remarks>
public sealed record OvsFamilyIds(
    ushort Control, ushort Datapath, ushort Packet, ushort Vport, ushort Flow, ushort Netdev,
    ushort ConntrackLimit, ushort Meter)
{
    public static OvsFamilyIds Ovsext { get; } = new(17, 18, 19, 20, 21, 22, 24, 25);

    /// <summary>OVSEXT's multicast group of vport events.</summary>
    public const uint OvsextVportGroup = 101;

    public ushort this[OvsFamily family] => family switch
    {
        OvsFamily.Control => Control,
        OvsFamily.Datapath => Datapath,
        OvsFamily.Packet => Packet,
        OvsFamily.Vport => Vport,
        OvsFamily.Flow => Flow,
        OvsFamily.Netdev => Netdev,
        OvsFamily.ConntrackLimit => ConntrackLimit,
        _ => Meter,
    };

    /// <summary>Genetlink name, as the controller knows it.</summary>
    public static string NameOf(OvsFamily family) => family switch
    {
        OvsFamily.Control => "ovs_win_control",
        OvsFamily.Datapath => "ovs_datapath",
        OvsFamily.Packet => "ovs_packet",
        OvsFamily.Vport => "ovs_vport",
        OvsFamily.Flow => "ovs_flow",
        OvsFamily.Netdev => "ovs_win_netdev",
        OvsFamily.ConntrackLimit => "ovs_ct_limit",
        _ => "ovs_meter",
    };

    public static byte VersionOf(OvsFamily family) =>
        (byte)(family == OvsFamily.Datapath ? 2 : 1);

    /// <summary>The family of a message type; false when it is none of these.</summary>
    public bool TryFind(ushort type, out OvsFamily family)
    {
        for (family = OvsFamily.Control; family <= OvsFamily.Meter; family++)
        {
            if (type != 0 && this[family] == type) return true;
        }

        family = default;
        return false;
    }
}

/// <summary>Commands of datapath, vport, flow and (GET alone) netdev.</summary>
public static class OvsCommand
{
    public const byte New = 1;
    public const byte Delete = 2;
    public const byte Get = 3;
    public const byte Set = 4;
}

/// <summary>ovs_win_control: through WRITE, but SocketProperty (TRANSACT) and the events.</summary>
public static class OvsControlCommand
{
    public const byte PendEvents = 0;
    public const byte PendPackets = 1;
    public const byte SubscribeGroup = 2;
    public const byte SubscribePackets = 3;
    public const byte NotifyEvent = 4;
    public const byte ReadEvent = 5;
    public const byte SocketProperty = 6;
}

public static class OvsPacketCommand
{
    public const byte Miss = 1;
    public const byte Action = 2;
    public const byte Execute = 3;
}

public static class OvsNetdevCommand
{
    public const byte Get = 1;
}

public static class OvsConntrackLimitCommand
{
    public const byte Set = 1;
    public const byte Delete = 2;
    public const byte Get = 3;
}

public static class OvsMeterCommand
{
    public const byte Features = 1;
    public const byte Set = 2;
    public const byte Delete = 3;
    public const byte Get = 4;
}
