using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A datagram out of its fragments, and what became of it back into them.</summary>
internal static class Reassembly
{
    private static readonly Range State = 20..48;

    /// <summary>What tracking writes into a key, and nothing else.</summary>
    public static void CopyState(in FlowKey from, ref FlowKey to)
    {
        var source = from;
        source.Bytes[State].CopyTo(to.Bytes[State]);
        source.Bytes[FlowKey.OriginalTupleOffset..FlowKey.LinkOffset]
            .CopyTo(to.Bytes[FlowKey.OriginalTupleOffset..FlowKey.LinkOffset]);
    }

    /// <param name="fragments">All of them, by their place, without holes.</param>
    /// <param name="size">Size of the datagram's data in bytes.</param>
    public static void Build(List<HeldFragment> fragments, int size, PacketBuffer whole)
    {
        var first = fragments[0].View;
        var header = HeaderSizeOf(first);
        var start = first.NetworkOffset + header;
        whole.Reserve(start + size);
        var bytes = whole.Bytes;
        fragments[0].Frame.AsSpan(0, start).CopyTo(bytes);
        foreach (var fragment in fragments)
        {
            DataOf(fragment.Frame, fragment.View).CopyTo(bytes[(start + fragment.View.Start)..]);
        }

        var network = bytes[first.NetworkOffset..];
        if (first.Key.IsIpv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(network[4..], (ushort)(header - 40 + size));
            network[NextHeaderOffsetOf(network, header)] = first.Key.Protocol;
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(network[2..], (ushort)(header + size));
        BinaryPrimitives.WriteUInt16BigEndian(network[6..], 0);
        SumHeader(network[..header]);
    }

    /// <summary>Gives a fragment the addresses and the data that the datagram has now.</summary>
    /// <param name="first">The view whose headers the datagram was built with.</param>
    public static void CopyBack(
        ReadOnlySpan<byte> whole, in FragmentView first, in FragmentView view, Span<byte> frame)
    {
        var start = first.NetworkOffset + HeaderSizeOf(first) + view.Start;
        whole.Slice(start, view.Size).CopyTo(DataOf(frame, view));
        var network = frame[view.NetworkOffset..];
        var (offset, size) = view.Key.IsIpv6 ? (8, 32) : (12, 8);
        whole.Slice(first.NetworkOffset + offset, size).CopyTo(network[offset..]);
        if (!view.Key.IsIpv6) SumHeader(network[..view.HeaderSize]);
    }

    /// <summary>Without the fragment header, which a whole datagram has not.</summary>
    private static int HeaderSizeOf(in FragmentView view) =>
        view.Key.IsIpv6 ? view.FragmentHeaderOffset : view.HeaderSize;

    /// <summary>Where the header before the (removed) fragment header says what follows.</summary>
    private static int NextHeaderOffsetOf(ReadOnlySpan<byte> network, int header)
    {
        var field = 6;
        for (var at = 40; at < header; at += (network[at + 1] + 1) * 8) field = at;
        return field;
    }

    private static Span<byte> DataOf(Span<byte> frame, in FragmentView view) =>
        frame.Slice(view.NetworkOffset + view.HeaderSize, view.Size);

    private static void SumHeader(Span<byte> header)
    {
        header[10] = header[11] = 0;
        var sum = Wire.InternetChecksum.ComputeWire(header);
        System.Runtime.InteropServices.MemoryMarshal.Write(header[10..], in sum);
    }
}
