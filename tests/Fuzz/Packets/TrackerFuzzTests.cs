using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Fuzz;

/// <summary>
/// The connection tracker under bent packets whose checksums nobody doubts: control channels that
/// lie, errors that quote nonsense, fragments of every kind.
/// </summary>
public sealed class TrackerFuzzTests
{
    private const int CountMax = 5_000;

    private static readonly string[] Lines =
    [
        "PORT 10,0,0,1,4,1\r\n", "EPRT |1|10.0.0.1|1025|\r\n", "EPRT |2|fc00::1|1025|\r\n",
        "227 Entering Passive Mode (10,0,0,2,4,1).\r\n",
        "229 Entering Extended Passive Mode (|||1025|)\r\n", "USER anonymous\r\n", "\n\n\n\n",
        "PORT 999,999,999,999,999,999\r\n", "229 (|||99999|)\r\n", "EPRT ||||\r\n",
    ];

    [Fact]
    public void The_tracker_takes_anything()
    {
        var random = new Random(11);
        var table = new ConntrackTable(seed: 3) { CountMax = CountMax };
        table.SetLimit(3, 500);
        var samples = PacketFuzzTests.Samples();
        var actions = Actions();
        var pool = new PacketPool();
        var packet = new PacketBuffer(4096);
        long now = 1_000;
        for (var i = 0; i < PacketFuzzTests.Count; i++)
        {
            var bytes = random.Next(3) == 0
                ? Control(random)
                : PacketFuzzTests.Bent(random, samples);
            Cut(random, bytes);
            Seal(bytes);
            packet.Load(bytes);
            packet.IsChecksumValid = true;
            if (random.Next(16) == 0) packet.ChecksumStart = random.Next(0, 60);
            FlowKey key = default;
            FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out _);
            if (random.Next(4) == 0) key.ConntrackStateWire = (uint)random.Next();
            var action = actions[random.Next(actions.Length)];
            if (key.NetworkFragment != 0 && table.Reassembly.IsFor(key))
            {
                table.Reassembly.Track(packet, key, layout, action, now, pool, []);
            }
            else
            {
                table.Execute(packet, ref key, action, now);
            }

            now += random.Next(40);
            if (i % 500 == 0) table.Sweep(now);
            Assert.True(table.Count(null) <= CountMax, $"input {i}: {table.Count(null)}");
        }

        Assert.InRange(table.Count(3), 0u, 500u);
        Assert.True(table.Fragments!.Count <= table.Fragments.CountMax);
        table.Flush(new ConntrackFilter());
        Assert.Equal(0u, table.Count(null));
        Assert.Equal(0u, table.HalfOpenCount(null));
        var left = 0;
        table.DumpExpectations(null, _ => left++);
        Assert.Equal(0, left);
    }

    private static ConntrackAction[] Actions()
    {
        NatSpec?[] translations =
        [
            null, new(NatType.None, null, null, 0, 0, false, false, false),
            new(NatType.Source, IPAddress.Parse("9.9.9.9"), IPAddress.Parse("9.9.9.12"), 100, 110,
                false, true, false),
            new(NatType.Destination, IPAddress.Parse("10.0.0.2"), IPAddress.Parse("10.0.0.2"), 0,
                0, true, false, false),
            new(NatType.Source, IPAddress.Parse("fc00::9"), IPAddress.Parse("fc00::9"), 0, 0,
                false, false, true),
        ];
        return
        [
            .. from translation in translations
               from helper in (string?[])[null, "ftp", "tftp"]
               from zone in (ushort[])[1, 3]
               from commit in (bool[])[true, false]
               select new ConntrackAction(
                   commit, commit && zone == 3, zone, 1, 1, 0, 0, helper, translation, null),
        ];
    }

    /// <summary>A segment of a control channel between few ends, with lines or parts.</summary>
    private static byte[] Control(Random random)
    {
        var text = new StringBuilder();
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            var line = Lines[random.Next(Lines.Length)];
            text.Append(random.Next(6) switch
            {
                0 => line[..random.Next(line.Length)],
                1 => new string('2', random.Next(1, 600)) + line,
                _ => line,
            });
        }

        var data = Encoding.ASCII.GetBytes(text.ToString());
        if (data.Length > 0 && random.Next(4) == 0)
        {
            data[random.Next(data.Length)] = (byte)random.Next(256);
        }

        var frame = new byte[54 + data.Length];
        data.CopyTo(frame, 54);
        var isReply = random.Next(2) == 0;
        frame[12] = 8;
        frame[14] = 0x45;
        (frame[16], frame[17]) = ((byte)((frame.Length - 14) >> 8), (byte)(frame.Length - 14));
        (frame[22], frame[23]) = (64, IpProtocol.Tcp);
        ((byte[])[10, 0, 0, isReply ? (byte)2 : (byte)1, 10, 0, 0, isReply ? (byte)1 : (byte)2])
            .CopyTo(frame, 26);
        var port = (byte)random.Next(1, 4);
        (frame[34], frame[35]) = (0, isReply ? (byte)21 : port);
        (frame[36], frame[37]) = (0, isReply ? port : (byte)21);
        frame[41] = (byte)random.Next(4);
        (frame[46], frame[47]) = (0x50, (byte)(random.Next(8) == 0 ? 0x02 : 0x18));
        (frame[48], frame[49]) = (0xFF, 0xFF);
        return frame;
    }

    /// <summary>Some IPv4 packets become fragments: any offset, more to come or not.</summary>
    private static void Cut(Random random, byte[] bytes)
    {
        if (bytes.Length < 34 || bytes[12] != 8 || random.Next(8) != 0) return;
        bytes[20] = (byte)(random.Next(2) << 5);
        bytes[21] = (byte)random.Next(16);
    }

    /// <summary>A right header checksum, so that the packet is looked at further.</summary>
    private static void Seal(byte[] bytes)
    {
        if (bytes.Length < 34 || bytes[12] != 8 || bytes[13] != 0) return;
        var size = (bytes[14] & 0x0F) * 4;
        if (size < 20 || bytes.Length < 14 + size) return;
        bytes[24] = bytes[25] = 0;
        var sum = InternetChecksum.ComputeWire(bytes.AsSpan(14, size));
        MemoryMarshal.Write(bytes.AsSpan(24), in sum);
    }
}
