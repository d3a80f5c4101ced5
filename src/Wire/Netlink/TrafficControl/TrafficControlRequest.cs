using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>
/// Requests of rtnetlink(7) about queueing disciplines and their classes (linux/rtnetlink.h).
/// </summary>
/// <remarks>Each begins with struct tcmsg:<code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+-----------------------------------------------+
/// |    Family     |                   Padding                     |
/// +---------------+-----------------------------------------------+
/// |                      Interface index                          |
/// +-------------------------------+-------------------------------+
/// |          Handle, major        |         Handle, minor         |
/// +-------------------------------+-------------------------------+
/// |                           Parent                              |
/// +---------------------------------------------------------------+
/// |                            Info                               |
/// +---------------------------------------------------------------+
/// </code></remarks>
public static class TrafficControlRequest
{
    public const ushort NewQdisc = 36;
    public const ushort DeleteQdisc = 37;
    public const ushort GetQdisc = 38;
    public const ushort NewClass = 40;
    public const ushort DeleteClass = 41;
    public const ushort GetClass = 42;

    /// <summary>Parent of the discipline that a device sends by.</summary>
    public const uint Root = uint.MaxValue;

    /// <summary>The handle that such a discipline gets: 1:0.</summary>
    public const uint Handle = 0x1_0000;

    /// <summary>Bytes that any request here fits in.</summary>
    public const int SizeMax = 256;

    internal const int HeaderSize = 20;

    internal const ushort AttributeKind = 1;
    internal const ushort AttributeOptions = 2;

    private const ushort Request = 0x001;
    private const ushort Acknowledge = 0x004;
    private const ushort Echo = 0x008;
    private const ushort Dump = 0x300;
    private const ushort Exclusive = 0x200;
    private const ushort Create = 0x400;

    /// <summary>Asks what a device sends by; no answer comes of a device without any.</summary>
    public static void WriteGetRoot(ref NetlinkWriter writer, uint sequence, int device) =>
        writer.EndMessage(Begin(
            ref writer, GetQdisc, Acknowledge | Echo, sequence, device, 0, Root));

    /// <summary>Asks for the classes of a device.</summary>
    public static void WriteGetClasses(ref NetlinkWriter writer, uint sequence, int device) =>
        writer.EndMessage(Begin(ref writer, GetClass, Dump, sequence, device, 0, 0));

    /// <summary>Takes away what somebody set; the kernel's default comes back.</summary>
    public static void WriteDeleteRoot(ref NetlinkWriter writer, uint sequence, int device) =>
        writer.EndMessage(Begin(
            ref writer, DeleteQdisc, Acknowledge, sequence, device, 0, Root));

    public static void WriteNewRoot(
        ref NetlinkWriter writer, uint sequence, int device, Qdisc qdisc)
    {
        var start = Begin(
            ref writer, NewQdisc, Acknowledge | Create | Exclusive, sequence, device, Handle,
            Root);
        qdisc.Write(ref writer);
        writer.EndMessage(start);
    }

    /// <summary>Makes a class or changes it.</summary>
    public static void WriteNewClass(
        ref NetlinkWriter writer, uint sequence, int device, HtbClass spec, int mtu)
    {
        var start = Begin(
            ref writer, NewClass, Acknowledge | Create, sequence, device, spec.Handle,
            spec.Parent);
        spec.Write(ref writer, mtu);
        writer.EndMessage(start);
    }

    public static void WriteDeleteClass(
        ref NetlinkWriter writer, uint sequence, int device, uint handle) =>
        writer.EndMessage(Begin(
            ref writer, DeleteClass, Acknowledge, sequence, device, handle, 0));

    private static int Begin(
        ref NetlinkWriter writer, ushort type, int flags, uint sequence, int device, uint handle,
        uint parent)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        header.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], device);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], handle);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], parent);
        return writer.BeginMessage(type, (ushort)(Request | flags), sequence, 0, header);
    }
}
