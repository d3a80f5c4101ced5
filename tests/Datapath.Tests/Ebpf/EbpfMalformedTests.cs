using Fabric.Datapath.Tests.Conntrack;
using Fabric.Datapath.Tests.Kernel;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Frames that are cut or lie, in the kernel's own programs.</summary>
/// <remarks>
/// Goal: the kernel judges as the managed parser does, drops under the same reason, and counts it.
/// Method: sound frames of all kinds, every truncation of them, and every header byte set to
/// values that lie, go through the loaded port program: by BPF_PROG_TEST_RUN, or by the port's
/// device where that refuses them; one flow takes all that is sound. Headers deeper than programs
/// look go up, where the managed parser itself judges.
/// </remarks>
public sealed class EbpfMalformedTests
{
    private const int Drop = 2, Redirect = 7;

    /// <summary>The kernel runs programs on no shorter frames.</summary>
    private const int SizeMin = 15;

    [EbpfTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Kernel_and_managed_parser_judge_alike(bool isTruncation)
    {
        using var lab = new ProgramLab();
        using var peer = lab.OpenPeer();
        lab.Put("recirc_id(0),in_port(1)", "2");
        var device = lab.DeviceOf(1);
        int judged = 0, refused = 0;
        foreach (var frame in DriverParserTests.Samples())
        {
            foreach (var variant in isTruncation ? Truncations(frame) : Lies(frame))
            {
                FlowKey key = default;
                var isSound = FlowKeyExtractor.TryExtract(variant, ref key, out var reason);
                if (DriverParserTests.IsBeyondDriver(in key, reason)) continue;
                judged++;
                if (!isSound) refused++;
                Judge(lab, peer, device, variant, isSound, reason);
            }
        }

        Assert.InRange(judged, 500, int.MaxValue);
        Assert.InRange(refused, 200, judged - 1);
    }

    /// <summary>
    /// Packets for a tunnel of ours that are cut anywhere: they are left to the host's own stack,
    /// or what they carry is judged; none is taken for sound and forwarded.
    /// </summary>
    [EbpfTheory]
    [InlineData(4789)]
    public void Cut_tunnel_packets_are_never_forwarded(ushort port)
    {
        const int Pass = 0;

        using var lab = new ProgramLab();
        lab.AddTunnel();
        lab.Put("recirc_id(0),in_port(3)", "2");
        var inner = TestPacket.Tcp("10.0.0.1", 1000, "10.0.0.2", 80, "S");
        var outer = VxlanFrame.Around(inner, port: port, hasChecksum: true);
        for (var size = SizeMin; size < outer.Length; size++)
        {
            if (!lab.TryRun(lab.Kernel.UnderlayProgram, outer[..size], lab.OtherDevice, 0,
                    out var verdict, out _))
            {
                continue;
            }

            Assert.True(verdict is Pass or Drop, $"{size} bytes: verdict {verdict}");
        }

        Assert.Equal(
            Redirect, lab.Run(lab.Kernel.UnderlayProgram, outer, lab.OtherDevice).Verdict);
    }

    private static void Judge(
        ProgramLab lab, DevicePeer peer, int device, byte[] frame, bool isSound, DropReason reason)
    {
        var text = $"{Convert.ToHexString(frame)}: {reason}";
        var dropped = lab.Dropped(reason);
        var missed = lab.Missed;
        if (!lab.TryRun(lab.Kernel.PortProgram, frame, device, 0, out var verdict, out _))
        {
            Assert.False(isSound, text);
            peer.Send(frame);
            Assert.True(DeviceLab.Eventually(() => lab.Dropped(reason) == dropped + 1), text);
            return;
        }

        if (lab.Missed > missed)
        {
            Assert.True(verdict == Drop && frame.Length > 60, text); // Deep: it went up.
            return;
        }

        Assert.True(verdict == (isSound ? Redirect : Drop), $"{text}, verdict {verdict}");
        Assert.True(isSound || lab.Dropped(reason) == dropped + 1, text);
    }

    private static IEnumerable<byte[]> Truncations(byte[] frame)
    {
        for (var size = SizeMin; size <= frame.Length; size++) yield return frame[..size];
    }

    private static IEnumerable<byte[]> Lies(byte[] frame)
    {
        foreach (var value in (byte[])[0, 1, 0x0F, 0x2C, 0xFF])
        {
            for (var at = SizeMin; at < frame.Length; at++)
            {
                var lie = (byte[])frame.Clone();
                lie[at] = value;
                yield return lie;
            }
        }
    }
}
