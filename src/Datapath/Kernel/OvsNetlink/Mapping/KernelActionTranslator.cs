using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>Datapath actions as the kernel's, where the kernel can do all of them.</summary>
/// <remarks>
/// For a microflow the values of the packet's fields are known, so that a set of some bits can
/// be written as a set of the whole header, a TTL as a number and ct_clear left out where there
/// is nothing to clear. What happened to the fields on the way through the list is followed; once
/// it cannot be (a translation of addresses, a popped label), sets of bits are refused.
/// </remarks>
internal sealed class KernelActionTranslator(KernelFeatures features, Func<uint, bool> hasMeter)
{
    /// <summary>False: the kernel cannot do this list, and the provider has to.</summary>
    /// <param name="key">Of the packets that the list is for.</param>
    /// <param name="isExact">All packets have exactly this key.</param>
    /// <param name="pid">Who hears userspace actions.</param>
    public bool TryTranslate(
        in FlowKey key, bool isExact, ImmutableArray<DatapathAction> actions, uint pid,
        out EquatableArray<OvsActionAttribute> attributes)
    {
        var run = new Run
        {
            Key = key,
            IsLinkKnown = isExact,
            IsNetworkKnown = isExact,
            IsConntrackKnown = isExact,
            Pid = pid,
        };
        var list = new List<OvsActionAttribute>();
        var isDone = TryList(ref run, actions, list);
        attributes = isDone ? list.ToEquatableArray() : default;
        return isDone;
    }

    private struct Run
    {
        public FlowKey Key;
        public bool IsLinkKnown;
        public bool IsNetworkKnown;
        public bool IsConntrackKnown;
        public uint Pid;
        public int Depth;
    }

    private bool TryList(
        ref Run run, ImmutableArray<DatapathAction> actions, List<OvsActionAttribute> list)
    {
        if (actions.IsDefault) return true;
        if (run.Depth > NetlinkLimits.ActionNestingMax) return false;
        foreach (var action in actions)
        {
            if (action is DropAction && !features.HasExplicitDrop) return true; // The end.
            if (!TryOne(ref run, action, list)) return false;
            if (list.Count > NetlinkLimits.ActionCountMax) return false;
        }

        return true;
    }

    private bool TryOne(ref Run run, DatapathAction action, List<OvsActionAttribute> list)
    {
        switch (action)
        {
            case OutputAction output:
                list.Add(new OvsOutput(output.Port));
                return true;
            case UserspaceAction up:
                list.Add(new OvsUserspace(run.Pid, UpcallUserdataCodec.Encode(up.Userdata)));
                return true;
            case RecirculateAction next when features.HasRecirculation:
                list.Add(new OvsRecirculate(next.RecirculationId));
                return true;
            case HashAction { Algorithm: HashAlgorithm.L4 } hash when features.HasHash:
                list.Add(new OvsHash(0, hash.Basis));
                return true;
            case MeterAction meter when hasMeter(meter.MeterId):
                list.Add(new OvsMeter(meter.MeterId));
                return true;
            case DropAction drop:
                list.Add(new OvsDrop((uint)drop.Reason));
                return true;
            case ConntrackAction track:
                return TryTrack(ref run, track, list);
            case ConntrackClearAction:
                return TryClear(ref run, list);
            case SetTunnelAction tunnel:
                FlowKey outer = default;
                TunnelMetadataKey.ToKey(tunnel.Tunnel, ref outer);
                if (!features.HasAllKeys && !TryTrim(ref outer)) return false;
                list.Add(OvsSet.From(OvsKey.Tunnel, in outer));
                return true;
            case SampleAction or CloneAction or CheckPacketLengthAction:
                return TryNested(ref run, action, list);
            case DecrementTtlAction: return TryDecrement(ref run, list);
            default: return TryHeader(ref run, action, list) || TrySet(ref run, action, list);
        }
    }

