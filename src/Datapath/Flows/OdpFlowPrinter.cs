using System.Buffers.Binary;
using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Writes one flow as datapath text; also the keys inside set(..) actions.</summary>
internal sealed partial class OdpFlowPrinter
{
    private readonly StringBuilder _text;
    private readonly bool _verbose;
    private readonly bool _hasMask;
    private readonly Func<uint, string?>? _portName;

    public OdpFlowPrinter(
        StringBuilder text, bool verbose, Func<uint, string?>? portName, bool hasMask)
    {
        _text = text;
        _verbose = verbose;
        _portName = portName;
        _hasMask = hasMask;
    }

    public void Print(FlowKey key, FlowKey mask)
    {
        Attribute(OdpAttributes.Priority, key, mask);
        if (key.HasTunnel) Tunnel(key, mask);
        Attribute(OdpAttributes.Mark, key, mask);
        Attribute(OdpAttributes.ConntrackState, key, mask);
        Attribute(OdpAttributes.ConntrackZone, key, mask);
        Attribute(OdpAttributes.ConntrackMark, key, mask);
        Attribute(OdpAttributes.ConntrackLabel, key, mask);
        if (key.ConntrackProtocol != 0)
        {
            if (key.IsIpv4) Attribute(OdpAttributes.ConntrackTuple4, key, mask);
            else if (key.IsIpv6) Attribute(OdpAttributes.ConntrackTuple6, key, mask);
        }

        Attribute(OdpAttributes.RecirculationId, key, mask);
        Attribute(OdpAttributes.DatapathHash, key, mask);
        Attribute(OdpAttributes.InPort, key, mask);
        if (mask.PacketTypeWire != 0 || _verbose) PacketType(key);
        if (key.PacketTypeWire == 0) Attribute(OdpAttributes.Ethernet, key, mask);

        if (key.VlanTci0Wire == 0)
        {
            Inner(key, mask);
            return;
        }

        Vlan(key.VlanTpid0Wire, key.VlanTci0Wire, mask.VlanTci0Wire);
        if (key.VlanTci1Wire == 0)
        {
            Inner(key, mask);
        }
        else
        {
            Vlan(key.VlanTpid1Wire, key.VlanTci1Wire, mask.VlanTci1Wire);
            Inner(key, mask);
            _text.Append(')');
        }

        _text.Append(')');
    }

    /// <summary>What lies inside all VLAN tags.</summary>
    private void Inner(in FlowKey key, in FlowKey mask)
    {
        if (key.EthernetType == EtherType.None && key.PacketTypeWire == 0)
        {
            Comma();
            _text.Append("eth_type(0/0xffff)");
            return;
        }

        if (key.PacketTypeWire == 0) Attribute(OdpAttributes.EtherType, key, mask);

        switch (key.EthernetType)
        {
            case EtherType.Ipv4:
                Attribute(OdpAttributes.Ipv4, key, mask);
                Transport(key, mask);
                break;
            case EtherType.Ipv6:
                Attribute(OdpAttributes.Ipv6, key, mask);
                Transport(key, mask);
                break;
            case EtherType.Arp or EtherType.Rarp:
                Attribute(OdpAttributes.Arp, key, mask);
                break;
            case EtherType.Mpls or EtherType.MplsMulticast:
                Mpls(key, mask);
                break;
            case EtherType.Nsh:
                Nsh(key, mask);
                break;
        }
    }

    private void Transport(in FlowKey key, in FlowKey mask)
    {
        if ((key.NetworkFragment & FragmentBits.Later) != 0) return;

        switch (key.NetworkProtocol)
        {
            case IpProtocol.Tcp:
                Attribute(OdpAttributes.Tcp, key, mask);
                if (key.TcpFlagsWire != 0 || mask.TcpFlagsWire != 0)
                {
                    Attribute(OdpAttributes.TcpFlags, key, mask);
                }

                break;
            case IpProtocol.Udp:
                Attribute(OdpAttributes.Udp, key, mask);
                break;
            case IpProtocol.Sctp:
                Attribute(OdpAttributes.Sctp, key, mask);
                break;
            case IpProtocol.Icmp when key.IsIpv4:
                Attribute(OdpAttributes.Icmp, key, mask);
                break;
            case IpProtocol.Icmpv6 when key.IsIpv6:
                Attribute(OdpAttributes.Icmpv6, key, mask);
                if ((key.PortSource is 135 or 136) && key.PortDestination == 0)
                {
                    Attribute(OdpAttributes.Nd, key, mask);
                    if (mask.NdReservedWire != 0 || mask.NdOptionsType != 0)
                    {
                        Attribute(OdpAttributes.NdExtension, key, mask);
                    }
                }

                break;
        }
    }

