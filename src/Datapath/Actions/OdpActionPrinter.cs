using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Writes action lists as datapath text.</summary>
internal sealed class OdpActionPrinter(StringBuilder text, Func<uint, string?>? portName)
{
    public void Print(ImmutableArray<DatapathAction> actions)
    {
        if (actions.IsDefaultOrEmpty)
        {
            text.Append("drop");
            return;
        }

        for (var i = 0; i < actions.Length; i++)
        {
            if (i > 0) text.Append(',');
            Print(actions[i]);
        }
    }

    private void Print(DatapathAction action)
    {
        switch (action)
        {
            case OutputAction output: text.Append(Port(output.Port)); break;
            case TunnelPushAction push:
                OdpTunnelPrinter.Append(text, push, Port(push.OutPort));
                break;
            case TunnelPopAction pop: text.Append($"tnl_pop({Port(pop.TunnelPort)})"); break;
            case UserspaceAction userspace: Userspace(userspace); break;
            case RecirculateAction recirculate:
                text.Append($"recirc({Hex(recirculate.RecirculationId)})");
                break;
            case TruncateAction truncate: text.Append($"trunc({truncate.SizeMax})"); break;
            case ConntrackAction conntrack: Conntrack(conntrack); break;
            case ConntrackClearAction: text.Append("ct_clear"); break;
            case HashAction hash:
                var name = hash.Algorithm == HashAlgorithm.L4 ? "l4" : "sym_l4";
                text.Append($"hash({name}({hash.Basis}))");
                break;
            case MeterAction meter: text.Append($"meter({meter.MeterId})"); break;
            case DropAction: text.Append("drop"); break;
            case LoadBalancedOutputAction bond: text.Append($"lb_output({bond.BondId})"); break;
            case SetTunnelAction tunnel:
                text.Append("set(");
                OdpFlowPrinter.AppendTunnel(text, tunnel.Tunnel);
                text.Append(')');
                break;
            default:
                if (!Headers(action)) Nested(action);
                break;
        }
    }

    private string Port(uint number) =>
        portName?.Invoke(number) ?? number.ToString(CultureInfo.InvariantCulture);

    private bool Headers(DatapathAction action)
    {
        switch (action)
        {
            case PushVlanAction vlan:
                text.Append("push_vlan(");
                if (vlan.Tpid != EtherType.Vlan) text.Append($"tpid=0x{vlan.Tpid:x4},");
                OdpFlowPrinter.AppendTci(
                    text, (ushort)(vlan.Tci | 0x1000), ushort.MaxValue, verbose: false);
                text.Append(')');
                return true;
            case PopVlanAction: text.Append("pop_vlan"); return true;
            case PushMplsAction mpls:
                Mpls("push_mpls", mpls.LabelEntryWire, mpls.EthernetType);
                return true;
            case AddMplsAction mpls:
                Mpls("add_mpls", mpls.LabelEntryWire, mpls.EthernetType);
                return true;
            case PopMplsAction mpls:
                text.Append($"pop_mpls(eth_type=0x{mpls.EthernetType:x})");
                return true;
            case PushEthernetAction ethernet:
                text.Append($"push_eth(src={ethernet.Source},dst={ethernet.Destination})");
                return true;
            case PopEthernetAction: text.Append("pop_eth"); return true;
            case PushNshAction nsh: Nsh(nsh); return true;
            case PopNshAction: text.Append("pop_nsh()"); return true;
            default:
                if (!SetKeys.TryFrom(action, out var attribute, out var key, out var mask))
                {
                    return false;
                }

                text.Append("set(");
                var printer = new OdpFlowPrinter(text, verbose: false, portName, hasMask: false);
                if (attribute is not null) printer.Attribute(attribute, key, mask);
                else printer.SpecialHeader(key, mask);
                text.Append(')');
                return true;
        }
    }

    private void Nested(DatapathAction action)
    {
        switch (action)
        {
            case SampleAction sample:
                var percent = 100.0 * sample.Probability / uint.MaxValue;
                text.Append(string.Create(
                    CultureInfo.InvariantCulture, $"sample(sample={percent:F1}%,actions("));
                Print(sample.Actions);
                text.Append("))");
                break;
            case CloneAction clone:
                text.Append("clone(");
                Print(clone.Actions);
                text.Append(')');
                break;
            case CheckPacketLengthAction check:
                text.Append($"check_pkt_len(size={check.Length},gt(");
                Print(check.IfGreater);
                text.Append("),le(");
                Print(check.IfLessOrEqual);
                text.Append("))");
                break;
            case DecrementTtlAction:
                text.Append("dec_ttl(le_1(drop))");
                break;
        }
    }

