using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fabric.Datapath.Tests.Kernel;

/// <summary>The kernel's TCP machine (driver/core/fabric_tcp.h) against the managed one.</summary>
/// <remarks>
/// Goal: both hold the same of both ends after every segment. Method: 4,000 connections of random
/// segments near what an honest end would send, with losses, repetitions and nonsense.
/// </remarks>
public sealed unsafe class DriverTcpTests : IDisposable
{
    private const int ConnectionCount = 4_000;
    private const int SegmentsMax = 24;

    private const string Shim = """
        #include "fabric_tcp.h"
        int fabric_test_start(struct fabric_tcp_peer *peers, const struct fabric_tcp_segment *s)
        {
            if (!fabric_tcp_can_start(s))
                return 0;
            fabric_tcp_start(&peers[0], &peers[1], s);
            return 1;
        }
        int fabric_test_update(struct fabric_tcp_peer *peers, const struct fabric_tcp_segment *s,
                               int reply, int checks, unsigned int *timeout)
        {
            return fabric_tcp_update(&peers[reply], &peers[!reply], s, checks, timeout);
        }
        """;

    private readonly DriverLibrary _library = new(Shim);

    public void Dispose() => _library.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private struct Segment
    {
        public uint Sequence, Acknowledgement, PayloadSize;
        public ushort Window;
        public byte Flags, Scale;
    }

    [InlineArray(2)]
    private struct Peers
    {
        private KernelTcpPeer _first;
    }

    [Fact]
    public void Both_machines_hold_the_same_of_random_conversations()
    {
        var start = (delegate* unmanaged<Peers*, Segment*, int>)_library.Find("fabric_test_start");
        var update = (delegate* unmanaged<Peers*, Segment*, int, int, uint*, int>)
            _library.Find("fabric_test_update");
        var random = new Random(77);
        for (var i = 0; i < ConnectionCount; i++)
        {
            uint[] next = [(uint)random.NextInt64(), (uint)random.NextInt64()];
            var first = Draw(random, next, side: 0, isFirst: true);
            Peers peers = default;
            var record = new ConnectionRecord { Timeouts = ConntrackTimeouts.Default };
            var connection = Connection.At(ref record);
            var native = Native(first);
            var isStarted = TcpTracker.CanStart(first);
            Assert.Equal(isStarted, start(&peers, &native) != 0);
            if (!isStarted) continue;
            TcpTracker.Start(connection, first);
            Compare(connection, peers);

            var checks = random.Next(8) != 0;
            for (var count = random.Next(1, SegmentsMax); count > 0; count--)
            {
                var side = random.Next(2);
                var segment = Draw(random, next, side, isFirst: false);
                var expected = TcpTracker.Update(
                    connection, segment, side == 1, checks, out var seconds);
                native = Native(segment);
                uint timeout;
                var verdict = (TrackVerdict)update(&peers, &native, side, checks ? 1 : 0, &timeout);
                Assert.Equal(expected, verdict);
                Assert.Equal(seconds, SecondsOf(timeout));
                Compare(connection, peers);
                if (verdict == TrackVerdict.Reopened) break;
            }
        }
    }

    /// <summary>Mostly what comes next; sometimes not.</summary>
    private static TcpSegment Draw(Random random, uint[] next, int side, bool isFirst)
    {
        byte[] usual = [0x02, 0x12, 0x10, 0x10, 0x10, 0x18, 0x11, 0x14, 0x04];
        var flags = isFirst && random.Next(4) != 0
            ? (byte)0x02
            : random.Next(12) == 0 ? (byte)random.Next(64) : usual[random.Next(usual.Length)];
        var size = random.Next(3) == 0 ? random.Next(1, 1460) : 0;
        var sequence = next[side] + (uint)(random.Next(6) == 0 ? random.Next(-70_000, 70_000) : 0);
        var acknowledgement =
            next[1 - side] + (uint)(random.Next(8) == 0 ? random.Next(-90_000, 90_000) : 0);
        var segment = new TcpSegment(
            flags, sequence, acknowledgement, (ushort)random.Next(65536), size,
            (flags & 2) != 0 && random.Next(3) != 0 ? random.Next(15) : -1);
        if (sequence == next[side]) next[side] = segment.End;
        return segment;
    }

    private static Segment Native(in TcpSegment segment) => new()
    {
        Sequence = segment.Sequence,
        Acknowledgement = segment.Acknowledgement,
        PayloadSize = (uint)segment.PayloadSize,
        Window = segment.Window,
        Flags = segment.Flags,
        Scale = segment.ScaleOption < 0 ? (byte)255 : (byte)segment.ScaleOption,
    };

    private static uint? SecondsOf(uint timeout)
    {
        var all = ConntrackTimeouts.Default;
        return timeout switch
        {
            0 => all.TcpSynSent, 1 => all.TcpSynReceived, 2 => all.TcpEstablished,
            3 => all.TcpFinWait, 4 => all.TcpTimeWait, 5 => all.TcpClose, _ => null,
        };
    }

    private static void Compare(Connection managed, in Peers peers)
    {
        Compare(managed.OriginalPeer, peers[0]);
        Compare(managed.ReplyPeer, peers[1]);
    }

    private static void Compare(in TcpPeer managed, in KernelTcpPeer peer)
    {
        Assert.Equal(managed.State, peer.State);
        Assert.Equal(managed.SentEnd, peer.SentEnd);
        Assert.Equal(managed.AllowedEnd, peer.AllowedEnd);
        Assert.Equal(managed.WindowMax, peer.WindowMax);
        Assert.Equal(managed.Scale, peer.Scale & 0xF);
        Assert.Equal(managed.HasScale, (peer.Scale & 0x80) != 0);
        Assert.Equal(managed.IsScaleUnknown, (peer.Scale & 0x40) != 0);
    }
}
