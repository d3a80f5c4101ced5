using System.Buffers.Binary;
using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Headers that are not plain lists of fields.</content>
internal sealed partial class OdpFlowPrinter
{
    private void PacketType(in FlowKey key)
    {
        var type = BinaryPrimitives.ReverseEndianness(key.PacketTypeWire);
        Comma();
        _text.Append($"packet_type(ns={type >> 16},id={Hex(type & 0xFFFF)})");
    }

    private void Vlan(ushort tpidWire, ushort tciWire, ushort maskWire)
    {
        Comma();
        _text.Append($"eth_type(0x{BinaryPrimitives.ReverseEndianness(tpidWire):x4})");
        if (maskWire != 0 || _verbose)
        {
            _text.Append(",vlan(");
            AppendTci(
                _text, BinaryPrimitives.ReverseEndianness(tciWire),
                BinaryPrimitives.ReverseEndianness(maskWire), _verbose);
            _text.Append(')');
        }

        _text.Append(",encap(");
    }

    /// <summary>vid=5,pcp=0: the parts that are set or matched.</summary>
    public static void AppendTci(StringBuilder text, ushort tci, ushort mask, bool verbose)
    {
        int vid = tci & 0xFFF, vidMask = mask & 0xFFF, pcp = tci >> 13, pcpMask = mask >> 13;
        var start = text.Length;
        if (verbose || vid != 0 || vidMask != 0)
        {
            text.Append("vid=").Append(vid);
            if (vidMask != 0xFFF) text.Append($"/0x{vidMask:x}");
        }

        if (verbose || pcp != 0 || pcpMask != 0)
        {
            if (text.Length > start) text.Append(',');
            text.Append("pcp=").Append(pcp);
            if (pcpMask != 7) text.Append($"/0x{pcpMask:x}");
        }

        if ((tci & 0x1000) == 0)
        {
            if (text.Length > start) text.Append(',');
            text.Append("cfi=0");
        }
    }

    /// <summary>The MPLS or NSH header of a set action.</summary>
    public void SpecialHeader(in FlowKey key, in FlowKey mask)
    {
        if (key.EthernetType == EtherType.Nsh) Nsh(key, mask);
        else Mpls(key, mask);
    }

    private void Mpls(in FlowKey key, in FlowKey mask)
    {
        if (!_verbose && (mask.Mpls0Wire | mask.Mpls1Wire | mask.Mpls2Wire) == 0) return;
        Comma();
        _text.Append("mpls(");
        if (key.Mpls1Wire == 0 && mask.Mpls1Wire is 0 or uint.MaxValue)
        {
            AppendMpls(_text, key.Mpls0Wire, mask.Mpls0Wire);
        }
        else
        {
            AppendEntry(0, key.Mpls0Wire, mask.Mpls0Wire);
            AppendEntry(1, key.Mpls1Wire, mask.Mpls1Wire);
            if (key.Mpls2Wire != 0) AppendEntry(2, key.Mpls2Wire, mask.Mpls2Wire);
        }

        _text.Append(')');
    }

    private void AppendEntry(int index, uint entryWire, uint maskWire)
    {
        if (index > 0) _text.Append(',');
        _text.Append($"lse{index}=0x{BinaryPrimitives.ReverseEndianness(entryWire):x}");
        if (maskWire != uint.MaxValue)
        {
            _text.Append($"/0x{BinaryPrimitives.ReverseEndianness(maskWire):x}");
        }
    }

    /// <summary>label=100,tc=0,ttl=64,bos=1</summary>
    public static void AppendMpls(StringBuilder text, uint entryWire, uint maskWire)
    {
        var entry = BinaryPrimitives.ReverseEndianness(entryWire);
        var mask = BinaryPrimitives.ReverseEndianness(maskWire);
        var (label, tc, bos, ttl) = (entry >> 12, (entry >> 9) & 7, (entry >> 8) & 1, entry & 0xFF);
        if (maskWire == uint.MaxValue)
        {
            text.Append($"label={label},tc={tc},ttl={ttl},bos={bos}");
            return;
        }

        // All parts have their masks when one is not exact; those of tc and bos stand bare.
        text.Append($"label={label}/0x{mask >> 12:x},tc={tc}/{(mask >> 9) & 7:x},");
        text.Append($"ttl={ttl}/0x{mask & 0xFF:x},bos={bos}/{(mask >> 8) & 1:x}");
    }

    private void Nsh(in FlowKey key, in FlowKey mask)
    {
        var path = BinaryPrimitives.ReverseEndianness(key.NshPathWire);
        var pathMask = BinaryPrimitives.ReverseEndianness(mask.NshPathWire);
        var start = _text.Length;
        Comma();
        _text.Append("nsh(");
        var count = 0;
        Part("flags", key.NshFlags, mask.NshFlags, 0xFF, isHex: false);
        Part("ttl", key.NshTtl, mask.NshTtl, 0xFF, isHex: false);
        Part("mdtype", key.NshMdType, mask.NshMdType, 0xFF, isHex: false);
        Part("np", key.NshNextProtocol, mask.NshNextProtocol, 0xFF, isHex: false);
        Part("spi", path >> 8, pathMask >> 8, 0xFFFFFF, isHex: true);
        Part("si", path & 0xFF, pathMask & 0xFF, 0xFF, isHex: false);
        Context("c1", key.NshContext1Wire, mask.NshContext1Wire);
        Context("c2", key.NshContext2Wire, mask.NshContext2Wire);
        Context("c3", key.NshContext3Wire, mask.NshContext3Wire);
        Context("c4", key.NshContext4Wire, mask.NshContext4Wire);
        if (count == 0) _text.Length = start;
        else _text.Append(')');

        void Context(string name, uint valueWire, uint maskWire) => Part(
            name, BinaryPrimitives.ReverseEndianness(valueWire),
            BinaryPrimitives.ReverseEndianness(maskWire), uint.MaxValue, isHex: true);

        void Part(string name, uint value, uint care, uint exact, bool isHex)
        {
            if (care == 0 && !_verbose) return;
            if (count++ > 0) _text.Append(',');
            _text.Append(name).Append('=').Append(isHex ? $"0x{value:x}" : value);
            if (care != exact) _text.Append($"/0x{care:x}");
        }
    }
}
