using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>OVS_ACTION_ATTR_CT with its nested translation.</summary>
internal static class OvsConntrackAction
{
    public static void Write(ref NetlinkWriter writer, OvsConntrack track)
    {
        var nest = writer.Begin((ushort)OvsActionType.Conntrack);
        if (track.Commit) writer.PutFlag(OvsConntrackActionAttribute.Commit);
        if (track.Zone is { } zone) writer.PutUInt16(OvsConntrackActionAttribute.Zone, zone);
        Span<byte> value = stackalloc byte[32];
        if (track.Mark is { } mark)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(value, mark.Value);
            BinaryPrimitives.WriteUInt32LittleEndian(value[4..], mark.Mask);
            writer.Put(OvsConntrackActionAttribute.Mark, value[..8]);
        }

        if (track.Labels is { } labels)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(value, labels.Value);
            BinaryPrimitives.WriteUInt128LittleEndian(value[16..], labels.Mask);
            writer.Put(OvsConntrackActionAttribute.Labels, value);
        }

        if (track.Helper is { } helper)
        {
            writer.PutText(OvsConntrackActionAttribute.Helper, helper);
        }

        if (track.Nat is { } nat) Write(ref writer, nat);
        if (track.ForceCommit) writer.PutFlag(OvsConntrackActionAttribute.ForceCommit);
        if (track.EventMask is { } events)
        {
            writer.PutUInt32(OvsConntrackActionAttribute.EventMask, (uint)events);
        }

        if (track.Timeout is { } policy)
        {
            writer.PutText(OvsConntrackActionAttribute.Timeout, policy);
        }

        writer.End(nest);
    }

    public static bool TryRead(
        ReadOnlySpan<byte> attributes, out OvsConntrack track, out NetlinkFault fault)
    {
        track = new OvsConntrack();
        var reader = new NetlinkAttributeReader(attributes, "ct action");
        while (reader.TryNext())
        {
            var value = reader.Value;
            switch (reader.Type)
            {
                case OvsConntrackActionAttribute.Commit:
                    track = track with { Commit = reader.Flag() };
                    break;
                case OvsConntrackActionAttribute.ForceCommit:
                    track = track with { ForceCommit = reader.Flag() };
                    break;
                case OvsConntrackActionAttribute.Zone:
                    track = track with { Zone = reader.UInt16() };
                    break;
                case OvsConntrackActionAttribute.Mark when reader.IsSize(8):
                    track = track with
                    {
                        Mark = new OvsMasked<uint>(
                            BinaryPrimitives.ReadUInt32LittleEndian(value),
                            BinaryPrimitives.ReadUInt32LittleEndian(value[4..])),
                    };
                    break;
                case OvsConntrackActionAttribute.Labels when reader.IsSize(32):
                    track = track with
                    {
                        Labels = new OvsMasked<UInt128>(
                            BinaryPrimitives.ReadUInt128LittleEndian(value),
                            BinaryPrimitives.ReadUInt128LittleEndian(value[16..])),
                    };
                    break;
                case OvsConntrackActionAttribute.Helper:
                    track = track with { Helper = reader.Text() };
                    break;
                case OvsConntrackActionAttribute.EventMask:
                    track = track with { EventMask = (OvsConntrackEvents)reader.UInt32() };
                    break;
                case OvsConntrackActionAttribute.Timeout:
                    track = track with { Timeout = reader.Text() };
                    break;
                case OvsConntrackActionAttribute.Nat:
                    if (TryReadNat(value, out var nat, out fault)) track = track with { Nat = nat };
                    else reader.Refuse(in fault);
                    break;
            }
        }

        return reader.IsSound(out fault);
    }

    private static void Write(ref NetlinkWriter writer, OvsNat nat)
    {
        var nest = writer.Begin(OvsConntrackActionAttribute.Nat);
        if (nat.IsSource) writer.PutFlag(OvsNatAttribute.Source);
        if (nat.IsDestination) writer.PutFlag(OvsNatAttribute.Destination);
        if (nat.AddressMin is { } min) writer.PutAddress(OvsNatAttribute.IpMin, min);
        if (nat.AddressMax is { } max) writer.PutAddress(OvsNatAttribute.IpMax, max);
        if (nat.PortMin is { } low) writer.PutUInt16(OvsNatAttribute.ProtocolMin, low);
        if (nat.PortMax is { } high) writer.PutUInt16(OvsNatAttribute.ProtocolMax, high);
        if (nat.Persistent) writer.PutFlag(OvsNatAttribute.Persistent);
        if (nat.HashPorts) writer.PutFlag(OvsNatAttribute.ProtocolHash);
        if (nat.RandomPorts) writer.PutFlag(OvsNatAttribute.ProtocolRandom);
        writer.End(nest);
    }

    private static bool TryReadNat(
        ReadOnlySpan<byte> attributes, out OvsNat nat, out NetlinkFault fault)
    {
        nat = new OvsNat();
        var reader = new NetlinkAttributeReader(attributes, "nat");
        while (reader.TryNext())
        {
            nat = reader.Type switch
            {
                OvsNatAttribute.Source => nat with { IsSource = reader.Flag() },
                OvsNatAttribute.Destination => nat with { IsDestination = reader.Flag() },
                OvsNatAttribute.IpMin => nat with { AddressMin = reader.Address() },
                OvsNatAttribute.IpMax => nat with { AddressMax = reader.Address() },
                OvsNatAttribute.ProtocolMin => nat with { PortMin = reader.UInt16() },
                OvsNatAttribute.ProtocolMax => nat with { PortMax = reader.UInt16() },
                OvsNatAttribute.Persistent => nat with { Persistent = reader.Flag() },
                OvsNatAttribute.ProtocolHash => nat with { HashPorts = reader.Flag() },
                OvsNatAttribute.ProtocolRandom => nat with { RandomPorts = reader.Flag() },
                _ => nat,
            };
        }

        if (reader.IsSound(out fault) && nat is { IsSource: true, IsDestination: true })
        {
            fault = new NetlinkFault(NetlinkFaultKind.Value, "nat", OvsNatAttribute.Destination);
        }

        return fault.IsNone;
    }
}
