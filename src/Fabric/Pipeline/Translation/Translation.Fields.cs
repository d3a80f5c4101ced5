using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Fields, the stack, VLAN and MPLS headers, TTL.</content>
internal sealed partial class Translation
{
    private const int StackSizeMax = 65_536;
    private const ushort VlanPresent = 0x1000;
    private const ushort VlanPresentWire = 0x0010;

    private void SetField(MatchField field, UInt128 value, UInt128 mask)
    {
        if (!HasPrerequisite(field.Prerequisite, field)) return;
        if (!field.TryLocate(_view.Tlv, out _, out _)) return;
        field.Write(ref _wild, UInt128.MaxValue, mask, _view.Tlv);
        field.Write(ref _flow, value, mask, _view.Tlv);
        FoldProtocol(field);
        if (field.KeyOffset != VlanOffset || field.TlvIndex >= 0) return;
        ref var tpid = ref _flow.Flow.VlanTpid0Wire;
        if (tpid == 0) tpid = KeyCommit.Host((ushort)0x8100);
    }

    /// <summary>set_field and load say when the packet has no such header.</summary>
    private void SetOrReport(MatchField field, UInt128 value, UInt128 mask)
    {
        if (HasPrerequisite(field.Prerequisite, field)) SetField(field, value, mask);
        else
        {
            _trace?.Add(TraceKind.Warn,
                $"unmet prerequisites for {field.Name}, set_field ignored");
        }
    }

    private static readonly int VlanOffset = MatchField.VlanTci.KeyOffset;

    /// <summary>
    /// A packet whose IP protocol is 0 is taken for one without headers (see KeyCommit), so that
    /// writing its IP header asks for the protocol.
    /// </summary>
    private void FoldProtocol(MatchField field)
    {
        if (field.TlvIndex >= 0) return;
        if (ReferenceEquals(field, MatchField.IpDscp)) return; // So is it in OVS.
        if (field.Prerequisite is FieldPrerequisite.Arp or FieldPrerequisite.Ip
            or FieldPrerequisite.Ipv4 or FieldPrerequisite.Ipv6)
        {
            _wild.Flow.NetworkProtocol = 0xFF;
        }
    }

    private UInt128 Read(Subfield source)
    {
        if (!HasPrerequisite(source.Field.Prerequisite, source.Field)) return 0;
        source.Write(ref _wild, UInt128.MaxValue, _view.Tlv);
        return source.Read(in _flow, _view.Tlv);
    }

    private void Move(OfMove move)
    {
        if (HasPrerequisite(move.Source.Field.Prerequisite, move.Source.Field)
            && HasPrerequisite(move.Destination.Field.Prerequisite, move.Destination.Field))
        {
            var value = Read(move.Source);
            SetField(move.Destination.Field, value << move.Destination.Offset,
                MatchField.LowBits(move.Destination.Width) << move.Destination.Offset);
        }

        ReportSubfield(move.Destination);
    }

    private void Push(Subfield source)
    {
        var value = Read(source);
        var size = (source.Width + 7) / 8;
        if (_stack.Count + size + 1 > StackSizeMax)
        {
            Report(TraceKind.Error, "stack underflow or overflow");
            Fail(DropReason.TranslationStack);
            return;
        }

        for (var i = size - 1; i >= 0; i--) _stack.Add((byte)(value >> (8 * i)));
        _stack.Add((byte)size);
    }

    private void Pop(Subfield destination)
    {
        if (_stack.Count == 0)
        {
            Report(TraceKind.Error, "stack underflow");
            return;
        }

        var size = _stack[^1];
        UInt128 value = 0;
        for (var i = 0; i < size; i++) value = (value << 8) | _stack[_stack.Count - 1 - size + i];
        _stack.RemoveRange(_stack.Count - 1 - size, size + 1);
        SetField(destination.Field, value << destination.Offset,
            MatchField.LowBits(destination.Width) << destination.Offset);
        ReportSubfield(destination);
    }

    private void ReportSubfield(Subfield subfield) => _trace?.Add(TraceKind.Detail,
        $"{FlowText.Subfield(subfield)} is now "
        + FlowText.Value(subfield, subfield.Read(in _flow, _view.Tlv)));

