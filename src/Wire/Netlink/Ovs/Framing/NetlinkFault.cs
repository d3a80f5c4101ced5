namespace Fabric.Wire.Netlink;

/// <summary>What is wrong with netlink bytes.</summary>
public enum NetlinkFaultKind : byte
{
    None,
    /// <summary>Fewer bytes than the header that must be there.</summary>
    Truncated,
    /// <summary>A length field that is below its header or beyond what holds it.</summary>
    Length,
    /// <summary>An attribute whose value has not the size of its kind.</summary>
    Size,
    /// <summary>A value that its field cannot have.</summary>
    Value,
    /// <summary>An attribute that must be there and is not.</summary>
    Missing,
    Duplicate,
    /// <summary>More items than <see cref="NetlinkLimits"/> allows.</summary>
    TooMany,
    /// <summary>Attributes nested deeper than <see cref="NetlinkLimits"/> allows.</summary>
    TooDeep,
    /// <summary>A message type, command or subsystem that is not the one read here.</summary>
    Kind,
}

/// <summary>Why bytes were refused: what, in which set of attributes, at which one.</summary>
/// <param name="Attribute">Attribute number, or -1 when it is not about one.</param>
public readonly record struct NetlinkFault(
    NetlinkFaultKind Kind, string Where, int Attribute = -1)
{
    public static NetlinkFault None => default;

    public bool IsNone => Kind == NetlinkFaultKind.None;

    public override string ToString() => IsNone ? "none"
        : Attribute < 0 ? $"{Where}: {Kind}" : $"{Where} attribute {Attribute}: {Kind}";
}

/// <summary>Limits of the netlink codec.</summary>
public static class NetlinkLimits
{
    /// <summary>Bytes of one message and of one read: a bigger message is not written.</summary>
    public const int MessageSizeMax = 65536;

    /// <summary>Bytes of one attribute with its header: its length field has 16 bits.</summary>
    public const int AttributeSizeMax = ushort.MaxValue;

    /// <summary>Action lists inside action lists: a deeper list is refused, TooDeep.</summary>
    public const int ActionNestingMax = 16;

    /// <summary>Actions of one message, nested ones included: more are refused, TooMany.</summary>
    public const int ActionCountMax = 4096;

    /// <summary>Bands of one meter: more are refused, TooMany.</summary>
    public const int MeterBandCountMax = 64;

    /// <summary>Bytes of a name on the wire with its zero (names of devices: 16).</summary>
    public const int NameSizeMax = 256;

    /// <summary>VLAN tags of a flow key: deeper encapsulation is refused, TooDeep.</summary>
    public const int VlanCountMax = 2;

    /// <summary>MPLS labels of a flow key: more are refused, Size.</summary>
    public const int MplsCountMax = 3;
}
