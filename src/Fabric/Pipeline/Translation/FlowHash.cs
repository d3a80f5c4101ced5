using System.Runtime.InteropServices;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Hashes of packets for multipath, bundle, select groups and bonds.</summary>
/// <remarks>
/// Each tells in 'wild' which bits it looked at. Not for the wire: any mix will do.
/// </remarks>
internal static class FlowHash
{
    public static uint Mix(ulong hash, ulong value)
    {
        var mixed = KeyStages.Mix(KeyStages.Mix(hash, value), 0x5851_F42D_4C95_7F2DUL);
        return (uint)(mixed >> 32);
    }

    /// <summary>Nicira's NX_HASH_FIELDS_*.</summary>
    public static uint Fields(
        in FlowKey flow, ref FlowKey wild, OfHashFields fields, ushort basis)
    {
        switch (fields)
        {
            case OfHashFields.EthernetSource:
                wild.EthernetSource = MacBytes.Broadcast;
                return Mix(basis, flow.EthernetSource.ToUInt64());
            case OfHashFields.Ipv4Source:
                if (!flow.IsIpv4) return basis;
                wild.Ipv4SourceWire = uint.MaxValue;
                return Mix(basis, flow.Ipv4SourceWire);
            case OfHashFields.Ipv4Destination:
                if (!flow.IsIpv4) return basis;
                wild.Ipv4DestinationWire = uint.MaxValue;
                return Mix(basis, flow.Ipv4DestinationWire);
            case OfHashFields.SymmetricL4:
                return Symmetric(in flow, ref wild, basis, withLink: true, withPorts: true, false);
            case OfHashFields.SymmetricL3:
                return Symmetric(in flow, ref wild, basis, false, withPorts: false, false);
            default:
                return Symmetric(in flow, ref wild, basis, withLink: false, withPorts: true,
                    fields == OfHashFields.SymmetricL3L4Udp);
        }
    }

    /// <summary>The same for both directions of a conversation.</summary>
    private static uint Symmetric(
        in FlowKey flow, ref FlowKey wild, uint basis, bool withLink, bool withPorts, bool withUdp)
    {
        ulong hash = basis;
        if (withLink)
        {
            wild.EthernetSource = wild.EthernetDestination = MacBytes.Broadcast;
            wild.VlanTci0Wire |= KeyCommit.Host((ushort)0x1FFF);
            hash = Mix(hash, flow.EthernetSource.ToUInt64() ^ flow.EthernetDestination.ToUInt64());
            hash = Mix(hash, (ulong)(flow.VlanTci0 & 0xFFF));
        }

        hash = Mix(hash, flow.EthernetType);
        if (flow.IsIpv4)
        {
            wild.Ipv4SourceWire = wild.Ipv4DestinationWire = uint.MaxValue;
            hash = Mix(hash, flow.Ipv4SourceWire ^ flow.Ipv4DestinationWire);
        }
        else if (flow.IsIpv6)
        {
            wild.Bytes.Slice(160, 32).Fill(0xFF);
            var words = MemoryMarshal.Cast<FlowKey, ulong>(
                new ReadOnlySpan<FlowKey>(in flow)).Slice(20, 4);
            hash = Mix(Mix(hash, words[0] ^ words[2]), words[1] ^ words[3]);
        }
        else
        {
            return (uint)hash;
        }

        wild.NetworkProtocol = 0xFF;
        hash = Mix(hash, flow.NetworkProtocol);
        var hasPorts = flow.NetworkProtocol is 6 or 132
            || (flow.NetworkProtocol == 17 && (withUdp || withLink));
        if (!withPorts || !hasPorts) return (uint)hash;
        wild.PortSourceWire = wild.PortDestinationWire = ushort.MaxValue;
        return Mix(hash, (ulong)(flow.PortSourceWire ^ flow.PortDestinationWire));
    }

    /// <summary>For a select group: the named fields, or else addresses and types.</summary>
    public static uint Selection(
        ref PipelineKey flow, ref PipelineKey wild, OfSelectionMethod selection, TlvTable table)
    {
        if (selection.Method != "hash" || selection.Fields.IsEmpty)
        {
            return Symmetric(in flow.Flow, ref wild.Flow, 0, true, true, true);
        }

        ulong hash = (uint)selection.Parameter ^ (selection.Parameter >> 32);
        foreach (var entry in selection.Fields)
        {
            var value = entry.Field.Read(in flow, table) & entry.Mask;
            entry.Field.Write(ref wild, UInt128.MaxValue, entry.Mask, table);
            hash = Mix(Mix(hash, (ulong)value), (ulong)(value >> 64));
        }

        return (uint)hash;
    }

    /// <summary>NX_MP_ALG_*: a link from 0 to 'count' - 1.</summary>
    public static uint Link(uint hash, OfMultipathAlgorithm algorithm, uint count, uint argument)
    {
        if (count <= 1) return 0;
        switch (algorithm)
        {
            case OfMultipathAlgorithm.ModuloN:
                return hash % count;
            case OfMultipathAlgorithm.HashThreshold:
                return (uint)(((ulong)hash * count) >> 32);
            case OfMultipathAlgorithm.HighestRandomWeight:
                uint best = 0;
                uint weight = 0;
                for (uint link = 0; link < count; link++)
                {
                    var mine = Mix(hash, link);
                    if (mine > weight || link == 0) (best, weight) = (link, mine);
                }

                return best;
            default:
                var modulus = RoundUp(count);
                for (uint i = 0; i < 64; i++)
                {
                    var link = Mix(hash, argument + i) & (modulus - 1);
                    if (link < count) return link;
                }

                return 0;
        }
    }

    public static uint HighestRandomWeight(
        uint hash, EquatableArray<uint> members, Func<uint, bool> isLive)
    {
        var best = OfPort.None;
        uint weight = 0;
        for (var i = 0; i < members.Count; i++)
        {
            if (!isLive(members[i])) continue;
            var mine = Mix(hash, (ulong)i);
            if (best != OfPort.None && mine <= weight) continue;
            (best, weight) = (members[i], mine);
        }

        return best;
    }

    private static uint RoundUp(uint count) =>
        System.Numerics.BitOperations.RoundUpToPowerOf2(count);
}
