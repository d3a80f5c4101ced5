using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <summary>
/// Bits of a field: 'Width' bits from bit 'Offset' (0 is the least significant) on.
/// </summary>
public readonly record struct Subfield(MatchField Field, int Offset, int Width)
{
    /// <summary>The whole field.</summary>
    public Subfield(MatchField field) : this(field, 0, field.BitWidth) { }

    public bool IsWhole => Offset == 0 && Width == Field.BitWidth;

    /// <summary>The bits in 'key', right-aligned.</summary>
    public UInt128 Read(in PipelineKey key, TlvTable table) =>
        (Field.Read(in key, table) >> Offset) & MatchField.LowBits(Width);

    /// <summary>Sets the bits in 'key' to the lowest bits of 'value'.</summary>
    public void Write(ref PipelineKey key, UInt128 value, TlvTable table)
    {
        var mask = MatchField.LowBits(Width) << Offset;
        Field.Write(ref key, value << Offset, mask, table);
    }

    public static implicit operator Subfield(MatchField field) => new(field);
}

/// <summary>One step of what a flow does with a packet: an action or an instruction.</summary>
/// <remarks>
/// Immutable, compared by value. Names and meaning are ovs-actions(7)'s. Numbers are in host order;
/// ports are OpenFlow 1.1's 32-bit numbers.
/// </remarks>
public abstract record OfAction;

/// <summary>Output to a port; 'MaxLength' counts only for CONTROLLER.</summary>
public sealed record OfOutput(uint Port, ushort MaxLength = 0) : OfAction;

/// <summary>output(port=P,max_len=N): send only the first bytes.</summary>
public sealed record OfOutputTruncate(uint Port, uint MaxLength) : OfAction;

/// <summary>Output to the port whose number is in 'Source'.</summary>
public sealed record OfOutputRegister(Subfield Source, ushort MaxLength = ushort.MaxValue)
    : OfAction;

/// <summary>Packet-in to controllers with 'ControllerId', with data of the sender's own.</summary>
/// <param name="Pause">Freeze the pipeline until NXT_RESUME.</param>
/// <param name="MeterId">null: no meter is named.</param>
public sealed record OfController(
    ushort MaxLength = ushort.MaxValue, ushort ControllerId = 0,
    PacketInReason Reason = PacketInReason.Action, EquatableArray<byte> Userdata = default,
    bool Pause = false, uint? MeterId = null) : OfAction
{
    /// <summary>It asks for nothing that an output to port CONTROLLER could not.</summary>
    public bool IsOutput => ControllerId == 0 && Reason == PacketInReason.Action
        && Userdata.IsEmpty && !Pause && MeterId is null;
}

public sealed record OfEnqueue(uint Port, uint Queue) : OfAction;

public sealed record OfGroup(uint GroupId) : OfAction;

/// <summary>Which fields a hash is made of (Nicira's NX_HASH_FIELDS_*).</summary>
public enum OfHashFields : ushort
{
    EthernetSource, SymmetricL4, SymmetricL3L4, SymmetricL3L4Udp, Ipv4Source, Ipv4Destination,
    SymmetricL3,
}

public enum OfBundleAlgorithm : ushort { ActiveBackup, HighestRandomWeight }

/// <summary>bundle(...) and, with 'Destination', bundle_load(...).</summary>
public sealed record OfBundle(
    OfHashFields Fields, ushort Basis, OfBundleAlgorithm Algorithm, EquatableArray<uint> Members,
    Subfield? Destination = null) : OfAction;

public enum OfMultipathAlgorithm : ushort
{
    ModuloN, HashThreshold, HighestRandomWeight, IteratedHash,
}

/// <param name="LinkCount">Links are numbered 0 to LinkCount - 1.</param>
public sealed record OfMultipath(
    OfHashFields Fields, ushort Basis, OfMultipathAlgorithm Algorithm, uint LinkCount,
    uint Argument, Subfield Destination) : OfAction;

/// <summary>set_field:VALUE[/MASK]->FIELD. Value and mask are right-aligned.</summary>
public sealed record OfSetField(MatchField Field, UInt128 Value, UInt128 Mask) : OfAction
{
    /// <summary>The whole field.</summary>
    public OfSetField(MatchField field, UInt128 value) : this(field, value, field.ExactMask) { }
}

/// <summary>load:VALUE->DESTINATION.</summary>
public sealed record OfLoad(Subfield Destination, ulong Value) : OfAction;

/// <summary>move:SOURCE->DESTINATION; both have the same width.</summary>
public sealed record OfMove(Subfield Source, Subfield Destination) : OfAction;

public sealed record OfStackPush(Subfield Source) : OfAction;

public sealed record OfStackPop(Subfield Destination) : OfAction;

/// <summary>mod_vlan_vid; OpenFlow 1.0 adds a tag when there is none.</summary>
public sealed record OfSetVlanVid(ushort Vid, bool PushWhenUntagged = true) : OfAction;

public sealed record OfSetVlanPcp(byte Pcp, bool PushWhenUntagged = true) : OfAction;

/// <summary>strip_vlan (OpenFlow 1.0) and pop_vlan: the same deed, two names.</summary>
public sealed record OfStripVlan(bool IsPop = false) : OfAction;