    private void Userspace(UserspaceAction action)
    {
        var data = action.Userdata;
        text.Append($"userspace(pid={action.SocketId}");
        var detail = data.Data.IsDefaultOrEmpty
            ? ""
            : Encoding.ASCII.GetString(data.Data.AsSpan());
        switch (data.Kind)
        {
            case UpcallKind.SlowPath:
                text.Append($",slow_path({(detail.Length == 0 ? "action" : detail)})");
                break;
            case UpcallKind.Controller:
                text.Append(",controller(");
                text.Append(detail.Length > 0
                    ? detail
                    : $"reason=1,dont_send=0,continuation=0,recirc_id={data.Cookie},"
                        + "rule_cookie=0,controller_id=0,max_len=65535");
                text.Append(')');
                break;
            case UpcallKind.Sflow:
                text.Append(detail.Length > 0 ? $",sFlow({detail})"
                    : $",sFlow(vid={(data.Cookie >> 32) & 0xFFF},pcp={(data.Cookie >> 45) & 7},"
                        + $"output={(uint)data.Cookie}),actions");
                break;
            case UpcallKind.FlowSample: text.Append($",flow_sample({detail})"); break;
            case UpcallKind.Ipfix: text.Append($",ipfix({detail})"); break;
            case UpcallKind.Opaque:
                text.Append($",userdata({Convert.ToHexStringLower(data.Data.AsSpan())})");
                break;
        }

        if (action.HasActions) text.Append(",actions");
        if (action.TunnelPort is { } port) text.Append($",tunnel_out_port={port}");
        text.Append(')');
    }

    private void Mpls(string name, uint entryWire, ushort ethernetType)
    {
        text.Append(name).Append('(');
        OdpFlowPrinter.AppendMpls(text, entryWire, uint.MaxValue);
        text.Append($",eth_type=0x{ethernetType:x})");
    }

    private void Nsh(PushNshAction nsh)
    {
        var path = BinaryPrimitives.ReverseEndianness(nsh.PathWire);
        text.Append($"push_nsh(flags={nsh.Flags},ttl={nsh.Ttl},mdtype={nsh.MdType},");
        text.Append($"np={nsh.NextProtocol},spi=0x{path >> 8:x},si={path & 0xFF}");
        var metadata = nsh.Metadata.IsDefault ? default : nsh.Metadata.AsSpan();
        if (nsh.MdType == 1 && metadata.Length >= 16)
        {
            for (var i = 0; i < 4; i++)
            {
                var context = BinaryPrimitives.ReadUInt32BigEndian(metadata[(i * 4)..]);
                text.Append($",c{i + 1}=0x{context:x}");
            }
        }
        else if (metadata.Length > 0)
        {
            text.Append(",md2=0x").Append(Convert.ToHexStringLower(metadata));
        }

        text.Append(')');
    }

    private void Conntrack(ConntrackAction action)
    {
        text.Append("ct");
        var start = text.Length;
        text.Append('(');
        if (action.Force) text.Append("force_commit,");
        else if (action.Commit) text.Append("commit,");
        if (action.Zone != 0) text.Append($"zone={action.Zone},");
        if (action.MarkMask != 0)
        {
            text.Append($"mark={Hex(action.Mark)}/{Hex(action.MarkMask)},");
        }

        if (action.LabelMask != 0)
        {
            text.Append($"label={Hex(action.Label)}/{Hex(action.LabelMask)},");
        }

        if (action.Helper is not null) text.Append($"helper={action.Helper},");
        if (action.TimeoutPolicy is not null) text.Append($"timeout={action.TimeoutPolicy},");
        if (action.Nat is not null)
        {
            Nat(action.Nat);
            text.Append(',');
        }

        if (text[^1] == '(') text.Length = start;
        else text[^1] = ')';
    }

    private void Nat(NatSpec nat)
    {
        text.Append("nat");
        if (nat.Type == NatType.None) return;
        text.Append(nat.Type == NatType.Source ? "(src" : "(dst");
        if (nat.AddressMin is not null || nat.PortMin != 0)
        {
            text.Append('=');
            if (nat.AddressMin is { } min)
            {
                var isBracketed = nat.PortMin != 0
                    && min.AddressFamily == AddressFamily.InterNetworkV6;
                Address(min, isBracketed);
                if (nat.AddressMax is { } max && !max.Equals(min))
                {
                    text.Append('-');
                    Address(max, isBracketed);
                }
            }

            if (nat.PortMin != 0)
            {
                text.Append(':').Append(nat.PortMin);
                if (nat.PortMax > nat.PortMin) text.Append('-').Append(nat.PortMax);
            }
        }

        if (nat.Persistent) text.Append(",persistent");
        if (nat.HashPorts) text.Append(",hash");
        if (nat.RandomPorts) text.Append(",random");
        text.Append(')');
    }

    private void Address(IPAddress address, bool isBracketed)
    {
        if (isBracketed) text.Append('[').Append(address).Append(']');
        else text.Append(address);
    }

    private static string Hex(UInt128 value) => value == 0 ? "0" : $"0x{value:x}";
}
