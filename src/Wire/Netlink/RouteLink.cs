using System.Buffers.Binary;
using System.Text;

namespace Fabric.Wire.Netlink;

/// <summary>RTM_NEWLINK and RTM_DELLINK: what rtnetlink(7) says of a network device.</summary>
public readonly record struct RouteLink(int Index, string Name, uint Flags, int Mtu, bool IsGone)
{
    public const ushort NewLink = 16;
    public const ushort DeleteLink = 17;

    /// <summary>Multicast group bit of link changes (RTMGRP_LINK).</summary>
    public const uint LinkGroup = 1;

    private const int InfoSize = 16; // struct ifinfomsg
    private const ushort AttributeName = 3;
    private const ushort AttributeMtu = 4;

    /// <summary>False for other messages and for ones that are cut.</summary>
    public static bool TryParse(NetlinkMessage message, out RouteLink link)
    {
        link = default;
        if (message.Type is not (NewLink or DeleteLink)) return false;
        var payload = message.Payload;
        if (payload.Length < InfoSize) return false;

        var index = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]);
        var name = "";
        var mtu = 0;
        var rest = payload[InfoSize..];
        while (NetlinkAttribute.TryParse(rest, out var attribute, out rest))
        {
            if (attribute.Type == AttributeName)
            {
                name = Encoding.UTF8.GetString(attribute.Value.TrimEnd((byte)0));
            }
            else if (attribute.Type == AttributeMtu && attribute.Value.Length >= 4)
            {
                mtu = BinaryPrimitives.ReadInt32LittleEndian(attribute.Value);
            }
        }

        link = new RouteLink(index, name, flags, mtu, message.Type == DeleteLink);
        return name.Length > 0;
    }
}