    /// <summary>name(field=value/mask,..), or nothing when all of it is wildcarded.</summary>
    public void Attribute(OdpAttribute attribute, FlowKey key, FlowKey mask)
    {
        var keyBytes = key.Bytes;
        var maskBytes = mask.Bytes;
        if (!_verbose)
        {
            var isWild = true;
            foreach (var field in attribute.Fields)
            {
                isWild &= maskBytes.Slice(field.Offset, field.Size).IndexOfAnyExcept((byte)0) < 0;
            }

            if (isWild) return;
        }

        Comma();
        _text.Append(attribute.Name).Append('(');
        foreach (var field in attribute.Fields)
        {
            var fieldMask = maskBytes.Slice(field.Offset, field.Size);
            var isEmpty = fieldMask.IndexOfAnyExcept((byte)0) < 0;
            if (isEmpty && !_verbose) continue;
            if (_text[^1] != '(') _text.Append(',');
            if (field.Printed.Length > 0) _text.Append(field.Printed).Append('=');
            Field(field, keyBytes.Slice(field.Offset, field.Size), fieldMask);
        }

        _text.Append(')');
    }

    private void Field(OdpField field, ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask)
    {
        var isExact = mask.IndexOfAnyExcept((byte)0xFF) < 0;
        switch (field.Kind)
        {
            case OdpFieldKind.Decimal8 or OdpFieldKind.ArpOpcode:
                _text.Append(value[0]);
                if (!isExact) _text.Append('/').Append(Hex(mask[0]));
                break;
            case OdpFieldKind.Decimal16:
                _text.Append(BinaryPrimitives.ReadUInt16BigEndian(value));
                if (!isExact) AppendMask(mask);
                break;
            case OdpFieldKind.EtherType:
                _text.Append($"0x{BinaryPrimitives.ReadUInt16BigEndian(value):x4}");
                if (!isExact) _text.Append($"/0x{BinaryPrimitives.ReadUInt16BigEndian(mask):x4}");
                break;
            case OdpFieldKind.Port:
                Port(BinaryPrimitives.ReadUInt32BigEndian(value), isExact);
                if (!isExact) AppendMask(mask);
                break;
            case OdpFieldKind.Mac:
                _text.Append(MacBytes.From(value).ToString());
                if (!isExact) _text.Append('/').Append(MacBytes.From(mask).ToString());
                break;
            case OdpFieldKind.Ipv4:
                AppendIpv4(value);
                if (isExact) break;
                _text.Append('/');
                AppendIpv4(mask);
                break;
            case OdpFieldKind.Ipv6:
                _text.Append(Ipv6Bytes.From(value).ToString());
                if (!isExact) AppendIpv6Mask(mask);
                break;
            case OdpFieldKind.Fragment:
                _text.Append((value[0] & 3) switch { 0 => "no", 1 => "first", _ => "later" });
                break;
            case OdpFieldKind.ConntrackState when !_verbose:
                AppendFlags(OdpFlags.ConntrackState, value, mask, 0xFF);
                break;
            case OdpFieldKind.TcpFlags:
                AppendFlags(OdpFlags.Tcp, value, mask, 0xFFF);
                break;
            default:
                AppendHex(value);
                if (isExact) break;
                AppendMask(mask);
                break;
        }
    }

    private void Port(uint number, bool isExact)
    {
        var name = isExact ? _portName?.Invoke(number) : null;
        if (name is null) _text.Append(number);
        else _text.Append(name);
    }

    /// <summary>+set-clear for masked flags; names with bars when the mask is exact.</summary>
    private void AppendFlags(
        ReadOnlySpan<string> names, ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask, uint all)
    {
        var bits = (uint)ToUInt128(value);
        var care = (uint)ToUInt128(mask) & all;
        if (!_hasMask || mask.IndexOfAnyExcept((byte)0xFF) < 0)
        {
            OdpFlags.AppendSet(_text, names, bits & all);
        }
        else if (care == 0)
        {
            _text.Append("0/0");
        }
        else
        {
            OdpFlags.AppendMasked(_text, names, bits, care);
        }
    }

    private void AppendMask(ReadOnlySpan<byte> mask)
    {
        _text.Append('/');
        AppendHex(mask);
    }

    private void AppendHex(ReadOnlySpan<byte> value)
    {
        var number = ToUInt128(value);
        _text.Append(number == 0 ? "0" : $"0x{number:x}");
    }

    private void AppendIpv4(ReadOnlySpan<byte> value) =>
        _text.Append($"{value[0]}.{value[1]}.{value[2]}.{value[3]}");

    /// <summary>OVS prints IPv6 masks as addresses here, never as prefix lengths.</summary>
    private void AppendIpv6Mask(ReadOnlySpan<byte> mask) =>
        _text.Append('/').Append(Ipv6Bytes.From(mask).ToString());

    private static string Hex(uint value) => value == 0 ? "0" : $"0x{value:x}";

    private static UInt128 ToUInt128(ReadOnlySpan<byte> value)
    {
        UInt128 number = 0;
        foreach (var part in value) number = (number << 8) | part;
        return number;
    }

    private void Comma()
    {
        if (_text.Length > 0 && _text[^1] is not ('(' or ' ')) _text.Append(',');
    }
}
