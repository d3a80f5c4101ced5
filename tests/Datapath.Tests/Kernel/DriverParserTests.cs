using System.Runtime.InteropServices;
using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests.Kernel;

/// <summary>The kernel extensions' parser (driver/core) against the managed one.</summary>
/// <remarks>
/// Goal: both say the same of any bytes. Method: driver/core is compiled by clang as plain C, with
/// the address sanitizer's checks left to the verifier of the kernel; sound packets, all their
/// truncations and 20,000 mutations go through both. What only the managed parser knows (MPLS, NSH,
/// IGMP, neighbour discovery, SNAP) is left out.
/// </remarks>
public sealed unsafe class DriverParserTests : IDisposable
{
    private const int MutationCount = 20_000;

    private const string Shim = """
        #include "fabric_parse.h"
        int fabric_test_parse(const unsigned char *data, unsigned int size,
                              struct fabric_flow_key *key, struct fabric_layout *layout)
        {
            struct fabric_frame frame = { .data = data, .end = data + size, .size = size };

            __builtin_memset(key, 0, sizeof(*key));
            return fabric_parse(&frame, key, layout);
        }
        """;

    private readonly DriverLibrary _library = new(Shim);
    private readonly delegate* unmanaged<byte*, uint, byte*, ushort*, int> _parse;

    public DriverParserTests() => _parse =
        (delegate* unmanaged<byte*, uint, byte*, ushort*, int>)_library.Find("fabric_test_parse");

    public void Dispose() => _library.Dispose();

    public static IEnumerable<byte[]> Samples()
    {
        byte[][] plain =
        [
            TestPacket.Tcp("10.0.0.1", 1, "10.0.0.2", 2, "SA", 7, 8, payload: 5),
            TestPacket.Udp("10.0.0.1", 1, "10.0.0.2", 2),
            TestPacket.Icmp("10.0.0.1", "10.0.0.2", 8, 0, 9),
            TestPacket.Tcp("fd00::1", 1, "fd00::2", 2, "A"),
            TestPacket.Udp("fd00::1", 1, "fd00::2", 2),
            TestPacket.Icmp("fd00::1", "fd00::2", 128, 0, 9),
            Convert.FromHexString(
                "ffffffffffff02000000000108060001080006040001020000000001"
                + "0a0000010000000000000a000002"),
        ];
        foreach (var frame in plain)
        {
            yield return frame;
            byte[] tag = [0x81, 0x00, 0x20, 0x64];
            yield return [.. frame[..12], .. tag, .. frame[12..]];
            yield return [.. frame[..12], 0x88, 0xA8, 0, 5, .. tag, .. frame[12..]];
        }
    }

    [Fact]
    public void Both_parsers_agree_on_sound_packets_and_all_their_truncations()
    {
        foreach (var frame in Samples())
        {
            for (var size = 0; size <= frame.Length; size++) Compare(frame[..size]);
        }
    }

    [Fact]
    public void Both_parsers_agree_on_mutated_packets()
    {
        var random = new Random(20);
        var samples = Samples().ToArray();
        for (var i = 0; i < MutationCount; i++)
        {
            var frame = samples[random.Next(samples.Length)].ToArray();
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                frame[random.Next(12, frame.Length)] = (byte)random.Next(256);
            }

            Compare(frame[..random.Next(frame.Length - 8, frame.Length + 1)]);
        }
    }

    private void Compare(byte[] frame)
    {
        FlowKey managed = default;
        var isSound = FlowKeyExtractor.TryExtract(frame, ref managed, out var reason);
        if (IsBeyondDriver(managed, reason)) return;

        var key = stackalloc byte[KernelAbi.KeySize];
        var layout = stackalloc ushort[3];
        int result;
        // At the end of a page that is not readable behind it, an over-read would be a fault.
        fixed (byte* bytes = frame) result = _parse(bytes, (uint)frame.Length, key, layout);

        var text = Convert.ToHexString(frame);
        Assert.True(reason == (DropReason)result, $"{text}: {reason}, driver {(DropReason)result}");
        if (!isSound) return;
        Assert.True(managed.EthernetTypeWire == *(ushort*)(key + 76), text);
        Assert.True(managed.VlanTci0Wire == *(ushort*)(key + 78), text);
        Assert.True(managed.VlanTci1Wire == *(ushort*)(key + 84), text);
        Assert.True(managed.TcpFlagsWire == *(ushort*)(key + 86), text);
        Assert.True(managed.NetworkProtocol == key[88], text);
        Assert.True(managed.NetworkTos == key[89] && managed.NetworkTtl == key[90], text);
        Assert.True(managed.NetworkFragment == key[15], text);
        Assert.True(managed.PortSourceWire == *(ushort*)(key + 92), text);
        Assert.True(managed.PortDestinationWire == *(ushort*)(key + 94), text);
        var isIpv6 = managed.IsIpv6;
        var source = isIpv6
            ? MemoryMarshal.AsBytes(new ReadOnlySpan<Ipv6Bytes>(in managed.Ipv6Source))
            : MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in managed.Ipv4SourceWire));
        Assert.True(source.SequenceEqual(new ReadOnlySpan<byte>(key + 96, source.Length)), text);
    }

    /// <summary>What only the managed parser knows.</summary>
    internal static bool IsBeyondDriver(in FlowKey key, DropReason reason)
    {
        var type = key.EthernetType;
        return type is 0x8847 or 0x8848 or 0x894F or < 0x0800
            || (key.IsIpv4 && key.NetworkProtocol == 2)
            || (key.IsIpv6 && key.NetworkProtocol == 58
                && key.PortSource is 135 or 136)
            || reason is DropReason.NdMalformed or DropReason.MplsTruncated
                or DropReason.NshTruncated;
    }
}
