using System.Buffers.Binary;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Netlink;

/// <summary>OVS_ACTION_ATTR_* to actions; bounded in number and depth, never throws.</summary>
public static class OvsActionReader
{
    private const string Where = "action";

    /// <summary>Reads a list. Numbers it does not know become OvsUnknownAction.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> attributes, out EquatableArray<OvsActionAttribute> actions,
        out NetlinkFault fault)
    {
        var budget = NetlinkLimits.ActionCountMax;
        return TryList(attributes, 0, ref budget, out actions, out fault);
    }

    private static bool TryList(
        ReadOnlySpan<byte> attributes, int depth, ref int budget,
        out EquatableArray<OvsActionAttribute> actions, out NetlinkFault fault)
    {
        actions = default;
        if (depth > NetlinkLimits.ActionNestingMax)
        {
            fault = new NetlinkFault(NetlinkFaultKind.TooDeep, Where);
            return false;
        }

        var list = new List<OvsActionAttribute>();
        var reader = new NetlinkAttributeReader(attributes, Where);
        while (reader.TryNext())
        {
            if (--budget < 0) reader.Refuse(NetlinkFaultKind.TooMany);
            else if (Flat(ref reader) is { } flat) list.Add(flat);
            else if (Nested(ref reader, depth, ref budget) is { } nested) list.Add(nested);
        }

        actions = list.ToEquatableArray();
        return reader.IsSound(out fault);
    }

    /// <summary>Actions of fixed size; null for others (or with the fault set).</summary>
    private static OvsActionAttribute? Flat(ref NetlinkAttributeReader reader)
    {
        var value = reader.Value;
        switch ((OvsActionType)reader.Type)
        {
            case OvsActionType.Output: return new OvsOutput(reader.UInt32());
            case OvsActionType.Recirculate: return new OvsRecirculate(reader.UInt32());
            case OvsActionType.Truncate: return new OvsTruncate(reader.UInt32());
            case OvsActionType.Meter: return new OvsMeter(reader.UInt32());
            case OvsActionType.Drop: return new OvsDrop(reader.UInt32());
            case OvsActionType.LbOutput: return new OvsLbOutput(reader.UInt32());
            case OvsActionType.PopMpls: return new OvsPopMpls(reader.BigUInt16());
            case OvsActionType.PopVlan: return new OvsPopVlan();
            case OvsActionType.PopEthernet: return new OvsPopEthernet();
            case OvsActionType.PopNsh: return new OvsPopNsh();
            case OvsActionType.ConntrackClear: return new OvsConntrackClear();
            case OvsActionType.PushVlan when reader.IsSize(4):
                return new OvsPushVlan(
                    BinaryPrimitives.ReadUInt16BigEndian(value),
                    BinaryPrimitives.ReadUInt16BigEndian(value[2..]));
            case OvsActionType.Hash when reader.IsSize(8):
                return new OvsHash(
                    BinaryPrimitives.ReadUInt32LittleEndian(value),
                    BinaryPrimitives.ReadUInt32LittleEndian(value[4..]));
            case OvsActionType.PushMpls when reader.IsSize(8):
                return new OvsPushMpls(
                    BinaryPrimitives.ReadUInt32LittleEndian(value),
                    BinaryPrimitives.ReadUInt16BigEndian(value[4..]));
            case OvsActionType.AddMpls when reader.IsSize(8):
                return new OvsAddMpls(
                    BinaryPrimitives.ReadUInt32LittleEndian(value),
                    BinaryPrimitives.ReadUInt16BigEndian(value[4..]),
                    BinaryPrimitives.ReadUInt16LittleEndian(value[6..]));
            case OvsActionType.PushEthernet when reader.IsSize(12):
                return new OvsPushEthernet(MacBytes.From(value), MacBytes.From(value[6..]));
            default: return null;
        }
    }

    private static OvsActionAttribute? Nested(
        ref NetlinkAttributeReader reader, int depth, ref int budget)
    {
        NetlinkFault fault;
        switch ((OvsActionType)reader.Type)
        {
            case OvsActionType.PushVlan or OvsActionType.Hash or OvsActionType.PushMpls
                or OvsActionType.AddMpls or OvsActionType.PushEthernet:
                return null; // Of the wrong size: the fault is set.
            case OvsActionType.Userspace: return Userspace(ref reader);
            case OvsActionType.Set: return Set(ref reader, false);
            case OvsActionType.SetMasked: return Set(ref reader, true);
            case OvsActionType.Psample: return Psample(ref reader);
            case OvsActionType.PushNsh:
                FlowKey key = default;
                if (OvsFlowKeyReader.TryNsh(reader.Value, ref key, out fault))
                {
                    return new OvsPushNsh(EquatableArray.Create<byte>(reader.Value));
                }

                break;
            case OvsActionType.Conntrack:
                if (OvsConntrackAction.TryRead(reader.Value, out var track, out fault))
                {
                    return track;
                }

                break;
            case OvsActionType.Clone:
                if (TryList(reader.Value, depth + 1, ref budget, out var actions, out fault))
                {
                    return new OvsClone(actions);
                }

                break;
            case OvsActionType.Sample or OvsActionType.CheckPacketLength
                or OvsActionType.DecrementTtl:
                if (TryBranches(
                    (OvsActionType)reader.Type, reader.Value, depth + 1, ref budget,
                    out var branches, out fault))
                {
                    return branches;
                }

                break;
            default:
                return new OvsUnknownAction(
                    reader.Type, EquatableArray.Create<byte>(reader.Value));
        }

        reader.Refuse(in fault);
        return null;
    }

    /// <summary>Actions that hold a number (attribute 1) and up to two lists.</summary>
    private static bool TryBranches(
        OvsActionType type, ReadOnlySpan<byte> attributes, int depth, ref int budget,
        out OvsActionAttribute action, out NetlinkFault fault)
    {
        var number = 0u;
        EquatableArray<OvsActionAttribute> first = default;
        EquatableArray<OvsActionAttribute> second = default;
        var reader = new NetlinkAttributeReader(attributes, Where + " " + type);
        while (reader.TryNext())
        {
            var isNumber = type != OvsActionType.DecrementTtl && reader.Type == 1;
            var firstType = type == OvsActionType.DecrementTtl ? 1 : 2;
            if (isNumber)
            {
                number = type == OvsActionType.Sample ? reader.UInt32() : reader.UInt16();
            }
            else if (reader.Type == firstType)
            {
                if (!TryList(reader.Value, depth, ref budget, out first, out fault))
                {
                    reader.Refuse(in fault);
                }
            }
            else if (reader.Type == OvsCheckLengthAttribute.IfLessOrEqual
                && type == OvsActionType.CheckPacketLength)
            {
                if (!TryList(reader.Value, depth, ref budget, out second, out fault))
                {
                    reader.Refuse(in fault);
                }
            }
        }

        action = type switch
        {
            OvsActionType.Sample => new OvsSample(number, first),
            OvsActionType.DecrementTtl => new OvsDecrementTtl(first),
            _ => new OvsCheckPacketLength((ushort)number, first, second),
        };
        return reader.IsSound(out fault);
    }

    private static OvsUserspace? Userspace(ref NetlinkAttributeReader outer)
    {
        var up = new OvsUserspace(0, default);
        var hasPid = false;
        var reader = new NetlinkAttributeReader(outer.Value, "userspace action");
        while (reader.TryNext())
        {
            switch (reader.Type)
            {
                case OvsUserspaceAttribute.Pid:
                    up = up with { Pid = reader.UInt32() };
                    hasPid = true;
                    break;
                case OvsUserspaceAttribute.Userdata:
                    up = up with { Userdata = EquatableArray.Create<byte>(reader.Value) };
                    break;
                case OvsUserspaceAttribute.EgressTunnelPort:
                    up = up with { EgressTunnelPort = reader.UInt32() };
                    break;
                case OvsUserspaceAttribute.Actions:
                    up = up with { WithActions = reader.Flag() };
                    break;
            }
        }

        if (!reader.IsSound(out var fault)) outer.Refuse(in fault);
        else if (!hasPid) outer.Refuse(NetlinkFaultKind.Missing);
        else return up;
        return null;
    }

    private static OvsActionAttribute? Set(ref NetlinkAttributeReader outer, bool isMasked)
    {
        var reader = new NetlinkAttributeReader(outer.Value, "set action");
        if (!reader.TryNext())
        {
            outer.Refuse(reader.IsSound(out var fault)
                ? new NetlinkFault(NetlinkFaultKind.Missing, "set action") : fault);
            return null;
        }

        var size = reader.Value.Length;
        var isKey = reader.Type is > 0 and < OvsKeyCatalogue.Count;
        var fixedSize = isKey ? OvsKeyCatalogue.ValueSizes[reader.Type] : -1;
        var valueSize = isMasked ? size / 2 : size;
        if (!isKey || (isMasked && size % 2 != 0) || (fixedSize >= 0 && valueSize != fixedSize))
        {
            outer.Refuse(NetlinkFaultKind.Size);
            return null;
        }

        var key = (OvsKey)reader.Type;
        var value = EquatableArray.Create<byte>(reader.Value[..valueSize]);
        return isMasked
            ? new OvsSetMasked(key, value, EquatableArray.Create<byte>(reader.Value[valueSize..]))
            : new OvsSet(key, value);
    }

    private static OvsPsample? Psample(ref NetlinkAttributeReader outer)
    {
        var sample = new OvsPsample(0, default);
        var reader = new NetlinkAttributeReader(outer.Value, "psample action");
        while (reader.TryNext())
        {
            if (reader.Type == OvsPsampleAttribute.Group)
            {
                sample = sample with { Group = reader.UInt32() };
            }
            else if (reader.Type == OvsPsampleAttribute.Cookie)
            {
                if (reader.Value.Length > OvsPsampleAttribute.CookieSizeMax)
                {
                    reader.Refuse(NetlinkFaultKind.Size);
                }

                sample = sample with { Cookie = EquatableArray.Create<byte>(reader.Value) };
            }
        }

        if (reader.IsSound(out var fault)) return sample;
        outer.Refuse(in fault);
        return null;
    }
}
