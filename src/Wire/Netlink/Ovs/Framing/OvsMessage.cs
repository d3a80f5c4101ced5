using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>The three headers of an Open vSwitch message, 24 bytes.</summary>
/// <remarks><code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------------------------------------------------------+
/// |              struct nlmsghdr, see NetlinkMessage              |
/// +---------------+---------------+-------------------------------+
/// |    Command    |    Version    |           Reserved            |
/// +---------------+---------------+-------------------------------+
/// |           Datapath index (interface of the datapath)          |
/// +---------------------------------------------------------------+
/// </code>
/// linux/netlink.h, linux/genetlink.h, linux/openvswitch.h. Little-endian. With OVSEXT the
/// datapath index is 0 and the port id must be the one the device gave to the handle.
/// </remarks>
public readonly record struct OvsHeader(
    ushort Type, ushort Flags, uint Sequence, uint PortId, byte Command, byte Version,
    int DatapathIndex = 0)
{
    public const int Size = 24;

    /// <summary>A request to 'family'; dumps and acknowledgements by 'flags'.</summary>
    public static OvsHeader Request(
        OvsFamilyIds ids, OvsFamily family, byte command, uint sequence, uint portId,
        ushort flags = NetlinkFlags.Request, int datapathIndex = 0) =>
        new(ids[family], flags, sequence, portId, command, OvsFamilyIds.VersionOf(family),
            datapathIndex);

    internal void WriteTo(Span<byte> bytes)
    {
        WriteNetlink(bytes, Type, Flags, Sequence, PortId);
        bytes[Field.Command] = Command;
        bytes[Field.Version] = Version;
        bytes[Field.Reserved..Field.DatapathIndex].Clear();
        BinaryPrimitives.WriteInt32LittleEndian(bytes[Field.DatapathIndex..], DatapathIndex);
    }

    internal static void WriteNetlink(
        Span<byte> bytes, ushort type, ushort flags, uint sequence, uint portId)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, 0); // EndMessage writes the length.
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[Field.Type..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[Field.Flags..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[Field.Sequence..], sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[Field.PortId..], portId);
    }

    internal static OvsHeader Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[Field.Type..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[Field.Flags..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[Field.Sequence..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[Field.PortId..]),
        bytes[Field.Command],
        bytes[Field.Version],
        BinaryPrimitives.ReadInt32LittleEndian(bytes[Field.DatapathIndex..]));

    private static class Field
    {
        public const int Type = 4;
        public const int Flags = 6;
        public const int Sequence = 8;
        public const int PortId = 12;
        public const int Command = 16;
        public const int Version = 17;
        public const int Reserved = 18;
        public const int DatapathIndex = 20;
    }
}

/// <summary>A message of one of the Open vSwitch families: a view over bytes.</summary>
public readonly ref struct OvsMessage
{
    private OvsMessage(OvsHeader header, ReadOnlySpan<byte> attributes)
    {
        Header = header;
        Attributes = attributes;
    }

    public OvsHeader Header { get; }
    public ReadOnlySpan<byte> Attributes { get; }

    /// <summary>
    /// Splits the first message off. Messages of netlink itself (error, done) are refused with
    /// Kind: <see cref="NetlinkReply"/> and <see cref="NetlinkDump"/> take those first.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> bytes, out OvsMessage message, out ReadOnlySpan<byte> rest,
        out NetlinkFault fault)
    {
        message = default;
        fault = default;
        if (!NetlinkMessage.TryParse(bytes, out var netlink, out rest))
        {
            var kind = bytes.Length < NetlinkMessage.HeaderSize
                ? NetlinkFaultKind.Truncated
                : NetlinkFaultKind.Length;
            fault = new NetlinkFault(kind, "message");
        }
        else if (netlink.Type < NetlinkType.Min)
        {
            fault = new NetlinkFault(NetlinkFaultKind.Kind, "message");
        }
        else if (netlink.Payload.Length < OvsHeader.Size - NetlinkMessage.HeaderSize)
        {
            fault = new NetlinkFault(NetlinkFaultKind.Truncated, "message");
        }
        else
        {
            var attributes = netlink.Payload[(OvsHeader.Size - NetlinkMessage.HeaderSize)..];
            message = new OvsMessage(OvsHeader.Read(bytes), attributes);
            return true;
        }

        return false;
    }

    /// <summary>
    /// Walks the attributes once, as the driver does before it looks at any of them.
    /// </summary>
    public bool HasSoundAttributes(out NetlinkFault fault)
    {
        var reader = new NetlinkAttributeReader(Attributes, "message");
        while (reader.TryNext())
        {
        }

        return reader.IsSound(out fault);
    }
}
