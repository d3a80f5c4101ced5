using System.Buffers.Binary;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>Actions to OVS_ACTION_ATTR_*.</summary>
public static class OvsActionWriter
{
    /// <summary>Writes a list; the caller has begun the attribute that holds it.</summary>
    public static void Write(
        ref NetlinkWriter writer, scoped ReadOnlySpan<OvsActionAttribute> actions)
    {
        foreach (var action in actions) One(ref writer, action);
    }

    private static void One(ref NetlinkWriter writer, OvsActionAttribute action)
    {
        Span<byte> value = stackalloc byte[12];
        value.Clear();
        switch (action)
        {
            case OvsOutput output: UInt32(ref writer, OvsActionType.Output, output.Port); break;
            case OvsRecirculate next:
                UInt32(ref writer, OvsActionType.Recirculate, next.RecirculationId);
                break;
            case OvsTruncate cut: UInt32(ref writer, OvsActionType.Truncate, cut.SizeMax); break;
            case OvsMeter meter: UInt32(ref writer, OvsActionType.Meter, meter.MeterId); break;
            case OvsDrop drop: UInt32(ref writer, OvsActionType.Drop, drop.Reason); break;
            case OvsLbOutput bond: UInt32(ref writer, OvsActionType.LbOutput, bond.BondId); break;
            case OvsPopVlan: writer.PutFlag((ushort)OvsActionType.PopVlan); break;
            case OvsPopEthernet: writer.PutFlag((ushort)OvsActionType.PopEthernet); break;
            case OvsPopNsh: writer.PutFlag((ushort)OvsActionType.PopNsh); break;
            case OvsConntrackClear: writer.PutFlag((ushort)OvsActionType.ConntrackClear); break;
            case OvsPushVlan push:
                BinaryPrimitives.WriteUInt16BigEndian(value, push.Tpid);
                BinaryPrimitives.WriteUInt16BigEndian(value[2..], push.Tci);
                writer.Put((ushort)OvsActionType.PushVlan, value[..4]);
                break;
            case OvsHash hash:
                BinaryPrimitives.WriteUInt32LittleEndian(value, hash.Algorithm);
                BinaryPrimitives.WriteUInt32LittleEndian(value[4..], hash.Basis);
                writer.Put((ushort)OvsActionType.Hash, value[..8]);
                break;
            case OvsPushMpls push:
                Mpls(ref writer, OvsActionType.PushMpls, push.EntryWire, push.EthernetType, 0);
                break;
            case OvsAddMpls add:
                Mpls(ref writer, OvsActionType.AddMpls, add.EntryWire, add.EthernetType,
                    add.Flags);
                break;
            case OvsPopMpls pop:
                writer.PutBigUInt16((ushort)OvsActionType.PopMpls, pop.EthernetType);
                break;
            case OvsPushEthernet push:
                push.Source.CopyTo(value);
                push.Destination.CopyTo(value[6..]);
                writer.Put((ushort)OvsActionType.PushEthernet, value);
                break;
            default: Nested(ref writer, action); break;
        }
    }

    private static void Nested(ref NetlinkWriter writer, OvsActionAttribute action)
    {
        switch (action)
        {
            case OvsUserspace up: Userspace(ref writer, up); break;
            case OvsConntrack track: OvsConntrackAction.Write(ref writer, track); break;
            case OvsSet set:
                var plain = writer.Begin((ushort)OvsActionType.Set);
                writer.Put((ushort)set.Key, set.Value.AsSpan());
                writer.End(plain);
                break;
            case OvsSetMasked set: SetMasked(ref writer, set); break;
            case OvsSample sample:
                var outer = writer.Begin((ushort)OvsActionType.Sample);
                writer.PutUInt32(OvsSampleAttribute.Probability, sample.Probability);
                List(ref writer, OvsSampleAttribute.Actions, sample.Actions);
                writer.End(outer);
                break;
            case OvsClone clone:
                List(ref writer, (ushort)OvsActionType.Clone, clone.Actions);
                break;
            case OvsCheckPacketLength check:
                var nest = writer.Begin((ushort)OvsActionType.CheckPacketLength);
                writer.PutUInt16(OvsCheckLengthAttribute.Length, check.Length);
                List(ref writer, OvsCheckLengthAttribute.IfGreater, check.IfGreater);
                List(ref writer, OvsCheckLengthAttribute.IfLessOrEqual, check.IfLessOrEqual);
                writer.End(nest);
                break;
            case OvsDecrementTtl ttl:
                var expired = writer.Begin((ushort)OvsActionType.DecrementTtl);
                List(ref writer, OvsDecrementTtlAttribute.Actions, ttl.Actions);
                writer.End(expired);
                break;
            case OvsPsample sample:
                var copy = writer.Begin((ushort)OvsActionType.Psample);
                writer.PutUInt32(OvsPsampleAttribute.Group, sample.Group);
                if (!sample.Cookie.IsEmpty)
                {
                    writer.Put(OvsPsampleAttribute.Cookie, sample.Cookie.AsSpan());
                }

                writer.End(copy);
                break;
            case OvsPushNsh push:
                writer.Put((ushort)OvsActionType.PushNsh, push.Attributes.AsSpan());
                break;
            case OvsUnknownAction unknown:
                writer.Put(unknown.Type, unknown.Value.AsSpan());
                break;
        }
    }

    private static void Userspace(ref NetlinkWriter writer, OvsUserspace up)
    {
        var nest = writer.Begin((ushort)OvsActionType.Userspace);
        writer.PutUInt32(OvsUserspaceAttribute.Pid, up.Pid);
        if (!up.Userdata.IsEmpty)
        {
            writer.Put(OvsUserspaceAttribute.Userdata, up.Userdata.AsSpan());
        }

        if (up.EgressTunnelPort is { } port)
        {
            writer.PutUInt32(OvsUserspaceAttribute.EgressTunnelPort, port);
        }

        if (up.WithActions) writer.PutFlag(OvsUserspaceAttribute.Actions);
        writer.End(nest);
    }

    private static void SetMasked(ref NetlinkWriter writer, OvsSetMasked set)
    {
        byte[] both = [.. set.Value.AsSpan(), .. set.Mask.AsSpan()];
        var nest = writer.Begin((ushort)OvsActionType.SetMasked);
        writer.Put((ushort)set.Key, both);
        writer.End(nest);
    }

    private static void Mpls(
        ref NetlinkWriter writer, OvsActionType type, uint entryWire, ushort ethernetType,
        ushort flags)
    {
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(value, entryWire);
        BinaryPrimitives.WriteUInt16BigEndian(value[4..], ethernetType);
        BinaryPrimitives.WriteUInt16LittleEndian(value[6..], flags);
        writer.Put((ushort)type, value);
    }

    private static void List(
        ref NetlinkWriter writer, ushort type, EquatableArray<OvsActionAttribute> actions)
    {
        var nest = writer.Begin(type);
        Write(ref writer, actions.AsSpan());
        writer.End(nest);
    }

    private static void UInt32(ref NetlinkWriter writer, OvsActionType type, uint value) =>
        writer.PutUInt32((ushort)type, value);
}
