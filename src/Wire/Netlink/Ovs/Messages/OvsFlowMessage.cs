using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>A message of ovs_flow: a view over bytes, for speed; nothing is allocated.</summary>
/// <remarks>
/// linux/openvswitch.h, OVS_FLOW_ATTR_*. Key, Mask and Actions are attribute sets, for
/// <see cref="OvsFlowKeyReader"/> and <see cref="OvsActionReader"/>. OVSEXT sends no masks, and a
/// delete without attributes flushes the table.
/// </remarks>
public ref struct OvsFlowMessage
{
    public ReadOnlySpan<byte> Key { get; set; }
    public ReadOnlySpan<byte> Mask { get; set; }
    public ReadOnlySpan<byte> Actions { get; set; }

    /// <summary>Up to 16 bytes; Linux only.</summary>
    public ReadOnlySpan<byte> Ufid { get; set; }

    public bool HasKey { get; set; }
    public bool HasMask { get; set; }

    /// <summary>An empty list means drop; no list means that none was sent.</summary>
    public bool HasActions { get; set; }

    public bool HasStatistics { get; set; }
    public ulong Packets { get; set; }
    public ulong Bytes { get; set; }
    public byte? TcpFlags { get; set; }

    /// <summary>Milliseconds of the kernel's monotonic clock; null: never used.</summary>
    public ulong? UsedMilliseconds { get; set; }

    public bool Clear { get; set; }
    public bool Probe { get; set; }
    public uint? UfidFlags { get; set; }

    public static bool TryParse(
        scoped in OvsMessage message, out OvsFlowMessage flow, out NetlinkFault fault)
    {
        flow = default;
        var reader = new NetlinkAttributeReader(message.Attributes, "flow");
        while (reader.TryNext())
        {
            switch (reader.Type)
            {
                case OvsFlowAttribute.Key:
                    flow.Key = reader.Value;
                    flow.HasKey = true;
                    break;
                case OvsFlowAttribute.Mask:
                    flow.Mask = reader.Value;
                    flow.HasMask = true;
                    break;
                case OvsFlowAttribute.Actions:
                    flow.Actions = reader.Value;
                    flow.HasActions = true;
                    break;
                case OvsFlowAttribute.Statistics when reader.IsSizeMin(16):
                    flow.HasStatistics = true;
                    flow.Packets = OvsCounters.Read(reader.Value, 0);
                    flow.Bytes = OvsCounters.Read(reader.Value, 1);
                    break;
                case OvsFlowAttribute.TcpFlags: flow.TcpFlags = reader.UInt8(); break;
                case OvsFlowAttribute.Used: flow.UsedMilliseconds = reader.UInt64(); break;
                case OvsFlowAttribute.Clear: flow.Clear = reader.Flag(); break;
                case OvsFlowAttribute.Probe: flow.Probe = reader.Flag(); break;
                case OvsFlowAttribute.UfidFlags: flow.UfidFlags = reader.UInt32(); break;
                case OvsFlowAttribute.Ufid:
                    if (reader.Value.Length is 0 or > 16) reader.Refuse(NetlinkFaultKind.Size);
                    flow.Ufid = reader.Value;
                    break;
            }
        }

        return reader.IsSound(out fault);
    }

    public readonly void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        if (HasKey) writer.Put(OvsFlowAttribute.Key, Key);
        if (HasActions) writer.Put(OvsFlowAttribute.Actions, Actions);
        Rest(ref writer);
        writer.EndMessage(start);
    }

    /// <summary>A new or set, or what a dump says of a flow, from key, mask and actions.</summary>
    /// <param name="isMasked">False for OVSEXT: no mask is written.</param>
    public readonly void Write(
        ref NetlinkWriter writer, scoped in OvsHeader header, in FlowKey key, in FlowKey mask,
        bool isMasked, EquatableArray<OvsActionAttribute> actions, OvsKeyForm form)
    {
        var start = writer.BeginMessage(in header);
        WriteKey(ref writer, in key, in mask, isMasked, form);
        var nest = writer.Begin(OvsFlowAttribute.Actions);
        OvsActionWriter.Write(ref writer, actions.AsSpan());
        writer.End(nest);
        if (isMasked)
        {
            nest = writer.Begin(OvsFlowAttribute.Mask);
            OvsFlowKeyWriter.WriteMask(ref writer, in key, in mask, form);
            writer.End(nest);
        }

        Rest(ref writer);
        writer.EndMessage(start);
    }

    /// <summary>A get or delete of one flow: its key alone.</summary>
    public static void WriteByKey(
        ref NetlinkWriter writer, scoped in OvsHeader header, in FlowKey key, in FlowKey mask,
        bool isMasked, OvsKeyForm form)
    {
        var start = writer.BeginMessage(in header);
        WriteKey(ref writer, in key, in mask, isMasked, form);
        writer.EndMessage(start);
    }

    private static void WriteKey(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey mask, bool isMasked, OvsKeyForm form)
    {
        var nest = writer.Begin(OvsFlowAttribute.Key);
        if (isMasked) OvsFlowKeyWriter.Write(ref writer, in key, in mask, form);
        else OvsFlowKeyWriter.Write(ref writer, in key, form);
        writer.End(nest);
    }

    private readonly void Rest(ref NetlinkWriter writer)
    {
        if (HasStatistics) writer.PutUInt64s(OvsFlowAttribute.Statistics, Packets, Bytes);
        if (TcpFlags is { } flags) writer.PutUInt8(OvsFlowAttribute.TcpFlags, flags);
        if (UsedMilliseconds is { } used) writer.PutUInt64(OvsFlowAttribute.Used, used);
        if (Clear) writer.PutFlag(OvsFlowAttribute.Clear);
        if (HasMask) writer.Put(OvsFlowAttribute.Mask, Mask);
        if (Probe) writer.PutFlag(OvsFlowAttribute.Probe);
        if (!Ufid.IsEmpty) writer.Put(OvsFlowAttribute.Ufid, Ufid);
        if (UfidFlags is { } part) writer.PutUInt32(OvsFlowAttribute.UfidFlags, part);
    }
}

/// <summary>Structures of statistics: 64-bit numbers one after the other.</summary>
internal static class OvsCounters
{
    public static ulong Read(ReadOnlySpan<byte> bytes, int index) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes[(index * 8)..]);
}
