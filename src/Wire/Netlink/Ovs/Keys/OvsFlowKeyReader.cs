using System.Runtime.InteropServices;

namespace Fabric.Wire.Netlink;

/// <summary>OVS_KEY_ATTR_* to FlowKey; bounded, allocates nothing, never throws.</summary>
/// <remarks>
/// Refused: attributes twice, of the wrong size, with values no packet can have, more than two
/// tags. Attributes that a FlowKey cannot hold do not refuse the key but are told: a flow made of
/// such a key would match too much.
/// </remarks>
public static class OvsFlowKeyReader
{
    private const uint NoPort = 0xFFFF_FFFF;
    private const ushort NoTypeWire = 0xFF05;
    private const ushort PresentWire = 0x0010;

    /// <summary>Reads a key: everything not named by an attribute is zero.</summary>
    /// <param name="hasUnknown">True when an attribute had no place in the key.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> attributes, out FlowKey key, out bool hasUnknown,
        out NetlinkFault fault)
    {
        key = default;
        key.InPortWire = NoPort;
        var walk = new Walk();
        var isSound = Level(attributes, ref walk, ref key, out fault);
        hasUnknown = walk.HasUnknown;
        if (!isSound) return false;

        var hasEthernet = walk.Has(OvsKey.Ethernet);
        if (key.EthernetTypeWire == 0 && hasEthernet) key.EthernetTypeWire = NoTypeWire;
        if (!hasEthernet && key.EthernetTypeWire != 0 && !walk.Has(OvsKey.PacketType))
        {
            key.PacketTypeWire = 0x0100 | ((uint)key.EthernetTypeWire << 16);
        }

        return true;
    }

    /// <summary>Reads the mask of the flow with this key: what is absent is wildcarded.</summary>
    /// <remarks>
    /// An untagged key is always matched as untagged by the kernel, so its TCI mask reads as all
    /// ones. A fragment mask reads as both bits or none.
    /// </remarks>
    public static bool TryReadMask(
        ReadOnlySpan<byte> attributes, in FlowKey key, out FlowKey mask, out bool hasUnknown,
        out NetlinkFault fault)
    {
        mask = default;
        var walk = new Walk
        {
            IsMask = true,
            TagCount = (key.VlanTci0Wire & PresentWire) == 0 ? 0
                : (key.VlanTci1Wire & PresentWire) == 0 ? 1 : 2,
        };
        var isSound = Level(attributes, ref walk, ref mask, out fault);
        hasUnknown = walk.HasUnknown;
        if (walk.TagCount == 0) mask.VlanTci0Wire = 0xFFFF;
        return isSound;
    }

    /// <summary>The mask of a flow without MASK: all bits that its key's attributes have.</summary>
    public static void ExactMask(in FlowKey key, out FlowKey mask)
    {
        FlowKey ones = default;
        ones.Bytes.Fill(0xFF);
        Span<byte> bytes = stackalloc byte[2048];
        var writer = new NetlinkWriter(bytes);
        const OvsKeyForm Form = OvsKeyForm.Complete | OvsKeyForm.UserspaceFields;
        OvsFlowKeyWriter.WriteMask(ref writer, in key, in ones, Form);
        TryReadMask(writer.Written, in key, out mask, out _, out _);
    }

    private static bool Level(
        ReadOnlySpan<byte> attributes, ref Walk walk, ref FlowKey key, out NetlinkFault fault)
    {
        for (var level = 0; ; level++)
        {
            var reader = new NetlinkAttributeReader(attributes, "flow key");
            walk.StartLevel();
            ReadOnlySpan<byte> inner = default;
            while (reader.TryNext())
            {
                if (reader.Type >= OvsKeyCatalogue.Count)
                {
                    walk.HasUnknown = true;
                    continue;
                }

                if (!walk.TryMark((OvsKey)reader.Type))
                {
                    reader.Refuse(NetlinkFaultKind.Duplicate);
                }
                else if (reader.Type == (ushort)OvsKey.Encapsulation)
                {
                    inner = reader.Value;
                }
                else
                {
                    Take(ref reader, ref walk, ref key);
                }
            }

            if (!reader.IsSound(out fault)) return false;
            if (!walk.Has(OvsKey.Encapsulation))
            {
                if (!walk.Has(OvsKey.Vlan) || walk.IsMask) return true;
                return Refuse(NetlinkFaultKind.Missing, OvsKey.Encapsulation, out fault);
            }

            if (walk.IsMask ? level >= walk.TagCount : level >= NetlinkLimits.VlanCountMax)
            {
                return Refuse(NetlinkFaultKind.TooDeep, OvsKey.Encapsulation, out fault);
            }

            if (!TryTag(level, ref walk, ref key, out fault)) return false;
            attributes = inner;
        }
    }

    /// <summary>What was read as type and tag of this level becomes tag number 'level'.</summary>
    private static bool TryTag(
        int level, ref Walk walk, ref FlowKey key, out NetlinkFault fault)
    {
        fault = default;
        if (!walk.IsMask)
        {
            if (!walk.Has(OvsKey.Vlan) || !walk.Has(OvsKey.EthernetType))
            {
                return Refuse(NetlinkFaultKind.Missing, OvsKey.Vlan, out fault);
            }

            if ((walk.TciWire & PresentWire) == 0)
            {
                return Refuse(NetlinkFaultKind.Value, OvsKey.Vlan, out fault);
            }
        }

        var tciWire = walk.Has(OvsKey.Vlan) ? walk.TciWire : (ushort)0;
        if (level == 0)
        {
            key.VlanTpid0Wire = key.EthernetTypeWire;
            key.VlanTci0Wire = tciWire;
        }
        else
        {
            key.VlanTpid1Wire = key.EthernetTypeWire;
            key.VlanTci1Wire = tciWire;
        }

        key.EthernetTypeWire = 0;
        return true;
    }

    private static void Take(ref NetlinkAttributeReader reader, ref Walk walk, ref FlowKey key)
    {
        NetlinkFault fault;
        switch ((OvsKey)reader.Type)
        {
            case OvsKey.Tunnel:
                if (!OvsTunnelKey.TryRead(
                    reader.Value, walk.IsMask, ref key, ref walk.HasUnknown, out fault))
                {
                    reader.Refuse(in fault);
                }

                break;
            case OvsKey.Mpls: Mpls(ref reader, ref key); break;
            case OvsKey.Nsh:
                if (!TryNsh(reader.Value, ref key, out fault)) reader.Refuse(in fault);
                break;
            case OvsKey.Vlan:
                walk.TciWire = reader.UInt16();
                break;
            case (OvsKey)0 or OvsKey.TunnelInfo:
                walk.HasUnknown = true;
                break;
            default:
                var kind = OvsKeyValue.Read(
                    (OvsKey)reader.Type, reader.Value, walk.IsMask, ref key);
                if (kind != NetlinkFaultKind.None) reader.Refuse(kind);
                break;
        }
    }

    private static void Mpls(ref NetlinkAttributeReader reader, ref FlowKey key)
    {
        var size = reader.Value.Length;
        if (size is 0 or > NetlinkLimits.MplsCountMax * 4 || size % 4 != 0)
        {
            reader.Refuse(NetlinkFaultKind.Size);
            return;
        }

        var entries = MemoryMarshal.Cast<byte, uint>(reader.Value);
        key.Mpls0Wire = entries[0];
        if (entries.Length > 1) key.Mpls1Wire = entries[1];
        if (entries.Length > 2) key.Mpls2Wire = entries[2];
    }

    /// <summary>The nest of OVS_KEY_ATTR_NSH, also of the action that pushes NSH.</summary>
    internal static bool TryNsh(
        ReadOnlySpan<byte> attributes, ref FlowKey key, out NetlinkFault fault)
    {
        var reader = new NetlinkAttributeReader(attributes, "nsh key");
        while (reader.TryNext())
        {
            var value = reader.Value;
            switch (reader.Type)
            {
                case OvsNshAttribute.Base when reader.IsSize(OvsNshAttribute.BaseSize):
                    key.NshFlags = value[0];
                    key.NshTtl = value[1];
                    key.NshMdType = value[2];
                    key.NshNextProtocol = value[3];
                    key.NshPathWire = MemoryMarshal.Read<uint>(value[4..]);
                    break;
                case OvsNshAttribute.Md1 when reader.IsSize(OvsNshAttribute.Md1Size):
                    key.NshContext1Wire = MemoryMarshal.Read<uint>(value);
                    key.NshContext2Wire = MemoryMarshal.Read<uint>(value[4..]);
                    key.NshContext3Wire = MemoryMarshal.Read<uint>(value[8..]);
                    key.NshContext4Wire = MemoryMarshal.Read<uint>(value[12..]);
                    break;
            }
        }

        return reader.IsSound(out fault);
    }

    private static bool Refuse(NetlinkFaultKind kind, OvsKey attribute, out NetlinkFault fault)
    {
        fault = new NetlinkFault(kind, "flow key", (int)attribute);
        return false;
    }

    /// <summary>What the walk through one key remembers.</summary>
    private struct Walk
    {
        /// <summary>EtherType, TCI and ENCAP come again inside ENCAP; nothing else may.</summary>
        private const uint PerLevel = (1u << (int)OvsKey.EthernetType)
            | (1u << (int)OvsKey.Vlan) | (1u << (int)OvsKey.Encapsulation);

        public bool IsMask;
        public int TagCount;
        public bool HasUnknown;
        public ushort TciWire;
        private uint _seen;

        public void StartLevel() => _seen &= ~PerLevel;

        public bool TryMark(OvsKey attribute)
        {
            var bit = 1u << (int)attribute;
            if ((_seen & bit) != 0) return false;
            _seen |= bit;
            return true;
        }

        public readonly bool Has(OvsKey attribute) => (_seen & (1u << (int)attribute)) != 0;
    }
}