    private void DeleteField(MatchField field)
    {
        if (field.TlvIndex < 0) return;
        field.Write(ref _wild, UInt128.MaxValue, _view.Tlv);
        field.Write(ref _flow, 0, _view.Tlv);
        _flow.TlvPresence &= ~(1UL << field.TlvIndex);
    }

    /// <summary>Does the packet have such a field? The bits asked go into the mask.</summary>
    private bool HasPrerequisite(FieldPrerequisite prerequisite, MatchField? field = null)
    {
        ref var flow = ref _flow.Flow;
        switch (prerequisite)
        {
            case FieldPrerequisite.None or FieldPrerequisite.Ethernet:
                return true;
            case FieldPrerequisite.Vlan:
                if (ReferenceEquals(field, MatchField.VlanVid)) return true;
                _wild.Flow.VlanTci0Wire |= KeyCommit.Host(VlanPresent);
                return (flow.VlanTci0 & VlanPresent) != 0;
            case FieldPrerequisite.Mpls:
                return KeyCommit.IsMpls(flow.EthernetType);
            case FieldPrerequisite.Ipv4:
                return flow.IsIpv4;
            case FieldPrerequisite.Ipv6:
                return flow.IsIpv6;
            case FieldPrerequisite.Ip:
                return flow.IsIpv4 || flow.IsIpv6;
            case FieldPrerequisite.Arp:
                return flow.EthernetType is 0x0806 or 0x8035;
            case FieldPrerequisite.Nsh:
                return flow.EthernetType == 0x894F;
            case FieldPrerequisite.Conntrack:
                _wild.Flow.ConntrackStateWire |= KeyCommit.Host((uint)ConntrackState.Tracked);
                return true;
            default:
                return HasTransport(prerequisite);
        }
    }

    private bool HasTransport(FieldPrerequisite prerequisite)
    {
        ref var flow = ref _flow.Flow;
        if (!flow.IsIpv4 && !flow.IsIpv6) return false;
        _wild.Flow.NetworkProtocol = 0xFF;
        if ((flow.NetworkFragment & 2) != 0) return false;
        switch (prerequisite)
        {
            case FieldPrerequisite.Tcp:
                return flow.NetworkProtocol == 6;
            case FieldPrerequisite.Udp:
                return flow.NetworkProtocol == 17;
            case FieldPrerequisite.Sctp:
                return flow.NetworkProtocol == 132;
            case FieldPrerequisite.Icmpv4:
                return flow.IsIpv4 && flow.NetworkProtocol == 1;
            case FieldPrerequisite.Icmpv6:
                return flow.IsIpv6 && flow.NetworkProtocol == 58;
        }

        if (!flow.IsIpv6 || flow.NetworkProtocol != 58) return false;
        _wild.Flow.PortSourceWire = 0xFFFF;
        return prerequisite switch
        {
            FieldPrerequisite.NdSolicit => flow.PortSource == 135,
            FieldPrerequisite.NdAdvert => flow.PortSource == 136,
            _ => flow.PortSource is 135 or 136,
        };
    }

    private void SetPort(ushort port, bool isSource)
    {
        ref var flow = ref _flow.Flow;
        if ((!flow.IsIpv4 && !flow.IsIpv6) || (flow.NetworkFragment & 2) != 0) return;
        _wild.Flow.NetworkProtocol = 0xFF;
        if (isSource) (_wild.Flow.PortSourceWire, flow.PortSource) = (0xFFFF, port);
        else (_wild.Flow.PortDestinationWire, flow.PortDestination) = (0xFFFF, port);
    }

    private bool DecrementTtl(OfDecrementTtl decrement)
    {
        ref var flow = ref _flow.Flow;
        _wild.Flow.NetworkTtl = _wild.Flow.NetworkProtocol = 0xFF;
        if (!flow.IsIpv4 && !flow.IsIpv6) return true;
        if (flow.NetworkTtl > 1)
        {
            flow.NetworkTtl--;
            return true;
        }

        foreach (var id in decrement.ControllerIds)
        {
            PacketIn(ushort.MaxValue, PacketInReason.InvalidTtl, id, default, pause: false);
        }

        Report(TraceKind.Warn, $"IPv{(flow.IsIpv4 ? 4 : 6)} decrement TTL exception");
        return false;
    }

