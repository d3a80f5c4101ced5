using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Fuzz.Netlink;

/// <summary>Bytes from a kernel, or from what pretends to be one: any of them.</summary>
/// <remarks>
/// Seeds are the messages of a real exchange between provider and emulator, recorded at start;
/// mutations flip, cut, repeat and lie about lengths. No reader may throw, hang or allocate
/// without bound, and a provider that is fed with them must go on.
/// </remarks>
public sealed class NetlinkFuzzTests
{
    private static readonly int Rounds =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 1_000_000 : 60_000;

    private static readonly Lazy<byte[][]> s_seeds = new(Record);

    [Fact]
    public void No_reader_throws_on_any_message()
    {
        var random = new Random(10_001);
        var seeds = s_seeds.Value;
        for (var i = 0; i < Rounds; i++) ReadEverything(Mutate(seeds, random), random);
    }

    [Fact]
    public void Every_truncation_of_every_message_is_read_without_a_fault()
    {
        var random = new Random(10_002);
        foreach (var seed in s_seeds.Value.Take(200))
        {
            for (var size = 0; size <= seed.Length; size++)
            {
                ReadEverything(seed[..size], random);
            }
        }
    }

    [Fact]
    public void Every_length_field_may_lie()
    {
        var random = new Random(10_003);
        foreach (var seed in s_seeds.Value.Take(100))
        {
            for (var at = 0; at + 2 <= seed.Length; at += 4)
            {
                foreach (var length in (ushort[])[0, 1, 3, 4, 5, 0x7FFF, 0xFFFE, 0xFFFF])
                {
                    var bytes = (byte[])seed.Clone();
                    BitConverter.TryWriteBytes(bytes.AsSpan(at), length);
                    ReadEverything(bytes, random);
                }
            }
        }
    }

    [Fact]
    public void The_emulator_takes_any_request()
    {
        var random = new Random(10_004);
        var seeds = s_seeds.Value;
        using var emulator = new OvsextEmulator();
        emulator.ConnectNic("p1");
        Assert.True(emulator.TryOpen(NetlinkProtocol.Generic, out var handle).IsOk);
        var answer = new byte[NetlinkLimits.MessageSizeMax];
        DeviceControl[] codes =
        [
            DeviceControl.Transact, DeviceControl.Write, DeviceControl.Read,
            DeviceControl.ReadEvent, DeviceControl.ReadPacket, DeviceControl.GetPid,
        ];
        for (var i = 0; i < Rounds / 4; i++)
        {
            var request = Mutate(seeds, random);
            if (request.Length >= 16) BitConverter.TryWriteBytes(request.AsSpan(12), 1u);
            handle!.Control(codes[random.Next(codes.Length)], request, answer);
        }

        handle!.Dispose();
    }

    [Fact]
    public void A_provider_survives_a_device_of_random_answers()
    {
        var random = new Random(10_005);
        var device = new RandomDevice(s_seeds.Value, random.Next());
        using var provider = new OvsNetlinkDatapath(device, new OvsNetlinkOptions
        {
            UpcallLoops = 1,
            BackoffMin = TimeSpan.FromMilliseconds(1),
            BackoffMax = TimeSpan.FromMilliseconds(2),
            PollPeriod = TimeSpan.FromMilliseconds(5),
            PendPatience = TimeSpan.FromMilliseconds(1),
        });
        provider.Faulted = _ => { };
        FlowKey key = default, mask = default;
        mask.InPortWire = uint.MaxValue;
        for (var i = 0; i < 200; i++)
        {
            key.InPort = (uint)(i % 5);
            provider.Flows.Put(key, mask, [new OutputAction(1)]);
            provider.Ports.TryAdd(
                new DatapathPortSpec($"p{i % 7}", DatapathPortKind.System), out _, out _);
            provider.Flows.Dump((in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> _,
                in FlowStatistics _) => { });
            provider.Conntrack.Totals();
            provider.Conntrack.Limits();
            provider.Statistics();
            foreach (var port in provider.Ports.Dump()) provider.Ports.Statistics(port.Number);
        }

        Assert.Equal(5, provider.Flows.Count);
    }