public sealed record OfPushVlan(ushort EthernetType = 0x8100) : OfAction;

public sealed record OfSetEthernetSource(MacBytes Address) : OfAction;

public sealed record OfSetEthernetDestination(MacBytes Address) : OfAction;

public sealed record OfSetIpv4Source(uint Address) : OfAction;

public sealed record OfSetIpv4Destination(uint Address) : OfAction;

/// <summary>mod_nw_tos: the whole byte, its lowest two bits zero and left alone.</summary>
public sealed record OfSetIpTos(byte Tos) : OfAction;

public sealed record OfSetIpEcn(byte Ecn) : OfAction;

public sealed record OfSetIpTtl(byte Ttl) : OfAction;

/// <summary>mod_tp_src: TCP, UDP or SCTP, whatever the packet is.</summary>
public sealed record OfSetPortSource(ushort Port) : OfAction;

public sealed record OfSetPortDestination(ushort Port) : OfAction;

/// <summary>Controllers that hear of packets whose TTL ran out; dec_ttl alone names 0.</summary>
public sealed record OfDecrementTtl(EquatableArray<ushort> ControllerIds) : OfAction
{
    public OfDecrementTtl() : this([(ushort)0]) { }
}

public sealed record OfSetMplsLabel(uint Label) : OfAction;

public sealed record OfSetMplsTc(byte Tc) : OfAction;

public sealed record OfSetMplsTtl(byte Ttl) : OfAction;

public sealed record OfDecrementMplsTtl : OfAction;

public sealed record OfPushMpls(ushort EthernetType) : OfAction;

public sealed record OfPopMpls(ushort EthernetType) : OfAction;

/// <summary>set_tunnel (32 bits) and set_tunnel64.</summary>
public sealed record OfSetTunnel(ulong Id, bool Is64 = false) : OfAction;

public sealed record OfSetQueue(uint Queue) : OfAction;

public sealed record OfPopQueue : OfAction;

public sealed record OfFinTimeout(ushort IdleTimeout, ushort HardTimeout) : OfAction;

/// <summary>Look the packet up again, then go on here.</summary>
/// <param name="InPort">null: as it is.</param>
/// <param name="TableId">255: the current table.</param>
/// <param name="WithOriginalTuple">Look up with the connection's original tuple.</param>
public sealed record OfResubmit(
    uint? InPort, byte TableId, bool WithOriginalTuple = false) : OfAction
{
    /// <summary>resubmit(,TABLE).</summary>
    public OfResubmit(byte tableId) : this(null, tableId) { }
}

/// <summary>conjunction(ID,CLAUSE/COUNT): 'Clause' counts from 0, in text from 1.</summary>
public sealed record OfConjunction(uint Id, byte Clause, byte ClauseCount) : OfAction;

public sealed record OfNote(EquatableArray<byte> Data) : OfAction;

public sealed record OfExit : OfAction;

/// <param name="Probability">Of 65535.</param>
/// <param name="SamplingPort">OFPP_NONE when absent.</param>
/// <param name="ObservationPointSource">OVS 3.4: the point from a field; null: the number.</param>
public sealed record OfSample(
    ushort Probability, uint CollectorSetId, uint ObservationDomain, uint ObservationPoint,
    uint SamplingPort = OfPort.None, OfSampleDirection Direction = OfSampleDirection.Default,
    Subfield? ObservationDomainSource = null, Subfield? ObservationPointSource = null) : OfAction;

public enum OfSampleDirection : byte { Default, Ingress, Egress }

/// <summary>Runs 'Actions' on a copy; what they change is forgotten.</summary>
public sealed record OfClone(ActionList Actions) : OfAction;

/// <summary>1 to 'Destination' if the packet is longer than 'Size' bytes, else 0.</summary>
public sealed record OfCheckPacketLarger(Subfield Destination, ushort Size) : OfAction;

public sealed record OfDeleteField(MatchField Field) : OfAction;

/// <summary>Push a header: Ethernet, NSH or MPLS.</summary>
/// <param name="PacketType">(namespace &lt;&lt; 16) | type of the header to push.</param>
public sealed record OfEncap(
    uint PacketType, EquatableArray<OfEncapProperty> Properties = default) : OfAction;

/// <summary>A property of encap: NSH md_type (class 4, type 1) or a TLV (type 2).</summary>
public sealed record OfEncapProperty(ushort Class, byte Type, EquatableArray<byte> Data);

/// <param name="PacketType">null: whatever comes next.</param>
public sealed record OfDecap(uint? PacketType = null) : OfAction;

public sealed record OfDecrementNshTtl : OfAction;

/// <summary>Force recirculation (debugging).</summary>
public sealed record OfDebugRecirculate : OfAction;

/// <summary>Force the slow path (debugging).</summary>
public sealed record OfDebugSlow : OfAction;

// Instructions.
public sealed record OfMeter(uint MeterId) : OfAction;

public sealed record OfClearActions : OfAction;

/// <summary>Merge into the action set, which runs when the pipeline ends.</summary>
public sealed record OfWriteActions(ActionList Actions) : OfAction;

public sealed record OfWriteMetadata(ulong Value, ulong Mask = ulong.MaxValue) : OfAction;

public sealed record OfGotoTable(byte TableId) : OfAction;