    private void SetVlan(ushort value, ushort mask, bool pushes)
    {
        ref var flow = ref _flow.Flow;
        _wild.Flow.VlanTci0Wire |= KeyCommit.Host((ushort)(mask | VlanPresent));
        if ((flow.VlanTci0 & VlanPresent) == 0 && !pushes) return;
        flow.VlanTci0 = (ushort)((flow.VlanTci0 & ~mask) | (value & mask) | VlanPresent);
        if (flow.VlanTpid0Wire == 0) flow.VlanTpid0Wire = KeyCommit.Host((ushort)0x8100);
    }

    private void PopVlan()
    {
        ref var flow = ref _flow.Flow;
        var count = KeyCommit.TagCount(in flow);
        if (count > 1) (_wild.Flow.VlanTci1Wire, _wild.Flow.VlanTpid1Wire) = (0xFFFF, 0xFFFF);
        (flow.VlanTci0Wire, flow.VlanTpid0Wire) = count > 1
            ? (flow.VlanTci1Wire, flow.VlanTpid1Wire) : ((ushort)0, (ushort)0);
        (flow.VlanTci1Wire, flow.VlanTpid1Wire) = (0, 0);
    }

    private void PushVlan(ushort type)
    {
        ref var flow = ref _flow.Flow;
        var count = KeyCommit.TagCount(in flow);

        if (count > 0)
        {
            (_wild.Flow.VlanTci0Wire, _wild.Flow.VlanTpid0Wire) = (0xFFFF, 0xFFFF);
        }

        if (count > 1) (_wild.Flow.VlanTci1Wire, _wild.Flow.VlanTpid1Wire) = (0xFFFF, 0xFFFF);
        _pushesTag = true;
        (flow.VlanTci1Wire, flow.VlanTpid1Wire) = (flow.VlanTci0Wire, flow.VlanTpid0Wire);
        flow.VlanTci0 = VlanPresent;
        flow.VlanTpid0Wire = KeyCommit.Host(type);
    }

    private bool StepOfMpls(OfAction action)
    {
        ref var flow = ref _flow.Flow;
        switch (action)
        {
            case OfPushMpls push:
                PushMpls(push.EthernetType);
                return true;
            case OfPopMpls pop:
                PopMpls(pop.EthernetType);
                return true;
            case OfSetMplsLabel set:
                SetField(MatchField.MplsLabel, set.Label, UInt128.MaxValue);
                return true;
            case OfSetMplsTc set:
                SetField(MatchField.MplsTc, set.Tc, UInt128.MaxValue);
                return true;
            case OfSetMplsTtl set:
                SetField(MatchField.MplsTtl, set.Ttl, UInt128.MaxValue);
                return true;
        }

        if (KeyCommit.IsMpls(flow.EthernetType))
        {
            _wild.Flow.Mpls0Wire |= KeyCommit.Host(0xFFu);
            var ttl = (byte)KeyCommit.Host(flow.Mpls0Wire);
            if (ttl > 1)
            {
                flow.Mpls0Wire = KeyCommit.Host(KeyCommit.Host(flow.Mpls0Wire) - 1);
                return true;
            }

            PacketIn(ushort.MaxValue, PacketInReason.InvalidTtl, 0, default, pause: false);
        }

        Report(TraceKind.Warn, "MPLS decrement TTL exception");
        return false;
    }

    /// <summary>Label entries down to the bottom of the stack; what was asked is folded.</summary>
    private int CountLabels()
    {
        ref var flow = ref _flow.Flow;
        ref var wild = ref _wild.Flow;
        if (!KeyCommit.IsMpls(flow.EthernetType)) return 0;
        wild.Mpls0Wire |= MplsCommit.BottomWire;
        if ((flow.Mpls0Wire & MplsCommit.BottomWire) != 0) return 1;
        wild.Mpls1Wire |= MplsCommit.BottomWire;
        if ((flow.Mpls1Wire & MplsCommit.BottomWire) != 0) return 2;
        wild.Mpls2Wire |= MplsCommit.BottomWire;
        return 3;
    }