    private static void ReadEverything(byte[] bytes, Random random)
    {
        NetlinkReply.TryParse(bytes, 1, out _, out _);
        GenericController.TryReadFamily(bytes, out _, out _, out _);
        ConntrackMessage.TryParse(bytes, NetlinkDialect.Ovsext, out _, out _);
        ConntrackMessage.TryParse(bytes, NetlinkDialect.Linux, out _, out _);
        new NetlinkDump(1).Accept(
            bytes, (ReadOnlySpan<byte> _, out NetlinkFault fault) => NoFault(out fault));
        OvsActionReader.TryRead(bytes.AsSpan(Math.Min(bytes.Length, 24)), out _, out _);
        if (OvsFlowKeyReader.TryRead(bytes, out var loose, out _, out _))
        {
            OvsFlowKeyReader.TryReadMask(bytes, in loose, out _, out _, out _);
        }

        if (!OvsMessage.TryParse(bytes, out var message, out _, out _)) return;
        message.HasSoundAttributes(out _);
        OvsDatapathMessage.TryParse(message, out _, out _);
        OvsVportMessage.TryParse(message, out _, out _);
        OvsNetdevMessage.TryParse(message, out _, out _);
        OvsSubscribeMessage.TryParse(message, out _, out _);
        OvsSocketProperty.TryParse(message, out _, out _);
        OvsMeterMessage.TryParse(message, out _, out _);
        OvsConntrackLimitMessage.TryParse(message, out _, out _);
        if (OvsFlowMessage.TryParse(message, out var flow, out _))
        {
            if (OvsFlowKeyReader.TryRead(flow.Key, out var key, out _, out _))
            {
                // What was read can be written, and reads as the same again.
                var writer = new NetlinkWriter(new byte[4096]);
                OvsFlowKeyWriter.Write(ref writer, in key, OvsKeyForm.Complete);
                Assert.False(writer.HasOverflowed);
                OvsFlowKeyReader.TryReadMask(flow.Mask, in key, out _, out _, out _);
            }

            OvsActionReader.TryRead(flow.Actions, out _, out _);
        }

        if (OvsPacketMessage.TryParse(message, out var packet, out _))
        {
            OvsFlowKeyReader.TryRead(packet.Key, out _, out _, out _);
            FlowKey key = default;
            var copy = packet.Packet.ToArray();
            FlowKeyExtractor.TryExtract(copy, ref key, out _);
        }

        _ = random;
    }

    private static bool NoFault(out NetlinkFault fault)
    {
        fault = default;
        return true;
    }

    private static byte[] Mutate(byte[][] seeds, Random random)
    {
        var bytes = (byte[])seeds[random.Next(seeds.Length)].Clone();
        for (var n = random.Next(4); n >= 0; n--)
        {
            if (bytes.Length == 0) break;
            var at = random.Next(bytes.Length);
            switch (random.Next(6))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes = bytes[..at]; break;
                case 3:
                    bytes = [.. bytes[..at], .. bytes.Skip(at / 2).Take(random.Next(64)),
                        .. bytes[at..]];
                    break;
                case 4 when bytes.Length >= at + 2 && at % 4 == 0:
                    BitConverter.TryWriteBytes(bytes.AsSpan(at), (ushort)random.Next(80));
                    break;
                default: bytes.AsSpan(at, Math.Min(4, bytes.Length - at)).Fill(0xFF); break;
            }
        }

        // Most mutants keep a true length, so that they get past the first door.
        if (bytes.Length >= 16 && random.Next(4) != 0)
        {
            BitConverter.TryWriteBytes(bytes, (uint)bytes.Length);
        }

