namespace Fabric.Wire.OpenFlow;

/// <summary>
/// The meaning of an OpenFlow message, whatever protocol version it is written in.
/// </summary>
/// <remarks>
/// The transaction id and the version belong to the envelope (<see cref="OfEnvelope"/>), so that
/// messages compare by what they say. Numbers are in host order.
/// </remarks>
public abstract record OfMessage;

/// <summary>A message on its way: version and transaction id of its header.</summary>
public readonly record struct OfEnvelope(OfVersion Version, uint Xid, OfMessage Message);

/// <param name="Versions">Bit n: version number n is spoken (OpenFlow 1.3.1 section 5.5.1).</param>
public sealed record OfHello(uint Versions) : OfMessage;

/// <param name="Data">At least the first 64 bytes of the offending message.</param>
public sealed record OfErrorMessage(OfErrorCode Code, EquatableArray<byte> Data) : OfMessage
{
    /// <summary>The number as received, also of errors that the catalogue does not know.</summary>
    public OfErrorNumber? Number { get; init; }
}

public sealed record OfEchoRequest(EquatableArray<byte> Data) : OfMessage;

public sealed record OfEchoReply(EquatableArray<byte> Data) : OfMessage;

public sealed record OfBarrierRequest : OfMessage;

public sealed record OfBarrierReply : OfMessage;

public sealed record OfFeaturesRequest : OfMessage;

/// <param name="Capabilities">OpenFlow 1.3's OFPC_* bits; the codec translates for others.</param>
/// <param name="Actions">OpenFlow 1.0 only: bit n, action type n.</param>
/// <param name="Ports">OpenFlow 1.0 to 1.2 only.</param>
public sealed record OfFeaturesReply(
    ulong DatapathId, uint BufferCount, byte TableCount, byte AuxiliaryId,
    OfCapabilities Capabilities, uint Actions, EquatableArray<OfPortDescription> Ports) : OfMessage;

[Flags]
public enum OfCapabilities : uint
{
    None = 0,
    FlowStats = 1 << 0,
    TableStats = 1 << 1,
    PortStats = 1 << 2,
    GroupStats = 1 << 3,
    IpReassembly = 1 << 5,
    QueueStats = 1 << 6,
    PortBlocked = 1 << 8,
    Bundles = 1 << 9,
    FlowMonitoring = 1 << 10,
    /// <summary>OpenFlow 1.0 only: STP (bit 3 there).</summary>
    SpanningTree = 1u << 30,
    /// <summary>OpenFlow 1.0 and 1.1: match IP addresses in ARP (bit 7).</summary>
    ArpMatchIp = 1u << 7,
}

public sealed record OfGetConfigRequest : OfMessage;

public sealed record OfGetConfigReply(OfConfigFlags Flags, ushort MissSendLength) : OfMessage;

public sealed record OfSetConfig(OfConfigFlags Flags, ushort MissSendLength) : OfMessage;

[Flags]
public enum OfConfigFlags : ushort
{
    None = 0,
    FragmentDrop = 1,
    FragmentReassemble = 2,
    /// <summary>Nicira: nw_frag can be matched.</summary>
    FragmentNxMatch = 3,
    FragmentMask = 3,
    /// <summary>OpenFlow 1.1 and 1.2: packets with invalid TTL go to the controller.</summary>
    InvalidTtlToController = 4,
}

public enum OfRole : uint { NoChange = 0, Equal = 1, Primary = 2, Secondary = 3 }

/// <param name="GenerationId">null: the request carries none (Nicira's, or NoChange).</param>
public sealed record OfRoleRequest(OfRole Role, ulong? GenerationId) : OfMessage;

public sealed record OfRoleReply(OfRole Role, ulong? GenerationId) : OfMessage;

public enum OfRoleReason : byte { PrimaryRequest = 0, Configuration = 1, Experimenter = 2 }

public sealed record OfRoleStatus(OfRole Role, OfRoleReason Reason, ulong GenerationId) : OfMessage;

/// <summary>Which asynchronous messages a connection wants, by role: bit n is reason n.</summary>
public sealed record OfAsyncMasks(
    uint PacketInPrimary, uint PacketInSecondary, uint PortStatusPrimary,
    uint PortStatusSecondary, uint FlowRemovedPrimary, uint FlowRemovedSecondary)
{
    public uint RoleStatusPrimary { get; init; }
    public uint RoleStatusSecondary { get; init; }
    public uint TableStatusPrimary { get; init; }
    public uint TableStatusSecondary { get; init; }
    public uint RequestForwardPrimary { get; init; }
    public uint RequestForwardSecondary { get; init; }
}

public sealed record OfGetAsyncRequest : OfMessage;

public sealed record OfGetAsyncReply(OfAsyncMasks Masks) : OfMessage;

/// <param name="Changes">
/// OpenFlow 1.4: only the properties that were sent; else all six old masks. Pairs of
/// (property type, mask) as in OFPACPT_*: even = secondary, odd = primary.
/// </param>
public sealed record OfSetAsync(EquatableArray<OfAsyncChange> Changes) : OfMessage;

public readonly record struct OfAsyncChange(ushort Property, uint Mask);

/// <summary>A vendor's message that is not implemented, or one that is only passed on.</summary>
public sealed record OfExperimenter(uint Vendor, uint Subtype, EquatableArray<byte> Data)
    : OfMessage;

/// <summary>Applies a set-async message to what a connection wanted until then.</summary>
public static class OfAsyncRules
{
    public static OfAsyncMasks Apply(OfAsyncMasks masks, OfSetAsync set) =>
        AsyncCodec.Apply(masks, set.Changes);

    /// <summary>The reasons that a version can ask for in one of the masks.</summary>
    /// <param name="property">OpenFlow 1.4's property type.</param>
    public static uint KnownBits(ushort property, OfVersion version) => property switch
    {
        < 2 => version < OfVersion.OpenFlow14 ? 7u : 0x3F,
        < 4 => 7,
        < 6 => 0x3F,
        < 8 => 7,
        < 10 => 1 << (int)OfTableReason.VacancyDown | 1 << (int)OfTableReason.VacancyUp,
        _ => 3,
    };
}