    private void PushMpls(ushort type)
    {
        ref var flow = ref _flow.Flow;
        ref var wild = ref _wild.Flow;
        var count = CountLabels();
        if (count >= 3)
        {
            Report(TraceKind.Error, "dropping packet on which an MPLS push action can't be "
                + "performed as it would have more MPLS LSEs than the 3 supported.");
            Fail(DropReason.TranslationError);
            return;
        }

        if (count > 0)
        {
            wild.Mpls0Wire = uint.MaxValue;
            if (count > 1) wild.Mpls1Wire = uint.MaxValue;
            // A copy of the outermost entry on top, no longer at the bottom of the stack.
            (flow.Mpls2Wire, flow.Mpls1Wire) = (flow.Mpls1Wire, flow.Mpls0Wire);
            flow.Mpls0Wire &= ~MplsCommit.BottomWire;
        }
        else
        {
            CommitChanges(); // Deeper headers are out of sight from here on.
            PushFirstLabel();
        }

        flow.EthernetTypeWire = KeyCommit.Host(type);
    }

    private void PushFirstLabel()
    {
        ref var flow = ref _flow.Flow;
        uint tc = 0;
        uint ttl = 64;
        if (flow.IsIpv4 || flow.IsIpv6)
        {
            _wild.Flow.NetworkTtl = 0xFF;
            _wild.Flow.NetworkTos |= 0xFC;
            if (flow.NetworkTtl != 0) ttl = flow.NetworkTtl;
            tc = (uint)(flow.NetworkTos >> 2) & 7;
        }

        var label = flow.IsIpv6 ? 2u : 0u;
        flow.Mpls0Wire = KeyCommit.Host((label << 12) | (tc << 9) | 0x100u | ttl);
        flow.Bytes[FlowKey.NetworkOffset..FlowKey.TunnelOffset].Clear();
        flow.DatapathHashWire = 0;
        _packet.Bytes[FlowKey.NetworkOffset..FlowKey.TunnelOffset].Clear();
    }

    private void PopMpls(ushort type)
    {
        ref var flow = ref _flow.Flow;
        ref var wild = ref _wild.Flow;
        var count = CountLabels();
        if (count == 0) return;
        if (count == 3 && (flow.Mpls2Wire & MplsCommit.BottomWire) == 0)
        {
            Fail(DropReason.TranslationError); // What comes next is out of sight.
            return;
        }

        if (count > 1) wild.Mpls1Wire = uint.MaxValue;
        if (count > 2) wild.Mpls2Wire = uint.MaxValue;
        (flow.Mpls0Wire, flow.Mpls1Wire, flow.Mpls2Wire) = (flow.Mpls1Wire, flow.Mpls2Wire, 0);
        flow.EthernetTypeWire = KeyCommit.Host(type);
        if (!KeyCommit.IsMpls(type)) _wasMpls = true;
    }

    /// <summary>After the last label is gone these need the headers that were behind it.</summary>
    private static bool NeedsParsing(OfAction action) => action switch
    {
        OfOutput or OfGroup or OfController or OfNote or OfExit or OfClearActions or OfPushVlan
            or OfStripVlan or OfSetVlanVid or OfSetVlanPcp or OfSetEthernetSource
            or OfSetEthernetDestination or OfSetTunnel or OfSetQueue or OfPopQueue
            or OfWriteMetadata or OfConjunction or OfUnroll or OfPopMpls => false,
        OfSetField set => IsDeep(set.Field),
        OfLoad load => IsDeep(load.Destination.Field),
        OfMove move => IsDeep(move.Source.Field) || IsDeep(move.Destination.Field),
        OfStackPush push => IsDeep(push.Source.Field),
        OfStackPop pop => IsDeep(pop.Destination.Field),
        _ => true,
    };

    private static bool IsDeep(MatchField field) =>
        field.TlvIndex < 0 && field.KeyOffset >= FlowKey.NetworkOffset
        && field.KeyOffset < FlowKey.TunnelOffset;
}
