using System.Net;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>One datapath action as it lies in a message, linux/openvswitch.h.</summary>
/// <remarks>Host order, except fields that end in Wire. Compared by value.</remarks>
public abstract record OvsActionAttribute;

public sealed record OvsOutput(uint Port) : OvsActionAttribute;

/// <param name="EgressTunnelPort">Port whose tunnel key the upcall shall carry.</param>
/// <param name="WithActions">The upcall shall carry the flow's actions.</param>
public sealed record OvsUserspace(
    uint Pid, EquatableArray<byte> Userdata, uint? EgressTunnelPort = null,
    bool WithActions = false) : OvsActionAttribute;

/// <summary>Sets the whole of one key attribute; its value is as in a key.</summary>
public sealed record OvsSet(OvsKey Key, EquatableArray<byte> Value) : OvsActionAttribute
{
    /// <summary>The action that sets 'key' to the fields of 'values'.</summary>
    /// <param name="key">Any key attribute of fixed size, or the tunnel.</param>
    public static OvsSet From(OvsKey key, in FlowKey values) =>
        new(key, OvsSetValue.Encode(key, in values, false));

    /// <summary>The fields that are set; false when the value is no such attribute's.</summary>
    public bool TryDecode(out FlowKey values) =>
        OvsSetValue.TryDecode(Key, Value.AsSpan(), false, out values);
}

/// <summary>Sets the bits of one key attribute that the mask has. OVSEXT lacks it.</summary>
public sealed record OvsSetMasked(
    OvsKey Key, EquatableArray<byte> Value, EquatableArray<byte> Mask) : OvsActionAttribute
{
    public static OvsSetMasked From(OvsKey key, in FlowKey values, in FlowKey mask) => new(
        key, OvsSetValue.Encode(key, in values, false), OvsSetValue.Encode(key, in mask, true));

    public bool TryDecode(out FlowKey values, out FlowKey mask)
    {
        mask = default;
        return OvsSetValue.TryDecode(Key, Value.AsSpan(), false, out values)
            && OvsSetValue.TryDecode(Key, Mask.AsSpan(), true, out mask);
    }
}

/// <param name="Tci">With the CFI bit (0x1000) set.</param>
public sealed record OvsPushVlan(ushort Tpid, ushort Tci) : OvsActionAttribute;

public sealed record OvsPopVlan : OvsActionAttribute;

public sealed record OvsSample(uint Probability, EquatableArray<OvsActionAttribute> Actions)
    : OvsActionAttribute;

public sealed record OvsRecirculate(uint RecirculationId) : OvsActionAttribute;

/// <param name="Algorithm">0: L4; 1: symmetric L4, userspace only.</param>
public sealed record OvsHash(uint Algorithm, uint Basis) : OvsActionAttribute;

public sealed record OvsPushMpls(uint EntryWire, ushort EthernetType) : OvsActionAttribute;

public sealed record OvsPopMpls(ushort EthernetType) : OvsActionAttribute;

public sealed record OvsTruncate(uint SizeMax) : OvsActionAttribute;

public sealed record OvsPushEthernet(MacBytes Source, MacBytes Destination) : OvsActionAttribute;

public sealed record OvsPopEthernet : OvsActionAttribute;

public sealed record OvsConntrackClear : OvsActionAttribute;

/// <param name="Attributes">OVS_NSH_KEY_ATTR_*, raw.</param>
public sealed record OvsPushNsh(EquatableArray<byte> Attributes) : OvsActionAttribute;

public sealed record OvsPopNsh : OvsActionAttribute;

public sealed record OvsMeter(uint MeterId) : OvsActionAttribute;

public sealed record OvsClone(EquatableArray<OvsActionAttribute> Actions) : OvsActionAttribute;

public sealed record OvsCheckPacketLength(
    ushort Length, EquatableArray<OvsActionAttribute> IfGreater,
    EquatableArray<OvsActionAttribute> IfLessOrEqual) : OvsActionAttribute;

/// <param name="Flags">1: before the network header, else before Ethernet.</param>
public sealed record OvsAddMpls(uint EntryWire, ushort EthernetType, ushort Flags)
    : OvsActionAttribute;

/// <param name="Actions">Run when the TTL is used up.</param>
public sealed record OvsDecrementTtl(EquatableArray<OvsActionAttribute> Actions)
    : OvsActionAttribute;

public sealed record OvsDrop(uint Reason) : OvsActionAttribute;

/// <param name="Cookie">At most 16 bytes.</param>
public sealed record OvsPsample(uint Group, EquatableArray<byte> Cookie) : OvsActionAttribute;

public sealed record OvsLbOutput(uint BondId) : OvsActionAttribute;

/// <summary>An action of a newer kernel: kept, so that a dump shows that there is one.</summary>
public sealed record OvsUnknownAction(ushort Type, EquatableArray<byte> Value)
    : OvsActionAttribute;

/// <param name="Mark">Null: the mark stays.</param>
/// <param name="Labels">Null: the label stays.</param>
/// <param name="EventMask">Which events to report; null: all.</param>
public sealed record OvsConntrack(
    bool Commit = false, bool ForceCommit = false, ushort? Zone = null,
    OvsMasked<uint>? Mark = null, OvsMasked<UInt128>? Labels = null, string? Helper = null,
    OvsNat? Nat = null, OvsConntrackEvents? EventMask = null, string? Timeout = null)
    : OvsActionAttribute;

public readonly record struct OvsMasked<T>(T Value, T Mask);

/// <summary>OVS_CT_ATTR_NAT. Neither source nor destination: what the connection has.</summary>
public sealed record OvsNat(
    bool IsSource = false, bool IsDestination = false, IPAddress? AddressMin = null,
    IPAddress? AddressMax = null, ushort? PortMin = null, ushort? PortMax = null,
    bool Persistent = false, bool HashPorts = false, bool RandomPorts = false);
