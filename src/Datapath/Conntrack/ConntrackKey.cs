using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One direction of a connection in one zone: what the tracker looks up.</summary>
/// <remarks>
/// Forty bytes without holes, network order, so that hashing and comparing are five words.
/// ICMP: both ports hold the echo identifier and <see cref="Kind"/> the ICMP type; an echo's code
/// is always 0. Others: <see cref="Kind"/> is the IP version. IPv4 addresses stand in the last four
/// bytes of the sixteen, the others are zero.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct ConntrackKey : IEquatable<ConntrackKey>
{
    public const int Size = 40;

    public Ipv6Bytes Source;
    public Ipv6Bytes Destination;
    public ushort PortSourceWire;
    public ushort PortDestinationWire;
    public ushort Zone;
    public byte Protocol;

    /// <summary>4 or 6; for ICMP and ICMPv6 the message's type.</summary>
    public byte Kind;

    public const byte ProtocolIcmp = 1;
    public const byte ProtocolTcp = 6;
    public const byte ProtocolUdp = 17;
    public const byte ProtocolIcmpv6 = 58;
    public const byte ProtocolSctp = 132;

    public readonly bool IsIcmp => Protocol is ProtocolIcmp or ProtocolIcmpv6;
    public readonly bool HasPorts => Protocol is ProtocolTcp or ProtocolUdp or ProtocolSctp;
    public readonly bool IsIpv6 => Protocol switch
    {
        ProtocolIcmp => false,
        ProtocolIcmpv6 => true,
        _ => Kind == 6,
    };

    /// <summary>The key that an answer to this packet has.</summary>
    public readonly ConntrackKey Reversed()
    {
        var reversed = this;
        reversed.Source = Destination;
        reversed.Destination = Source;
        reversed.PortSourceWire = PortDestinationWire;
        reversed.PortDestinationWire = PortSourceWire;
        if (IsIcmp) reversed.Kind = AnswerOf(Protocol, Kind);
        return reversed;
    }

    /// <summary>The ICMP type that answers 'type', or 'type' where there is no such pair.</summary>
    public static byte AnswerOf(byte protocol, byte type) => (protocol, type) switch
    {
        (ProtocolIcmp, 8) => 0,
        (ProtocolIcmp, 0) => 8,
        (ProtocolIcmp, 13) => 14, // Timestamp.
        (ProtocolIcmp, 14) => 13,
        (ProtocolIcmp, 15) => 16, // Information.
        (ProtocolIcmp, 16) => 15,
        (ProtocolIcmpv6, 128) => 129,
        (ProtocolIcmpv6, 129) => 128,
        _ => type,
    };

    public readonly IPAddress SourceAddress => AddressOf(Source);
    public readonly IPAddress DestinationAddress => AddressOf(Destination);

    private readonly IPAddress AddressOf(Ipv6Bytes bytes)
    {
        Span<byte> all = stackalloc byte[Ipv6Bytes.Size];
        bytes.CopyTo(all);
        return new IPAddress(IsIpv6 ? all : all[12..]);
    }

    /// <summary>Sixteen bytes of an IPv4 (network order) address as this key holds it.</summary>
    public static Ipv6Bytes FromIpv4(uint addressWire)
    {
        var words = (0UL, (ulong)addressWire << 32);
        return Unsafe.BitCast<(ulong, ulong), Ipv6Bytes>(words);
    }

    public static Ipv6Bytes FromAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes.Size];
        bytes.Clear();
        var isIpv4 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        address.TryWriteBytes(isIpv4 ? bytes[12..] : bytes, out _);
        return Ipv6Bytes.From(bytes);
    }

    public static uint ToIpv4(Ipv6Bytes address) =>
        (uint)(Unsafe.BitCast<Ipv6Bytes, (ulong First, ulong Second)>(address).Second >> 32);

    /// <summary>The tuple as tools print it.</summary>
    public readonly ConntrackTuple ToTuple() => IsIcmp
        ? new ConntrackTuple(SourceAddress, DestinationAddress, Protocol, Kind, 0,
            BinaryPrimitives.ReverseEndianness(PortSourceWire))
        : new ConntrackTuple(SourceAddress, DestinationAddress, Protocol,
            BinaryPrimitives.ReverseEndianness(PortSourceWire),
            BinaryPrimitives.ReverseEndianness(PortDestinationWire));

    /// <summary>A hash that an outsider cannot steer, given a secret 'seed'.</summary>
    /// <remarks>
    /// Both directions of a connection that is not translated have the same one, so that one place
    /// in the table serves both.
    /// </remarks>
    public readonly uint HashWith(ulong seed)
    {
        ref var words = ref Unsafe.As<ConntrackKey, ulong>(ref Unsafe.AsRef(in this));
        var ports = Unsafe.Add(ref words, 4);
        var source = End(
            words, Unsafe.Add(ref words, 1), (ushort)ports, seed);
        var destination = End(
            Unsafe.Add(ref words, 2), Unsafe.Add(ref words, 3), (ushort)(ports >> 16), seed);
        // The ICMP type differs between directions and is left out.
        var rest = (ports >> 32) & 0x00FF_FFFF;
        return (uint)Fold(source + destination + rest, seed | 0xE703_7ED1_A0B4_28DB);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong End(ulong first, ulong second, ushort port, ulong seed) => Fold(
        first ^ seed ^ ((ulong)port << 8), second ^ (seed + 0x9E37_79B9_7F4A_7C15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong value, ulong factor)
    {
        var high = Math.BigMul(value, factor, out var low);
        return high ^ low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreEqual(in ConntrackKey left, in ConntrackKey right)
    {
        ref var a = ref Unsafe.As<ConntrackKey, ulong>(ref Unsafe.AsRef(in left));
        ref var b = ref Unsafe.As<ConntrackKey, ulong>(ref Unsafe.AsRef(in right));
        return ((a ^ b)
            | (Unsafe.Add(ref a, 1) ^ Unsafe.Add(ref b, 1))
            | (Unsafe.Add(ref a, 2) ^ Unsafe.Add(ref b, 2))
            | (Unsafe.Add(ref a, 3) ^ Unsafe.Add(ref b, 3))
            | (Unsafe.Add(ref a, 4) ^ Unsafe.Add(ref b, 4))) == 0;
    }

    public readonly bool Equals(ConntrackKey other) => AreEqual(this, other);
    public override readonly bool Equals(object? obj) => obj is ConntrackKey key && Equals(key);
    public override readonly int GetHashCode() => (int)HashWith(0);
}
