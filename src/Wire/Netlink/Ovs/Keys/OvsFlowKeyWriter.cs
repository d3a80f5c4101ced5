using System.Runtime.InteropServices;

namespace Fabric.Wire.Netlink;

/// <summary>Which of the fields that may be left out are written.</summary>
[Flags]
public enum OvsKeyForm : byte
{
    /// <summary>Metadata that is zero is left out: short, and fit for the oldest drivers.</summary>
    Compact = 0,
    /// <summary>
    /// All metadata, zero or not. A kernel that takes a key without a mask as an exact match
    /// matches only what is there: use this for such flows.
    /// </summary>
    Complete = 1,
    /// <summary>Also ND_EXTENSIONS and GTP-U, which only datapaths in userspace accept.</summary>
    UserspaceFields = 2,
    /// <summary>
    /// Only what OVSEXT's parser has a rule for: no NSH, of tunnels no ports and no options but
    /// Geneve's. A key with anything else is refused whole.
    /// </summary>
    Ovsext = 4,
}

/// <summary>FlowKey to OVS_KEY_ATTR_*, linux/openvswitch.h; masks in the same shape.</summary>
/// <remarks>
/// The key decides which attributes exist; a mask has the same ones. A metadata field is there
/// when its value or its mask is not zero. VLAN tags nest: EtherType of the tag, TCI, then the
/// rest inside ENCAP. 802.2 frames have no EtherType attribute; their mask has one of all ones.
/// No attribute exists for the IGMP group. Nothing is allocated.
/// </remarks>
public static class OvsFlowKeyWriter
{
    private const uint NoPort = 0xFFFF_FFFF;
    private const ushort NoTypeWire = 0xFF05;
    private const ushort PresentWire = 0x0010; // The CFI bit in wire order.

    /// <summary>Attributes of 'key', which is matched exactly or is a packet's.</summary>
    public static void Write(ref NetlinkWriter writer, in FlowKey key, OvsKeyForm form)
    {
        FlowKey none = default;
        Write(ref writer, in key, in none, form);
    }

    /// <summary>Attributes of 'key', with all those that 'mask' will have too.</summary>
    public static void Write(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey mask, OvsKeyForm form)
    {
        var shape = new Shape { Form = form, IsMask = false };
        All(ref writer, in key, in mask, in key, shape);
    }

    /// <summary>Attributes of the mask of a flow whose key was written in the same form.</summary>
    public static void WriteMask(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey mask, OvsKeyForm form)
    {
        var shape = new Shape { Form = form, IsMask = true };
        All(ref writer, in key, in mask, in mask, shape);
    }

    /// <param name="values">The key or the mask: where the values come from.</param>
    private static void All(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey mask, in FlowKey values, Shape shape)
    {
        Metadata(ref writer, in key, in mask, in values, shape);
        if (key.PacketTypeWire == 0) Value(ref writer, OvsKey.Ethernet, in values, shape);

        var nest0 = -1;
        var nest1 = -1;
        if ((key.VlanTci0Wire & PresentWire) != 0)
        {
            nest0 = Tag(ref writer, values.VlanTpid0Wire, values.VlanTci0Wire);
            if ((key.VlanTci1Wire & PresentWire) != 0)
            {
                nest1 = Tag(ref writer, values.VlanTpid1Wire, values.VlanTci1Wire);
            }
        }

        if (key.EthernetTypeWire != NoTypeWire)
        {
            Value(ref writer, OvsKey.EthernetType, in values, shape);
        }
        else if (shape.IsMask && values.EthernetTypeWire != 0)
        {
            writer.PutUInt16((ushort)OvsKey.EthernetType, 0xFFFF);
        }

        Network(ref writer, in key, in values, shape);
        if (nest1 >= 0) writer.End(nest1);
        if (nest0 >= 0) writer.End(nest0);
    }

    private static void Metadata(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey mask, in FlowKey values, Shape shape)
    {
        Optional(ref writer, OvsKey.Priority, key.PriorityWire | mask.PriorityWire,
            in values, shape);
        if (key.HasTunnel)
        {
            var nest = writer.Begin((ushort)OvsKey.Tunnel);
            OvsTunnelKey.Write(ref writer, in key, in values, shape.IsMask, shape.Form);
            writer.End(nest);
        }

        Optional(ref writer, OvsKey.PacketMark, key.PacketMarkWire | mask.PacketMarkWire,
            in values, shape);
        Optional(ref writer, OvsKey.ConntrackState,
            key.ConntrackStateWire | mask.ConntrackStateWire, in values, shape);
        Optional(ref writer, OvsKey.ConntrackZone,
            (uint)(key.ConntrackZoneWire | mask.ConntrackZoneWire), in values, shape);
        Optional(ref writer, OvsKey.ConntrackMark,
            key.ConntrackMarkWire | mask.ConntrackMarkWire, in values, shape);
        var labels = key.ConntrackLabelHighWire | key.ConntrackLabelLowWire
            | mask.ConntrackLabelHighWire | mask.ConntrackLabelLowWire;
        Optional(ref writer, OvsKey.ConntrackLabels, labels, in values, shape);
        if (key.ConntrackProtocol != 0)
        {
            if (key.IsIpv4) Value(ref writer, OvsKey.ConntrackTupleIpv4, in values, shape);
            else if (key.IsIpv6) Value(ref writer, OvsKey.ConntrackTupleIpv6, in values, shape);
        }

        Optional(ref writer, OvsKey.RecirculationId,
            key.RecirculationIdWire | mask.RecirculationIdWire, in values, shape);
        Optional(ref writer, OvsKey.DatapathHash,
            key.DatapathHashWire | mask.DatapathHashWire, in values, shape);
        if (key.InPortWire != NoPort) Value(ref writer, OvsKey.InPort, in values, shape);
    }