        return bytes;
    }

    /// <summary>All messages of a provider that does everything once.</summary>
    private static byte[][] Record()
    {
        var seen = new List<byte[]>();
        var emulator = new OvsextEmulator();
        emulator.Traced = (_, request, answer) =>
        {
            lock (seen)
            {
                if (!request.IsEmpty) seen.Add(request.ToArray());
                if (!answer.IsEmpty) seen.Add(answer.ToArray());
            }
        };
        emulator.ConnectNic("p1");
        emulator.ConnectNic("p2");
        using var provider = new OvsNetlinkDatapath(
            emulator, new OvsNetlinkOptions { UpcallLoops = 1 });
        provider.Ports.TryAdd(new DatapathPortSpec("p1", DatapathPortKind.System), out _, out _);
        provider.Ports.TryAdd(new DatapathPortSpec("p2", DatapathPortKind.System), out _, out _);
        provider.Ports.TryAdd(
            new DatapathPortSpec("gnv", DatapathPortKind.Tunnel,
                Tunnel: new TunnelPortSpec(TunnelKind.Geneve, 6081)), out _, out _);
        provider.Meters.TrySet(
            1, new MeterSpec(true, true, [new MeterBand(MeterBandKind.Drop, 9, 9, 0)]), out _);
        provider.Conntrack.SetLimit(3, 10);
        FlowKey mask = default, key = default;
        mask.InPortWire = uint.MaxValue;
        key.InPort = 1;
        Assert.True(OdpActionText.TryParse(
            "set(tunnel(tun_id=0x7,src=10.1.0.1,dst=10.1.0.2,ttl=64,flags(df|key))),"
            + "push_vlan(vid=5,pcp=3),sample(sample=50.0%,actions(pop_vlan)),meter(1),"
            + "ct(commit,zone=3,mark=0x1/0x1,nat(src=10.0.0.9:1000-2000)),recirc(0x7)", null,
            out var actions, out var error), error);
        provider.Flows.Put(key, mask, actions);
        for (var i = 0; i < 8; i++)
        {
            FlowKey packet = default;
            packet.EthernetType = i % 2 == 0 ? EtherType.Ipv4 : EtherType.Ipv6;
            packet.NetworkProtocol = i % 3 == 0 ? IpProtocol.Tcp : IpProtocol.Udp;
            packet.NetworkTtl = 64;
            packet.PortSource = (ushort)(1000 + i);
            emulator.FindNic("p1")!.Inject(PacketBuilder.Compose(packet));
        }

        Assert.True(emulator.WaitUntilIdle(TimeSpan.FromSeconds(20)));
        provider.Flows.Dump((in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> _,
            in FlowStatistics _) => { });
        provider.Conntrack.Totals();
        provider.Conntrack.Limits();
        provider.Meters.Statistics(1);
        provider.Statistics();
        provider.Flows.Flush();
        lock (seen) return [.. seen];
    }

    /// <summary>Answers every call with a bent message of another one.</summary>
    private sealed class RandomDevice(byte[][] seeds, int seed) : INetlinkDevice
    {
        private readonly Random _random = new(seed);

        public string Name => "random";
        public NetlinkDialect Dialect => NetlinkDialect.Ovsext;

        public DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle)
        {
            handle = new Handle(this);
            return default;
        }

        public void Dispose()
        {
        }

        private byte[] Next(ReadOnlySpan<byte> request)
        {
            lock (_random)
            {
                var bytes = Mutate(seeds, _random);
                // Now and then the truth: a sequence number that fits, or nothing at all.
                if (_random.Next(8) == 0) return [];
                if (request.Length >= 16 && bytes.Length >= 16 && _random.Next(2) == 0)
                {
                    request[8..16].CopyTo(bytes.AsSpan(8));
                }

                return _random.Next(6) == 0 ? request.ToArray() : bytes;
            }
        }

        private sealed class Handle(RandomDevice owner) : INetlinkHandle
        {
            public DeviceResult Control(
                DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer)
            {
                if (code == DeviceControl.GetPid)
                {
                    BitConverter.TryWriteBytes(answer, 1u);
                    return new(DeviceStatus.Ok, 4);
                }

                var bytes = owner.Next(request);
                var size = Math.Min(bytes.Length, answer.Length);
                bytes.AsSpan(0, size).CopyTo(answer);
                return new(DeviceStatus.Ok, size);
            }

            public DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience) => default;

            public void Cancel()
            {
            }

            public void Dispose()
            {
            }
        }
    }
}
