namespace Fabric.Wire.Netlink;

/// <summary>A message of ovs_packet: an upcall, or a packet to execute actions on.</summary>
/// <remarks>
/// linux/openvswitch.h, OVS_PACKET_ATTR_*. A view. Userdata is what the userspace action gave;
/// EgressTunnelKey holds OVS_TUNNEL_KEY_ATTR_*, for <see cref="OvsTunnelKey"/>.
/// </remarks>
public ref struct OvsPacketMessage
{
    public ReadOnlySpan<byte> Packet { get; set; }
    public ReadOnlySpan<byte> Key { get; set; }
    public ReadOnlySpan<byte> Actions { get; set; }
    public ReadOnlySpan<byte> Userdata { get; set; }
    public ReadOnlySpan<byte> EgressTunnelKey { get; set; }
    public bool HasActions { get; set; }
    public bool HasUserdata { get; set; }
    public bool HasEgressTunnelKey { get; set; }
    public bool Probe { get; set; }

    /// <summary>Bytes that fragments were limited to when they came in.</summary>
    public ushort? ReceiveUnitMax { get; set; }

    /// <summary>Bytes of the packet before it was cut for the upcall.</summary>
    public uint? Length { get; set; }

    public ulong? Hash { get; set; }
    public uint? UpcallPid { get; set; }

    /// <summary>False also when there is no packet or no key: both must be there.</summary>
    public static bool TryParse(
        scoped in OvsMessage message, out OvsPacketMessage packet, out NetlinkFault fault)
    {
        packet = default;
        var seen = 0;
        var reader = new NetlinkAttributeReader(message.Attributes, "packet");
        while (reader.TryNext())
        {
            if (reader.Type < 32) seen |= 1 << reader.Type;
            switch (reader.Type)
            {
                case OvsPacketAttribute.Packet: packet.Packet = reader.Value; break;
                case OvsPacketAttribute.Key: packet.Key = reader.Value; break;
                case OvsPacketAttribute.Actions:
                    packet.Actions = reader.Value;
                    packet.HasActions = true;
                    break;
                case OvsPacketAttribute.Userdata:
                    packet.Userdata = reader.Value;
                    packet.HasUserdata = true;
                    break;
                case OvsPacketAttribute.EgressTunnelKey:
                    packet.EgressTunnelKey = reader.Value;
                    packet.HasEgressTunnelKey = true;
                    break;
                case OvsPacketAttribute.Probe: packet.Probe = reader.Flag(); break;
                case OvsPacketAttribute.ReceiveUnitMax:
                    packet.ReceiveUnitMax = reader.UInt16();
                    break;
                case OvsPacketAttribute.Length: packet.Length = reader.UInt32(); break;
                case OvsPacketAttribute.Hash: packet.Hash = reader.UInt64(); break;
                case OvsPacketAttribute.UpcallPid: packet.UpcallPid = reader.UInt32(); break;
            }
        }

        if (!reader.IsSound(out fault)) return false;
        const int Needed = (1 << OvsPacketAttribute.Packet) | (1 << OvsPacketAttribute.Key);
        if ((seen & Needed) == Needed) return true;
        fault = new NetlinkFault(NetlinkFaultKind.Missing, "packet");
        return false;
    }

    /// <summary>An EXECUTE: the packet, its key with metadata, and what to do with it.</summary>
    /// <param name="receiveUnitMax">
    /// Of the fragments that it came in, as its upcall said; it leaves in such. 0: it was whole.
    /// </param>
    public static void WriteExecute(
        ref NetlinkWriter writer, scoped in OvsHeader header, scoped ReadOnlySpan<byte> packet,
        in FlowKey key, scoped ReadOnlySpan<OvsActionAttribute> actions, OvsKeyForm form,
        ushort receiveUnitMax = 0)
    {
        var start = writer.BeginMessage(in header);
        writer.Put(OvsPacketAttribute.Packet, packet);
        var nest = writer.Begin(OvsPacketAttribute.Key);
        OvsFlowKeyWriter.Write(ref writer, in key, form);
        writer.End(nest);
        nest = writer.Begin(OvsPacketAttribute.Actions);
        OvsActionWriter.Write(ref writer, actions);
        writer.End(nest);
        if (receiveUnitMax > 0)
        {
            writer.PutUInt16(OvsPacketAttribute.ReceiveUnitMax, receiveUnitMax);
        }

        writer.EndMessage(start);
    }

    /// <summary>An upcall as the kernel sends it: packet, key, and an action's userdata.</summary>
    /// <param name="userdata">Written when it is not empty.</param>
    public static void WriteUpcall(
        ref NetlinkWriter writer, scoped in OvsHeader header, scoped ReadOnlySpan<byte> packet,
        in FlowKey key, scoped ReadOnlySpan<byte> userdata, OvsKeyForm form)
    {
        var start = writer.BeginMessage(in header);
        writer.Put(OvsPacketAttribute.Packet, packet);
        var nest = writer.Begin(OvsPacketAttribute.Key);
        OvsFlowKeyWriter.Write(ref writer, in key, form);
        writer.End(nest);
        if (!userdata.IsEmpty) writer.Put(OvsPacketAttribute.Userdata, userdata);
        writer.EndMessage(start);
    }

    public readonly void Write(ref NetlinkWriter writer, scoped in OvsHeader header)
    {
        var start = writer.BeginMessage(in header);
        writer.Put(OvsPacketAttribute.Packet, Packet);
        writer.Put(OvsPacketAttribute.Key, Key);
        if (HasActions) writer.Put(OvsPacketAttribute.Actions, Actions);
        if (HasUserdata) writer.Put(OvsPacketAttribute.Userdata, Userdata);
        if (HasEgressTunnelKey) writer.Put(OvsPacketAttribute.EgressTunnelKey, EgressTunnelKey);
        if (Probe) writer.PutFlag(OvsPacketAttribute.Probe);
        if (ReceiveUnitMax is { } mru) writer.PutUInt16(OvsPacketAttribute.ReceiveUnitMax, mru);
        if (Length is { } length) writer.PutUInt32(OvsPacketAttribute.Length, length);
        if (Hash is { } hash) writer.PutUInt64(OvsPacketAttribute.Hash, hash);
        if (UpcallPid is { } pid) writer.PutUInt32(OvsPacketAttribute.UpcallPid, pid);
        writer.EndMessage(start);
    }
}
