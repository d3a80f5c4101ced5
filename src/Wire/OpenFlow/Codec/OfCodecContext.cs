namespace Fabric.Wire.OpenFlow;

/// <summary>
/// What decoding and encoding depend on besides the bytes: the connection's state.
/// </summary>
/// <param name="Version">The negotiated version.</param>
/// <param name="Tlv">The bridge's tunnel options: their size on the wire.</param>
/// <param name="FlowModTableId">NXT_FLOW_MOD_TABLE_ID is on (OpenFlow 1.0 only).</param>
public readonly record struct OfCodecContext(OfVersion Version, TlvTable Tlv, bool FlowModTableId)
{
    public OfCodecContext(OfVersion version) : this(version, TlvTable.Empty, false) { }

    /// <summary>NXT_SET_FLOW_FORMAT chose Nicira's matches (OpenFlow 1.0 only).</summary>
    public bool UsesNxm { get; init; }

    public bool IsVersion10 => Version == OfVersion.OpenFlow10;

    /// <summary>Matches are OXM (OpenFlow 1.2 and later).</summary>
    public bool HasOxm => Version >= OfVersion.OpenFlow12;
}
