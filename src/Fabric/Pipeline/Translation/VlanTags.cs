using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>Two VLAN tags as NORMAL thinks of them: TPID, VID and PCP; VID 0 is no VLAN.</summary>
internal readonly record struct VlanTags(
    ushort Tpid, ushort Vid, byte Pcp, ushort InnerTpid, ushort InnerVid, byte InnerPcp)
{
    public const ushort Present = 0x1000;
    private const ushort TpidDefault = 0x8100;

    public static VlanTags Of(in FlowKey flow)
    {
        var inner = KeyCommit.Host(flow.VlanTci1Wire);
        var outer = flow.VlanTci0;
        return new VlanTags(
            KeyCommit.Host(flow.VlanTpid0Wire), (ushort)(outer & 0xFFF), (byte)(outer >> 13),
            KeyCommit.Host(flow.VlanTpid1Wire), (ushort)(inner & 0xFFF), (byte)(inner >> 13));
    }

    /// <summary>May such a packet come in through 'bundle'?</summary>
    public bool IsAllowed(BundleSnapshot bundle, out string refusal)
    {
        refusal = "";
        switch (bundle.VlanMode)
        {
            case VlanMode.Access:
                if (Vid == 0) return true;
                refusal = $"dropping VLAN {Vid} tagged packet received on port {bundle.Name} "
                    + $"configured as VLAN {bundle.Vlan} access port";
                return false;
            case VlanMode.Dot1qTunnel:
                if (bundle.Cvlans.IsEmpty || bundle.Cvlans.Contains(Vid)) return true;
                refusal = $"dropping VLAN {Vid} packet received on dot1q-tunnel port "
                    + $"{bundle.Name} that excludes this VLAN";
                return false;
            case VlanMode.NativeTagged or VlanMode.NativeUntagged when Vid == 0:
                return true;
            default:
                if (bundle.Includes(Vid)) return true;
                break;
        }

        refusal = $"dropping VLAN {Vid} packet received on port {bundle.Name} not configured for "
            + $"trunking VLAN {Vid}";
        return false;
    }

    /// <summary>From the tags on the wire of 'bundle' to the VLAN inside the bridge.</summary>
    /// <remarks>As in OVS, an access port gives a packet one tag, whatever else it had.</remarks>
    public VlanTags Inward(BundleSnapshot bundle) => bundle.VlanMode switch
    {
        VlanMode.Access => new VlanTags(Tpid, (ushort)bundle.Vlan, Pcp, 0, 0, 0),
        VlanMode.NativeTagged or VlanMode.NativeUntagged when Vid == 0 =>
            this with { Vid = (ushort)bundle.Vlan },
        VlanMode.Dot1qTunnel => new VlanTags(
            bundle.QinqEthertype, (ushort)bundle.Vlan, 0, Tpid, Vid, Pcp),
        _ => this,
    };

    public bool IsCarriedBy(BundleSnapshot bundle) => bundle.VlanMode switch
    {
        VlanMode.Access => Vid == bundle.Vlan && InnerVid == 0,
        VlanMode.Dot1qTunnel => Vid == bundle.Vlan
            && (bundle.Cvlans.IsEmpty || bundle.Cvlans.Contains(InnerVid)),
        _ => bundle.Includes(Vid),
    };

    /// <summary>From the VLAN inside the bridge to the tags on the wire of 'bundle'.</summary>
    public VlanTags Outward(BundleSnapshot bundle) => bundle.VlanMode switch
    {
        VlanMode.Access => new VlanTags(Tpid, 0, PriorityFor(bundle), 0, 0, 0),
        VlanMode.NativeUntagged when Vid == bundle.Vlan && InnerVid == 0 =>
            new VlanTags(Tpid, 0, PriorityFor(bundle), 0, 0, 0),
        VlanMode.NativeUntagged when Vid == bundle.Vlan => Popped(),
        VlanMode.Dot1qTunnel => Popped(),
        _ => this,
    };

    private VlanTags Popped() => new(InnerTpid, InnerVid, InnerPcp, 0, 0, 0);

    /// <summary>The priority that an untagged port keeps, in a tag of VLAN 0.</summary>
    private byte PriorityFor(BundleSnapshot bundle) =>
        bundle.PriorityTags == PriorityTagging.Never ? (byte)0 : Pcp;

    /// <summary>Writes the tags into a flow; one without VLAN and priority is none.</summary>
    public void Put(ref FlowKey flow)
    {
        var hasInner = (InnerVid | InnerPcp) != 0;
        var hasOuter = (Vid | Pcp) != 0;
        flow.VlanTci1Wire = hasInner ? Tci(InnerVid, InnerPcp) : (ushort)0;
        flow.VlanTpid1Wire = hasInner ? TpidOf(InnerTpid) : (ushort)0;
        flow.VlanTci0Wire = hasOuter ? Tci(Vid, Pcp) : (ushort)0;
        flow.VlanTpid0Wire = hasOuter ? TpidOf(Tpid) : (ushort)0;
    }

    private static ushort Tci(ushort vid, byte pcp) =>
        KeyCommit.Host((ushort)(vid | (pcp << 13) | Present));

    private static ushort TpidOf(ushort tpid) =>
        KeyCommit.Host(tpid == 0 ? TpidDefault : tpid);
}
