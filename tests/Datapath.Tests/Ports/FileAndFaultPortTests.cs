using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Ports that read and write files, and ports that go wrong on purpose.</summary>
public sealed class FileAndFaultPortTests
{
    [Fact]
    public void What_one_port_wrote_to_a_file_another_plays()
    {
        var path = Path.GetTempFileName();
        try
        {
            byte[][] packets = [[.. new byte[60]], [.. Enumerable.Repeat((byte)7, 1500)]];
            using (var first = Dummy(("in", []), ("out", [("tx_pcap", path)])))
            {
                foreach (var packet in packets) first.FindMemoryPort("in")!.Inject(packet);
            }

            using var second = Dummy(("in", []), ("out", []));
            Assert.Equal(2, second.FindMemoryPort("in")!.Play(path, out var error));
            Assert.Equal("", error);
            Assert.Equal(packets, second.FindMemoryPort("out")!.TakeAll());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("D4C3B2A1")]
    [InlineData("0A0D0D0A00000000000000000000000000000000000000000000")]
    [InlineData("D4C3B2A1020004000000000000000000000004007F000000")]
    public void A_file_that_is_no_pcap_is_refused(string hex)
    {
        var reader = PcapReader.TryOpen(
            new MemoryStream(Convert.FromHexString(hex)), out var error);
        Assert.Null(reader);
        Assert.NotEqual("", error);
    }

    [Fact]
    public void A_cut_or_lying_pcap_ends_early()
    {
        const string Header = "A1B2C3D4000200040000000000000000000400000000" + "0001";
        foreach (var records in new[]
        {
            "00", "00000000000000000000000A0000000A0102", "0000000000000000FFFFFFFFFFFFFFFF01",
        })
        {
            using var reader = PcapReader.TryOpen(
                new MemoryStream(Convert.FromHexString(Header + records)), out var error);
            Assert.Equal("", error);
            Assert.False(reader!.TryRead(out _));
        }
    }

    [Fact]
    public void A_fault_port_loses_doubles_and_bends_as_often_as_it_was_told()
    {
        const int Count = 2000;
        using var datapath = Dummy(
            ("in", []), ("out", [("fault", "drop=0.25,duplicate=0.1,corrupt=0.5,seed=3")]));
        var packet = new byte[64];
        for (var i = 0; i < Count; i++) datapath.FindMemoryPort("in")!.Inject(packet);
        var seen = datapath.FindMemoryPort("out")!.TakeAll();
        var lost = (int)datapath.DropCounts()[(int)DropReason.FaultInjected];
        Assert.InRange(lost, Count * 0.2, Count * 0.3);
        Assert.InRange(seen.Length, (Count - lost) * 1.05, (Count - lost) * 1.15);
        Assert.InRange(seen.Count(p => !p.AsSpan().SequenceEqual(packet)),
            seen.Length * 0.4, seen.Length * 0.6);
    }

    [Fact]
    public void Two_dummy_ports_are_the_ends_of_a_wire_over_a_socket()
    {
        var folder = Directory.CreateTempSubdirectory("fx-datapath-").FullName;
        var path = Path.Combine(folder, "wire.sock");
        try
        {
            using var near = Dummy(("in", []), ("out", [("stream", "unix:" + path)]));
            using var far = Dummy(("in", [("pstream", "punix:" + path)]), ("out", []));
            Assert.True(DeviceLab.Eventually(() =>
                near.FindMemoryPort("out")!.IsStreamConnected
                && far.FindMemoryPort("in")!.IsStreamConnected));
            for (byte i = 0; i < 10; i++)
            {
                near.FindMemoryPort("in")!.Inject([.. new byte[60], i]);
            }

            byte next = 0;
            Assert.True(DeviceLab.Eventually(() =>
            {
                while (far.FindMemoryPort("out")!.TryTake(out var seen))
                {
                    Assert.Equal(next++, seen[60]);
                }

                return next == 10;
            }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_faults()
    {
        static byte[][] Run()
        {
            using var datapath = Dummy(
                ("in", [("fault", "drop=0.3,reorder=0.3,truncate=0.1,seed=9")]), ("out", []));
            for (var i = 0; i < 100; i++)
            {
                var packet = new byte[64];
                packet[20] = (byte)i;
                datapath.FindMemoryPort("in")!.Inject(packet);
            }

            return [.. datapath.FindMemoryPort("out")!.TakeAll()];
        }

        Assert.Equal(Run(), Run());
    }

    [Theory]
    [InlineData("drop=2")]
    [InlineData("drop")]
    [InlineData("explode=0.1")]
    [InlineData("drop=0.1,,")]
    public void A_plan_that_makes_no_sense_is_an_error_of_the_interface(string plan)
    {
        using var datapath = new UserspaceDatapath(
            options: new UserspaceDatapathOptions { IsDummy = true });
        var spec = new DatapathPortSpec(
            "p1", DatapathPortKind.Dummy, Options: Options([("fault", plan)]));
        Assert.False(datapath.Ports.TryAdd(spec, out _, out var error));
        Assert.Contains("drop, duplicate, corrupt, reorder, truncate", error);
    }

    [DeviceFact]
    public void A_lossy_system_port_still_carries_what_it_does_not_lose()
    {
        using var hosts = new TwoHosts();
        hosts.Switch.Run(() =>
        {
            using var datapath = DeviceLab.CrossConnected(
                new DatapathPortSpec("a0", DatapathPortKind.System),
                new DatapathPortSpec(
                    "b0", DatapathPortKind.System, Options: Options([("fault", "drop=0.2")])));
            var text = hosts.Left.Exec("ping -q -c 100 -i 0.005 -W 1 10.9.0.2");
            var received = int.Parse(
                text.Split(" received")[0].Split(", ")[^1],
                System.Globalization.CultureInfo.InvariantCulture);
            Assert.InRange(received, 30, 90);
        });
    }

    [DeviceFact]
    public void A_tap_with_several_queues_carries_several_flows()
    {
        using var a = new NetworkNamespace();
        using var d = new NetworkNamespace();
        DeviceLab.Wire(d, "a0", a, "10.9.0.1/24");
        d.Run(() =>
        {
            using var datapath = DeviceLab.CrossConnected(
                new DatapathPortSpec("a0", DatapathPortKind.System),
                new DatapathPortSpec(
                    "br0", DatapathPortKind.Tap, Options: Options([("n_rxq", "4")])));
            d.Exec("ip addr add 10.9.0.2/24 dev br0");
            var queues = d.Exec("ls /sys/class/net/br0/queues");
            Assert.Contains("br0", d.Exec("ip link show br0"));
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
            using var server = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Any, 7001);
            server.Start();
            for (var flow = 0; flow < 8; flow++)
            {
                var accepted = server.AcceptTcpClientAsync();
                a.Run(() =>
                {
                    using var client = new System.Net.Sockets.TcpClient("10.9.0.2", 7001);
                    client.GetStream().Write("hello"u8);
                });
                using var peer = accepted.Result;
                var bytes = new byte[5];
                peer.GetStream().ReadExactly(bytes);
                Assert.True(bytes.AsSpan().SequenceEqual("hello"u8), queues);
            }
        });
    }

    /// <summary>Port 1's packets go to port 2.</summary>
    private static UserspaceDatapath Dummy(
        params (string Name, (string Key, string Value)[] Options)[] ports)
    {
        var datapath = new UserspaceDatapath(
            options: new UserspaceDatapathOptions { IsDummy = true });
        uint number = 1;
        foreach (var (name, options) in ports)
        {
            Assert.True(datapath.Ports.TryAdd(
                new DatapathPortSpec(
                    name, DatapathPortKind.Dummy, number++, Options: Options(options)),
                out _, out var error), error);
        }

        datapath.UpcallHandler = new DeviceLab.Switching(_ => [new OutputAction(2)]);
        return datapath;
    }

    private static ImmutableSortedDictionary<string, string> Options(
        (string Key, string Value)[] options) =>
        options.ToImmutableSortedDictionary(o => o.Key, o => o.Value, StringComparer.Ordinal);
}
