using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>Actions as the driver runs them: what it does not know, it passes over.</summary>
internal static class EmulatorActions
{
    /// <param name="hasUnknown">An action was left out; only EXECUTE tells anybody.</param>
    public static ImmutableArray<DatapathAction> Read(
        ReadOnlySpan<byte> attributes, EmulatorProfile profile, out bool hasUnknown)
    {
        hasUnknown = false;
        if (!OvsActionReader.TryRead(attributes, out var actions, out _))
        {
            hasUnknown = true;
            return [];
        }

        return List(actions.AsEnumerable(), profile, ref hasUnknown);
    }

    private static ImmutableArray<DatapathAction> List(
        IEnumerable<OvsActionAttribute> actions, EmulatorProfile profile, ref bool hasUnknown)
    {
        var list = ImmutableArray.CreateBuilder<DatapathAction>();
        foreach (var action in actions)
        {
            if (One(action, profile, ref hasUnknown) is { } known) list.Add(known);
        }

        return list.ToImmutable();
    }

    private static DatapathAction? One(
        OvsActionAttribute action, EmulatorProfile profile, ref bool hasUnknown)
    {
        switch (action)
        {
            case OvsOutput output: return new OutputAction(output.Port);
            case OvsUserspace up:
                return new UserspaceAction(new UpcallUserdata(
                    UpcallKind.SlowPath, up.Pid, [.. up.Userdata.AsSpan()]));
            case OvsPushVlan push: return new PushVlanAction(push.Tpid, push.Tci);
            case OvsPopVlan: return new PopVlanAction();
            case OvsPushMpls push: return new PushMplsAction(push.EthernetType, push.EntryWire);
            case OvsPopMpls pop: return new PopMplsAction(pop.EthernetType);
            case OvsRecirculate next: return new RecirculateAction(next.RecirculationId);
            case OvsHash hash: return new HashAction(HashAlgorithm.L4, hash.Basis);
            case OvsSet set: return Set(set, profile);
            case OvsConntrack track: return Track(track);
            case OvsSample sample:
                return new SampleAction(
                    sample.Probability,
                    List(sample.Actions.AsEnumerable(), profile, ref hasUnknown));
            case OvsMeter meter when profile.HasMeters: return new MeterAction(meter.MeterId);
            default:
                if (profile.HasMegaflows && More(action, profile, ref hasUnknown) is { } more)
                {
                    return more;
                }

                hasUnknown = true;
                return null;
        }
    }

    /// <summary>Headers that it honours; others do nothing, and it says that they did.</summary>
    private static DatapathAction? Set(OvsSet set, EmulatorProfile profile)
    {
        if (!set.TryDecode(out var key)) return null;
        if (set.Key == OvsKey.Tunnel)
        {
            return OvsextEmulator.IsTunnelKnown(set.Value.AsSpan())
                ? new SetTunnelAction(TunnelMetadataKey.FromKey(ref key))
                : null;
        }

        FlowKey mask = default;
        mask.Bytes.Fill(0xFF);
        return set.Key switch
        {
            OvsKey.Ethernet => SetKeys.ToAction("eth", in key, in mask),
            OvsKey.Ipv4 => SetKeys.ToAction("ipv4", in key, in mask),
            OvsKey.Tcp => SetKeys.ToAction("tcp", in key, in mask),
            OvsKey.Udp => SetKeys.ToAction("udp", in key, in mask),
            OvsKey.Ipv6 when profile.HasMegaflows => SetKeys.ToAction("ipv6", in key, in mask),
            _ => null,
        };
    }

    private static ConntrackAction Track(OvsConntrack track) => new(
        track.Commit || track.ForceCommit, track.ForceCommit, track.Zone ?? 0,
        track.Mark?.Value ?? 0, track.Mark?.Mask ?? 0,
        track.Labels?.Value ?? 0, track.Labels?.Mask ?? 0,
        track.Helper is "ftp" or "tftp" ? track.Helper : null,
        track.Nat is not { } nat ? null : new NatSpec(
            nat.IsSource ? NatType.Source
                : nat.IsDestination ? NatType.Destination : NatType.None,
            nat.AddressMin, nat.AddressMax ?? nat.AddressMin, nat.PortMin ?? 0,
            nat.PortMax ?? nat.PortMin ?? 0, false, false, false),
        null);

    /// <summary>What only the driver with megaflows knows.</summary>
    private static DatapathAction? More(
        OvsActionAttribute action, EmulatorProfile profile, ref bool hasUnknown)
    {
        switch (action)
        {
            case OvsSetMasked set when set.TryDecode(out var key, out var mask):
                return set.Key switch
                {
                    OvsKey.Ethernet => SetKeys.ToAction("eth", in key, in mask),
                    OvsKey.Ipv4 => SetKeys.ToAction("ipv4", in key, in mask),
                    OvsKey.Ipv6 => SetKeys.ToAction("ipv6", in key, in mask),
                    OvsKey.Tcp => SetKeys.ToAction("tcp", in key, in mask),
                    OvsKey.Udp => SetKeys.ToAction("udp", in key, in mask),
                    OvsKey.Sctp => SetKeys.ToAction("sctp", in key, in mask),
                    OvsKey.Arp => SetKeys.ToAction("arp", in key, in mask),
                    OvsKey.Mpls => new SetMplsAction(key.Mpls0Wire, mask.Mpls0Wire),
                    _ => null,
                };
            case OvsTruncate cut: return new TruncateAction(cut.SizeMax);
            case OvsClone clone:
                return new CloneAction(
                    List(clone.Actions.AsEnumerable(), profile, ref hasUnknown));
            case OvsCheckPacketLength check:
                return new CheckPacketLengthAction(
                    check.Length,
                    List(check.IfGreater.AsEnumerable(), profile, ref hasUnknown),
                    List(check.IfLessOrEqual.AsEnumerable(), profile, ref hasUnknown));
            case OvsConntrackClear: return new ConntrackClearAction();
            case OvsPushEthernet push:
                return new PushEthernetAction(push.Source, push.Destination);
            case OvsPopEthernet: return new PopEthernetAction();
            case OvsAddMpls add:
                return new AddMplsAction(add.EthernetType, add.EntryWire, (add.Flags & 1) != 0);
            case OvsDecrementTtl: return new DecrementTtlAction();
            case OvsDrop drop:
                return new DropAction(drop.Reason < DropReasons.Count
                    ? (DropReason)drop.Reason
                    : DropReason.ExplicitDrop);
            default: return null;
        }
    }
}