    private bool TryHeader(ref Run run, DatapathAction action, List<OvsActionAttribute> list)
    {
        switch (action)
        {
            case PushVlanAction push:
                list.Add(new OvsPushVlan(push.Tpid, (ushort)(push.Tci | 0x1000)));
                return true;
            case PopVlanAction:
                list.Add(new OvsPopVlan());
                return true;
            case PushMplsAction push when features.HasMpls:
                list.Add(new OvsPushMpls(push.LabelEntryWire, push.EthernetType));
                run.IsNetworkKnown = false;
                return true;
            case PopMplsAction pop when features.HasMpls:
                list.Add(new OvsPopMpls(pop.EthernetType));
                run.IsNetworkKnown = false;
                return true;
            case AddMplsAction add when features.HasAddMpls:
                list.Add(new OvsAddMpls(
                    add.LabelEntryWire, add.EthernetType, (ushort)(add.IsLayer3 ? 1 : 0)));
                run.IsNetworkKnown = false;
                return true;
            case PushEthernetAction push when features.HasPushEthernet:
                list.Add(new OvsPushEthernet(push.Source, push.Destination));
                run.IsLinkKnown = false;
                return true;
            case PopEthernetAction when features.HasPushEthernet:
                list.Add(new OvsPopEthernet());
                run.IsLinkKnown = false;
                return true;
            case TruncateAction cut when features.HasTruncate:
                list.Add(new OvsTruncate(cut.SizeMax));
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// Ports are the driver's own; what it cannot write at all (GBP, ERSPAN) is refused.
    /// </summary>
    private static bool TryTrim(ref FlowKey outer)
    {
        outer.TunnelPortSourceWire = 0;
        outer.TunnelPortDestinationWire = 0;
        return outer is { TunnelGbpIdWire: 0, TunnelGbpFlags: 0, ErspanVersion: 0 };
    }

    private bool TryNested(ref Run run, DatapathAction action, List<OvsActionAttribute> list)
    {
        var inner = new List<OvsActionAttribute>();
        switch (action)
        {
            case SampleAction sample when features.HasSample:
                if (!TryBranch(run, sample.Actions, inner)) return false;
                list.Add(new OvsSample(sample.Probability, inner.ToEquatableArray()));
                return true;
            case CloneAction clone when features.HasClone:
                if (!TryBranch(run, clone.Actions, inner)) return false;
                list.Add(new OvsClone(inner.ToEquatableArray()));
                return true;
            case CheckPacketLengthAction check when features.HasCheckPacketLength:
                var other = new List<OvsActionAttribute>();
                if (!TryBranch(run, check.IfGreater, inner)
                    || !TryBranch(run, check.IfLessOrEqual, other))
                {
                    return false;
                }

                list.Add(new OvsCheckPacketLength(
                    check.Length, inner.ToEquatableArray(), other.ToEquatableArray()));
                return true;
            default:
                return false;
        }
    }

    /// <summary>On a copy of the run: what a branch changes is forgotten after it.</summary>
    private bool TryBranch(
        Run run, ImmutableArray<DatapathAction> actions, List<OvsActionAttribute> list)
    {
        run.Depth++;
        return TryList(ref run, actions, list);
    }

    private bool TryTrack(ref Run run, ConntrackAction track, List<OvsActionAttribute> list)
    {
        if (!features.HasConntrack) return false;
        if (track.Nat is not null && !features.HasConntrackNat) return false;
        var nat = track.Nat is not { } spec ? null : new OvsNat(
            spec.Type == NatType.Source, spec.Type == NatType.Destination,
            spec.AddressMin, spec.AddressMax,
            spec.PortMin == 0 ? null : spec.PortMin,
            spec.PortMax == 0 ? null : spec.PortMax,
            spec.Persistent, spec.HashPorts, spec.RandomPorts);
        list.Add(new OvsConntrack(
            track.Commit && !track.Force, track.Force, track.Zone,
            track.MarkMask == 0 ? null : new OvsMasked<uint>(track.Mark, track.MarkMask),
            track.LabelMask == 0 ? null : new OvsMasked<UInt128>(track.Label, track.LabelMask),
            features.HasConntrackHelper ? track.Helper : null, nat, null,
            features.HasConntrackTimeout ? track.TimeoutPolicy : null));
        run.IsConntrackKnown = false;
        if (nat is not null) run.IsNetworkKnown = false;
        return true;
    }

    private bool TryClear(ref Run run, List<OvsActionAttribute> list)
    {
        if (features.HasConntrackClear)
        {
            list.Add(new OvsConntrackClear());
            return true;
        }

        // Nothing to clear for packets that were not tracked.
        return run.IsConntrackKnown && run.Key.ConntrackStateWire == 0;
    }

    private bool TryDecrement(ref Run run, List<OvsActionAttribute> list)
    {
        if (run.IsNetworkKnown && run.Key.IsIpv4)
        {
            if (run.Key.NetworkTtl <= 1) return false; // Dropped under its reason by us.
            run.Key.NetworkTtl--;
            list.Add(OvsSet.From(OvsKey.Ipv4, in run.Key));
            return true;
        }

        if (!features.HasDecrementTtl) return false;
        list.Add(new OvsDecrementTtl(default));
        run.IsNetworkKnown = false;
        return true;
    }

    private bool TrySet(ref Run run, DatapathAction action, List<OvsActionAttribute> list)
    {
        if (!SetKeys.TryFrom(action, out _, out var values, out var mask)) return false;
        if (KeyOf(action) is not { } attribute) return false;
        if (!run.IsNetworkKnown || features.HasMaskedSet)
        {
            if (!features.HasMaskedSet) return IsLink(action) && TryWhole(ref run, action, list);
            list.Add(OvsSetMasked.From(attribute, in values, in mask));
            Merge(ref run.Key, in values, in mask);
            return true;
        }

        return TryWhole(ref run, action, list);
    }

    private static bool IsLink(DatapathAction action) => action is SetEthernetAction;

    /// <summary>The whole header, with what the packet has where the action says nothing.
    /// </summary>
    private static bool TryWhole(
        ref Run run, DatapathAction action, List<OvsActionAttribute> list)
    {
        SetKeys.TryFrom(action, out _, out var values, out var mask);
        OvsKey attribute;
        switch (action)
        {
            case SetEthernetAction when run.IsLinkKnown:
                attribute = OvsKey.Ethernet;
                break;
            case SetIpv4Action:
                if (!run.Key.IsIpv4) return true; // Nothing there to set.
                attribute = OvsKey.Ipv4;
                break;
            case SetPortsAction { Protocol: IpProtocol.Tcp or IpProtocol.Udp } ports:
                if (run.Key.NetworkProtocol != ports.Protocol
                    || (run.Key.NetworkFragment & FragmentBits.Later) != 0)
                {
                    return true;
                }

                attribute = ports.Protocol == IpProtocol.Tcp ? OvsKey.Tcp : OvsKey.Udp;
                break;
            default:
                return false;
        }

        Merge(ref run.Key, in values, in mask);
        list.Add(OvsSet.From(attribute, in run.Key));
        return true;
    }

    private static void Merge(ref FlowKey key, in FlowKey values, in FlowKey mask)
    {
        var (from, bits) = (values, mask);
        var words = key.Words;
        var value = from.Words;
        var cover = bits.Words;
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = (words[i] & ~cover[i]) | (value[i] & cover[i]);
        }
    }

    private static OvsKey? KeyOf(DatapathAction action) => action switch
    {
        SetEthernetAction => OvsKey.Ethernet,
        SetIpv4Action => OvsKey.Ipv4,
        SetIpv6Action => OvsKey.Ipv6,
        SetPortsAction { Protocol: IpProtocol.Tcp } => OvsKey.Tcp,
        SetPortsAction { Protocol: IpProtocol.Udp } => OvsKey.Udp,
        SetPortsAction { Protocol: IpProtocol.Sctp } => OvsKey.Sctp,
        SetArpAction => OvsKey.Arp,
        SetPacketMarkAction => OvsKey.PacketMark,
        SetPriorityAction => OvsKey.Priority,
        SetMplsAction => OvsKey.Mpls,
        _ => null, // No kernel sets ICMP, ND or (ever emitted by us) NSH.
    };
}
