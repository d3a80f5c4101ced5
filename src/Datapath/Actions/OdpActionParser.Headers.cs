using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Pushed headers, and ct(..).</content>
internal sealed partial class OdpActionParser
{
    private static bool TryPush(OdpItems item, out DatapathAction? action)
    {
        action = null;
        var text = item.Arguments;
        switch (item.Name)
        {
            case "push_vlan":
                if (!OdpFlowParser.TryTci(text, out var tpid, out var tci, out _)) return false;
                action = new PushVlanAction(tpid, tci);
                return true;
            case "push_mpls" or "add_mpls":
                if (!OdpFlowParser.TryMplsEntry(text, out var entryWire, out _)) return false;
                if (!TryNamed(text, "eth_type", out ushort type)) return false;
                action = item.Name is "push_mpls"
                    ? new PushMplsAction(type, entryWire)
                    : new AddMplsAction(type, entryWire, IsLayer3: true);
                return true;
            case "pop_mpls":
                if (!TryNamed(text, "eth_type", out ushort popped)) return false;
                action = new PopMplsAction(popped);
                return true;
            case "push_eth":
                FlowKey key = default, mask = default;
                if (!OdpFlowParser.TryAttribute(
                    OdpAttributes.Ethernet, text, ref key, ref mask, out _))
                {
                    return false;
                }

                action = new PushEthernetAction(key.EthernetSource, key.EthernetDestination);
                return true;
            case "push_nsh":
                return TryPushNsh(item, out action);
            default:
                return false;
        }
    }

    private static bool TryPushNsh(OdpItems item, out DatapathAction? action)
    {
        action = null;
        var text = $"nsh({item.Arguments})";
        if (!OdpFlowText.TryParse(text, null, out var key, out _, out _)) return false;
        var metadata = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(metadata, key.NshContext1Wire);
        BinaryPrimitives.WriteUInt32LittleEndian(metadata.AsSpan(4), key.NshContext2Wire);
        BinaryPrimitives.WriteUInt32LittleEndian(metadata.AsSpan(8), key.NshContext3Wire);
        BinaryPrimitives.WriteUInt32LittleEndian(metadata.AsSpan(12), key.NshContext4Wire);
        action = new PushNshAction(
            key.NshFlags, key.NshTtl, key.NshMdType, key.NshNextProtocol, key.NshPathWire,
            key.NshMdType == 1 ? [.. metadata] : []);
        return true;
    }

    private static bool TryNamed<T>(ReadOnlySpan<char> text, string name, out T value)
        where T : struct, System.Numerics.IBinaryInteger<T>
    {
        value = default;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (!items.Name.SequenceEqual(name)) continue;
            return OdpNumber.TryParse(items.Arguments, out value);
        }

        return false;
    }

    private static ConntrackAction NewConntrack() =>
        new(false, false, 0, 0, 0, 0, 0, null, null, null);

    private static bool TryConntrack(ReadOnlySpan<char> text, out DatapathAction? action)
    {
        var conntrack = NewConntrack();
        action = null;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var value = items.Arguments;
            switch (items.Name)
            {
                case "commit":
                    conntrack = conntrack with { Commit = true };
                    break;
                case "force_commit":
                    conntrack = conntrack with { Commit = true, Force = true };
                    break;
                case "zone" when OdpNumber.TryParse<ushort>(value, out var zone):
                    conntrack = conntrack with { Zone = zone };
                    break;
                case "mark" when TryMasked(value, uint.MaxValue, out var mark, out var markMask):
                    conntrack = conntrack with { Mark = (uint)mark, MarkMask = (uint)markMask };
                    break;
                case "label"
                    when TryMasked(value, UInt128.MaxValue, out var label, out var labelMask):
                    conntrack = conntrack with { Label = label, LabelMask = labelMask };
                    break;
                case "helper":
                    conntrack = conntrack with { Helper = value.ToString() };
                    break;
                case "timeout":
                    conntrack = conntrack with { TimeoutPolicy = value.ToString() };
                    break;
                case "nat" when TryNat(value, out var nat):
                    conntrack = conntrack with { Nat = nat };
                    break;
                default:
                    return false;
            }
        }

        action = conntrack;
        return true;
    }

    private static bool TryMasked(
        ReadOnlySpan<char> text, UInt128 exact, out UInt128 value, out UInt128 mask)
    {
        mask = exact;
        var slash = text.IndexOf('/');
        if (slash < 0) return OdpNumber.TryParse(text, out value) && value <= exact;
        return OdpNumber.TryParse(text[..slash], out value) && value <= exact
            && OdpNumber.TryParse(text[(slash + 1)..], out mask) && mask <= exact;
    }

    private static bool TryNat(ReadOnlySpan<char> text, out NatSpec nat)
    {
        nat = new NatSpec(NatType.None, null, null, 0, 0, false, false, false);
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            switch (items.Name)
            {
                case "src":
                    nat = nat with { Type = NatType.Source };
                    if (!TryRange(items.Arguments, ref nat)) return false;
                    break;
                case "dst":
                    nat = nat with { Type = NatType.Destination };
                    if (!TryRange(items.Arguments, ref nat)) return false;
                    break;
                case "persistent": nat = nat with { Persistent = true }; break;
                case "hash": nat = nat with { HashPorts = true }; break;
                case "random": nat = nat with { RandomPorts = true }; break;
                default: return false;
            }
        }

        return true;
    }

    /// <summary>10.0.0.1-10.0.0.9:1-2, [fc00::1]:1, fc00::1, :80, or nothing.</summary>
    private static bool TryRange(ReadOnlySpan<char> text, ref NatSpec nat)
    {
        if (text.IsEmpty) return true;
        var addresses = text;
        ReadOnlySpan<char> ports = default;
        var bracket = text.LastIndexOf(']');
        var colon = text.LastIndexOf(':');
        var isIpv6 = bracket >= 0 || text.Count(':') > 1;
        if (colon >= 0 && (!isIpv6 || (bracket >= 0 && colon > bracket)))
        {
            addresses = text[..colon];
            ports = text[(colon + 1)..];
        }

        if (!addresses.IsEmpty)
        {
            var dash = addresses.IndexOf('-');
            var first = (dash < 0 ? addresses : addresses[..dash]).Trim("[]");
            var last = (dash < 0 ? addresses : addresses[(dash + 1)..]).Trim("[]");
            if (!IPAddress.TryParse(first, out var min)) return false;
            if (!IPAddress.TryParse(last, out var max)) return false;
            nat = nat with { AddressMin = min, AddressMax = max };
        }

        if (ports.IsEmpty) return true;
        var to = ports.IndexOf('-');
        var first16 = to < 0 ? ports : ports[..to];
        if (!OdpNumber.TryParse<ushort>(first16, out var portMin)) return false;
        var portMax = portMin;
        if (to >= 0 && !OdpNumber.TryParse(ports[(to + 1)..], out portMax)) return false;
        nat = nat with { PortMin = portMin, PortMax = portMax };
        return portMax >= portMin;
    }
}
