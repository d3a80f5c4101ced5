using System.Buffers.Binary;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>Finds out what a device can do by having it done to a packet of our own.</summary>
/// <remarks>
/// No probe sends anything anywhere. OVSEXT reports an action it lacks only here (ENOTSUPP);
/// a flow with the same action it would take without a word.
/// </remarks>
internal static class FeatureProbe
{
    /// <summary>Zone of the one probe that tracks; nothing is committed.</summary>
    private const ushort Zone = 0xFFFF;

    public static KernelFeatures Run(NetlinkEndpoint endpoint)
    {
        lock (endpoint.Gate)
        {
            FlowKey key = default;
            key.InPort = uint.MaxValue;
            key.EthernetSource = MacBytes.FromUInt64(0x02_00_00_00_00_01);
            key.EthernetDestination = MacBytes.FromUInt64(0x02_00_00_00_00_02);
            key.EthernetType = EtherType.Ipv4;
            key.NetworkProtocol = IpProtocol.Udp;
            key.NetworkTtl = 64;
            key.Ipv4Source = 0xC000_0201; // 192.0.2.1, RFC 5737
            key.Ipv4Destination = 0xC000_0202;
            key.PortSource = 9;
            key.PortDestination = 9;
            var packet = PacketBuilder.Compose(key, 64);
            var (maskKey, mask) = (key, key);
            mask.EthernetSource = MacBytes.Broadcast;

            bool Can(params OvsActionAttribute[] actions) =>
                Execute(endpoint, packet, in key, actions).IsOk;

            var meters = Meters(endpoint);
            return new KernelFeatures
            {
                HasMaskedSet = Can(OvsSetMasked.From(OvsKey.Ethernet, in maskKey, in mask)),
                HasConntrack = Can(new OvsConntrack(Zone: Zone)),
                HasConntrackNat = Can(new OvsConntrack(Zone: Zone, Nat: new OvsNat())),
                HasConntrackClear = Can(new OvsConntrackClear()),
                HasConntrackTimeout = endpoint.Dialect == NetlinkDialect.Linux
                    && Can(new OvsConntrack(Commit: true, Zone: Zone, Timeout: "default")),
                HasConntrackHelper = Can(new OvsConntrack(Zone: Zone, Helper: "ftp")),
                HasTruncate = Can(new OvsTruncate(64)),
                HasClone = Can(new OvsClone([])),
                HasSample = Can(new OvsSample(0, [new OvsPopVlan()])),
                HasCheckPacketLength = Can(new OvsCheckPacketLength(1500, default, default)),
                HasPushEthernet = Can(new OvsPopEthernet()),
                HasMpls = Can(new OvsPushMpls(0x0001_0000, 0x8847)),
                HasAddMpls = Can(new OvsAddMpls(0x0001_0000, 0x8847, 0)),
                HasDecrementTtl = Can(new OvsDecrementTtl(default)),
                HasExplicitDrop = Can(new OvsDrop(0)),
                HasHash = Can(new OvsHash(0, 0)),
                HasRecirculation = true,
                HasMeters = meters is not null,
                MeterBandsMax = meters ?? 0,
                HasAllKeys = endpoint.Dialect == NetlinkDialect.Linux,
                HasMasks = KeepsMasks(endpoint, in key),
            };
        }
    }

    /// <summary>PACKET_EXECUTE; the gate is held.</summary>
    public static NetlinkOutcome Execute(
        NetlinkEndpoint endpoint, ReadOnlySpan<byte> packet, in FlowKey key,
        ReadOnlySpan<OvsActionAttribute> actions, ushort receiveUnitMax = 0)
    {
        var writer = endpoint.Writer();
        var header = endpoint.Header(
            OvsFamily.Packet, OvsPacketCommand.Execute, endpoint.Change);
        OvsPacketMessage.WriteExecute(
            ref writer, in header, packet, in key, actions, endpoint.KeyForm, receiveUnitMax);
        return endpoint.Transact(ref writer, out _);
    }

    /// <summary>
    /// A flow that no packet hits is put with a mask, and looked at: is the mask still there?
    /// </summary>
    private static bool KeepsMasks(NetlinkEndpoint endpoint, in FlowKey template)
    {
        var key = template;
        key.InPort = 0xFFFE;
        FlowKey mask = default;
        mask.InPortWire = uint.MaxValue;
        mask.EthernetTypeWire = ushort.MaxValue;
        var writer = endpoint.Writer();
        OvsFlowMessage flow = default;
        var header = endpoint.Header(OvsFamily.Flow, OvsCommand.New, endpoint.Change);
        flow.Write(ref writer, in header, in key, in mask, true, default, endpoint.KeyForm);
        if (!endpoint.Transact(ref writer, out _).IsOk) return false;

        writer = endpoint.Writer();
        header = endpoint.Header(OvsFamily.Flow, OvsCommand.Get);
        OvsFlowMessage.WriteByKey(
            ref writer, in header, in key, in mask, true, endpoint.KeyForm);
        var hasMask = endpoint.Transact(ref writer, out var answer).IsOk
            && OvsMessage.TryParse(answer, out var message, out _, out _)
            && OvsFlowMessage.TryParse(message, out var kept, out _) && kept.HasMask;

        writer = endpoint.Writer();
        header = endpoint.Header(OvsFamily.Flow, OvsCommand.Delete, endpoint.Change);
        OvsFlowMessage.WriteByKey(
            ref writer, in header, in key, in mask, true, endpoint.KeyForm);
        endpoint.Transact(ref writer, out _);
        return hasMask;
    }

    /// <summary>Bands that a meter may have; null: there is no meter family.</summary>
    private static uint? Meters(NetlinkEndpoint endpoint)
    {
        if (endpoint.Ids.Meter == 0) return null;
        var writer = endpoint.Writer();
        new OvsMeterMessage().Write(
            ref writer, endpoint.Header(OvsFamily.Meter, OvsMeterCommand.Features));
        if (!endpoint.Transact(ref writer, out var answer).IsOk) return null;
        if (!OvsMessage.TryParse(answer, out var message, out _, out _)) return null;
        if (!OvsMeterMessage.TryParse(message, out var features, out _)) return null;
        return features.BandsMax ?? 1;
    }
}