    private static void Network(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey values, Shape shape)
    {
        if (key.IsIpv4)
        {
            Value(ref writer, OvsKey.Ipv4, in values, shape);
            if ((key.NetworkFragment & FragmentBits.Later) == 0)
            {
                Transport(ref writer, in key, in values, shape);
            }
        }
        else if (key.IsIpv6)
        {
            Value(ref writer, OvsKey.Ipv6, in values, shape);
            if ((key.NetworkFragment & FragmentBits.Later) == 0)
            {
                Transport(ref writer, in key, in values, shape);
            }
        }
        else if (key.IsArp)
        {
            Value(ref writer, OvsKey.Arp, in values, shape);
        }
        else if (key.EthernetTypeWire is 0x4788 or 0x4888)
        {
            Mpls(ref writer, in key, in values);
        }
        else if (key.EthernetTypeWire == 0x4F89 && (shape.Form & OvsKeyForm.Ovsext) == 0)
        {
            Nsh(ref writer, in key, in values);
        }
    }

    private static void Transport(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey values, Shape shape)
    {
        switch (key.NetworkProtocol)
        {
            case IpProtocol.Tcp:
                Value(ref writer, OvsKey.Tcp, in values, shape);
                Value(ref writer, OvsKey.TcpFlags, in values, shape);
                break;
            case IpProtocol.Udp:
                Value(ref writer, OvsKey.Udp, in values, shape);
                break;
            case IpProtocol.Sctp:
                Value(ref writer, OvsKey.Sctp, in values, shape);
                break;
            case IpProtocol.Icmp when key.IsIpv4:
                Value(ref writer, OvsKey.Icmp, in values, shape);
                break;
            case IpProtocol.Icmpv6 when key.IsIpv6:
                Value(ref writer, OvsKey.Icmpv6, in values, shape);
                if (IsNeighbour(in key)) Neighbour(ref writer, in values, shape);
                break;
        }
    }

    /// <summary>Neighbour solicitation or advertisement, RFC 4861 (types 135, 136).</summary>
    internal static bool IsNeighbour(in FlowKey key) =>
        key.PortSourceWire is 0x8700 or 0x8800 && key.PortDestinationWire == 0;

    /// <summary>Linux refuses a mask of ND unless type and code are matched exactly.</summary>
    private static void Neighbour(ref NetlinkWriter writer, in FlowKey values, Shape shape)
    {
        var isExact = values.PortSourceWire >> 8 == 0xFF && values.PortDestinationWire >> 8 == 0xFF;
        if (shape.IsMask && !isExact) return;
        Value(ref writer, OvsKey.Nd, in values, shape);
        var hasExtensions = values.NdReservedWire != 0 || values.NdOptionsType != 0;
        if (hasExtensions && (shape.Form & OvsKeyForm.UserspaceFields) != 0)
        {
            Value(ref writer, OvsKey.NdExtensions, in values, shape);
        }
    }

    /// <summary>Entries down to the one with the bottom-of-stack bit, three at most.</summary>
    private static void Mpls(ref NetlinkWriter writer, in FlowKey key, in FlowKey values)
    {
        const uint BottomWire = 0x0001_0000;
        ReadOnlySpan<uint> entries = [values.Mpls0Wire, values.Mpls1Wire, values.Mpls2Wire];
        var count = (key.Mpls0Wire & BottomWire) != 0 ? 1
            : (key.Mpls1Wire & BottomWire) != 0 ? 2 : NetlinkLimits.MplsCountMax;
        writer.Put((ushort)OvsKey.Mpls, MemoryMarshal.AsBytes(entries[..count]));
    }

    private static void Nsh(ref NetlinkWriter writer, in FlowKey key, in FlowKey values)
    {
        var nest = writer.Begin((ushort)OvsKey.Nsh);
        Span<byte> header = stackalloc byte[OvsNshAttribute.BaseSize];
        header[0] = values.NshFlags;
        header[1] = values.NshTtl;
        header[2] = values.NshMdType;
        header[3] = values.NshNextProtocol;
        MemoryMarshal.Write(header[4..], in values.NshPathWire);
        writer.Put(OvsNshAttribute.Base, header);
        if (key.NshMdType == 1)
        {
            ReadOnlySpan<uint> context =
            [
                values.NshContext1Wire, values.NshContext2Wire,
                values.NshContext3Wire, values.NshContext4Wire,
            ];
            writer.Put(OvsNshAttribute.Md1, MemoryMarshal.AsBytes(context));
        }

        writer.End(nest);
    }

    private static int Tag(ref NetlinkWriter writer, ushort tpidWire, ushort tciWire)
    {
        writer.PutUInt16((ushort)OvsKey.EthernetType, tpidWire);
        writer.PutUInt16((ushort)OvsKey.Vlan, tciWire);
        return writer.Begin((ushort)OvsKey.Encapsulation);
    }

    private static void Optional(
        ref NetlinkWriter writer, OvsKey attribute, ulong bits, in FlowKey values, Shape shape)
    {
        if (bits == 0 && (shape.Form & OvsKeyForm.Complete) == 0) return;
        Value(ref writer, attribute, in values, shape);
    }

    private static void Value(
        ref NetlinkWriter writer, OvsKey attribute, in FlowKey values, Shape shape)
    {
        Span<byte> value = stackalloc byte[OvsKeyCatalogue.ValueSizeMax];
        var size = OvsKeyValue.Write(attribute, in values, shape.IsMask, value);
        writer.Put((ushort)attribute, value[..size]);
    }

    private readonly struct Shape
    {
        public OvsKeyForm Form { get; init; }
        public bool IsMask { get; init; }
    }
}
