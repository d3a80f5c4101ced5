namespace Fabric.Wire.Netlink;

/// <summary>Linux's generic netlink controller: which number a family has.</summary>
/// <remarks>linux/genetlink.h, CTRL_*. Its messages have no datapath index.</remarks>
public static class GenericController
{
    public const ushort Type = 0x10;
    private const byte GetFamily = 3;
    private const byte Version = 1;
    private const int HeaderSize = 4; // struct genlmsghdr
    private const ushort FamilyId = 1;
    private const ushort FamilyName = 2;

    /// <summary>Asks for the family of this name.</summary>
    public static void WriteGet(
        ref NetlinkWriter writer, string name, uint sequence, uint portId)
    {
        ReadOnlySpan<byte> header = [GetFamily, Version, 0, 0];
        var start = writer.BeginMessage(
            Type, NetlinkFlags.Request, sequence, portId, header);
        writer.PutText(FamilyName, name);
        writer.EndMessage(start);
    }

    /// <summary>Reads the answer; an error message is refused with Kind.</summary>
    public static bool TryReadFamily(
        ReadOnlySpan<byte> bytes, out ushort id, out string name, out NetlinkFault fault)
    {
        id = 0;
        name = "";
        if (!NetlinkMessage.TryParse(bytes, out var message, out _))
        {
            fault = new NetlinkFault(NetlinkFaultKind.Length, "family");
            return false;
        }

        if (message.Type != Type || message.Payload.Length < HeaderSize)
        {
            fault = new NetlinkFault(NetlinkFaultKind.Kind, "family");
            return false;
        }

        var reader = new NetlinkAttributeReader(message.Payload[HeaderSize..], "family");
        while (reader.TryNext())
        {
            if (reader.Type == FamilyId) id = reader.UInt16();
            else if (reader.Type == FamilyName) name = reader.Text();
        }

        if (!reader.IsSound(out fault)) return false;
        if (id >= NetlinkType.Min) return true;
        fault = new NetlinkFault(NetlinkFaultKind.Missing, "family", FamilyId);
        return false;
    }
}
