using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Tuples of the managed tracker as the kernel's, and back.</summary>
/// <remarks>They differ in IPv4: ::ffff:a.b.c.d there, zeros before the address here.</remarks>
internal static class KernelTuples
{
    private const int MappedOffset = 10;

    public static KernelTuple Of(in ConntrackKey key) => new()
    {
        Source = Map(key.Source, key.IsIpv6),
        Destination = Map(key.Destination, key.IsIpv6),
        PortSourceWire = key.PortSourceWire,
        PortDestinationWire = key.PortDestinationWire,
        Zone = key.Zone,
        Protocol = key.Protocol,
        IcmpType = key.IsIcmp ? key.Kind : (byte)0,
    };

    public static ConntrackKey KeyOf(in KernelTuple tuple)
    {
        var isIpv6 = !IsMapped(tuple.Source);
        return new ConntrackKey
        {
            Source = Unmap(tuple.Source, isIpv6),
            Destination = Unmap(tuple.Destination, isIpv6),
            PortSourceWire = tuple.PortSourceWire,
            PortDestinationWire = tuple.PortDestinationWire,
            Zone = tuple.Zone,
            Protocol = tuple.Protocol,
            Kind = tuple.Protocol is ConntrackKey.ProtocolIcmp or ConntrackKey.ProtocolIcmpv6
                ? tuple.IcmpType
                : isIpv6 ? (byte)6 : (byte)4,
        };
    }

    private static Ipv6Bytes Map(Ipv6Bytes address, bool isIpv6)
    {
        if (!isIpv6) Bytes(ref address).Slice(MappedOffset, 2).Fill(0xFF);
        return address;
    }

    private static Ipv6Bytes Unmap(Ipv6Bytes address, bool isIpv6)
    {
        if (!isIpv6) Bytes(ref address).Slice(MappedOffset, 2).Clear();
        return address;
    }

    private static bool IsMapped(Ipv6Bytes address)
    {
        ReadOnlySpan<byte> bytes = Bytes(ref address);
        return !bytes[..MappedOffset].ContainsAnyExcept((byte)0)
            && bytes[MappedOffset] == 0xFF && bytes[MappedOffset + 1] == 0xFF;
    }

    private static Span<byte> Bytes(ref Ipv6Bytes address) =>
        MemoryMarshal.AsBytes(new Span<Ipv6Bytes>(ref address));
}
