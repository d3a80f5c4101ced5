using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One direction of a connection in one zone: what the tracker looks up.</summary>
/// <remarks>
/// Forty-eight bytes without holes, network order, so that hashing and comparing are six words.
/// ICMP: both ports hold the echo identifier, 'IcmpType' and 'IcmpCode' tell the rest.
/// IPv4 addresses stand in the last four bytes of the sixteen, the others are zero.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = 48)]
internal struct ConntrackKey : IEquatable<ConntrackKey>
{
    public Ipv6Bytes Source;
    public Ipv6Bytes Destination;
    public ushort PortSourceWire;
    public ushort PortDestinationWire;
    public ushort Zone;
    public byte Protocol;
    public byte IcmpType;
    public byte IcmpCode;
    public byte IsIpv6;
    private readonly ushort _unused;
    private readonly uint _unusedToo;

    public const byte ProtocolIcmp = 1;
    public const byte ProtocolTcp = 6;
    public const byte ProtocolUdp = 17;
    public const byte ProtocolIcmpv6 = 58;
    public const byte ProtocolSctp = 132;

    public readonly bool IsIcmp => Protocol is ProtocolIcmp or ProtocolIcmpv6;
    public readonly bool HasPorts => Protocol is ProtocolTcp or ProtocolUdp or ProtocolSctp;

    /// <summary>The key that an answer to this packet has.</summary>
    public readonly ConntrackKey Reversed()
    {
        var reversed = this;
        reversed.Source = Destination;
        reversed.Destination = Source;
        reversed.PortSourceWire = PortDestinationWire;
        reversed.PortDestinationWire = PortSourceWire;
        if (IsIcmp) reversed.IcmpType = AnswerOf(Protocol, IcmpType);
        return reversed;
    }

    /// <summary>The ICMP type that answers 'type', or 'type' where there is no such pair.</summary>
    private static byte AnswerOf(byte protocol, byte type) => (protocol, type) switch
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
        return new IPAddress(IsIpv6 != 0 ? all : all[12..]);
    }

    /// <summary>Sixteen bytes of an IPv4 (network order) address as this key holds it.</summary>
    public static Ipv6Bytes FromIpv4(uint addressWire)
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes.Size];
        bytes.Clear();
        MemoryMarshal.Write(bytes[12..], in addressWire);
        return Ipv6Bytes.From(bytes);
    }

    public static Ipv6Bytes FromAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes.Size];
        bytes.Clear();
        var isIpv4 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        address.TryWriteBytes(isIpv4 ? bytes[12..] : bytes, out _);
        return Ipv6Bytes.From(bytes);
    }

    public static uint ToIpv4(Ipv6Bytes address)
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes.Size];
        address.CopyTo(bytes);
        return MemoryMarshal.Read<uint>(bytes[12..]);
    }

    /// <summary>The tuple as tools print it.</summary>
    public readonly ConntrackTuple ToTuple() => IsIcmp
        ? new ConntrackTuple(SourceAddress, DestinationAddress, Protocol, IcmpType, IcmpCode,
            BinaryPrimitives.ReverseEndianness(PortSourceWire))
        : new ConntrackTuple(SourceAddress, DestinationAddress, Protocol,
            BinaryPrimitives.ReverseEndianness(PortSourceWire),
            BinaryPrimitives.ReverseEndianness(PortDestinationWire));

    /// <summary>A hash that an outsider cannot steer, given a secret 'seed'.</summary>
    public readonly uint HashWith(ulong seed)
    {
        var words = MemoryMarshal.Cast<ConntrackKey, ulong>(
            MemoryMarshal.CreateReadOnlySpan(in this, 1));
        var a = seed ^ words[0];
        var b = BitOperations.RotateLeft(seed, 32) ^ words[1];
        a = Fold(a ^ words[2], 0x9E37_79B9_7F4A_7C15);
        b = Fold(b ^ words[3], 0xD6E8_FEB8_6659_FD93);
        a = Fold(a ^ words[4], 0xA076_1D64_78BD_642F);
        b ^= words[5];
        return (uint)Fold(a ^ BitOperations.RotateLeft(b, 29), 0xE703_7ED1_A0B4_28DB);
    }

    private static ulong Fold(ulong value, ulong factor)
    {
        var high = Math.BigMul(value, factor, out var low);
        return high ^ low;
    }

    public readonly bool Equals(ConntrackKey other)
    {
        var left = MemoryMarshal.Cast<ConntrackKey, ulong>(
            MemoryMarshal.CreateReadOnlySpan(in this, 1));
        var right = MemoryMarshal.Cast<ConntrackKey, ulong>(
            MemoryMarshal.CreateReadOnlySpan(in other, 1));
        return ((left[0] ^ right[0]) | (left[1] ^ right[1]) | (left[2] ^ right[2])
            | (left[3] ^ right[3]) | (left[4] ^ right[4]) | (left[5] ^ right[5])) == 0;
    }

    public override readonly bool Equals(object? obj) => obj is ConntrackKey key && Equals(key);
    public override readonly int GetHashCode() => (int)HashWith(0);
}
