using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>Random tables over small values, so that packets hit, miss and nearly hit.</summary>
internal sealed class RandomPipeline
{
    private const int TableCount = 6;

    private static readonly ushort[] Types = [0x0800, 0x0800, 0x0800, 0x86DD, 0x0806, 0x1234];
    private static readonly byte[] Protocols = [6, 6, 17, 1, 47];
    private static readonly ushort[] Ports = [80, 81, 82, 443, 8080, 1000, 0x8000];

    private readonly Random _random;

    public RandomPipeline(int seed)
    {
        _random = new Random(seed);
        World = PipelineWorld.WithPorts(4);
        World.AddPort("br0", "patch0", 8, null, peer: "patch1");
        World.AddPort("br1", "patch1", 8, null, peer: "patch0");
        World.AddPort("br1", "q1", 1, 11, mode: VlanMode.Access, vlan: 3);
        World.AddPort("br1", "q2", 2, 12);
        World.AddPort("br0", "tunnel", 9, 20, tunnel: PipelineWorld.GeneveTo("192.0.2.2"));
        World.Br0.ChangeTlvTable(
            new OfTlvTableMod(TlvTableCommand.Add, [new TlvMapping(0x102, 0x80, 4, 0)]), 0);
        World.Add("br1", 0, 0, new MatchBuilder(), new OfOutput(OfPort.Normal));
        World.PipelineOf("br1").Macs.AddStatic(Mac(2), 3, "q2", 2, 0);
        World.PipelineOf("br1").Macs.AddStatic(Mac(3), 0, "q2", 2, 0);
        World.Br0.Macs.AddStatic(Mac(2), 0, "p2", 2, 0);
        var group = new GroupMod(GroupModCommand.Add, OfGroupType.Select, 1,
            [new OfBucket(0, [new OfOutput(2)]), new OfBucket(1, [new OfOutput(3)])])
        {
            Selection = new OfSelectionMethod(Pick(["hash", "dp_hash"]), 0, []),
        };
        Assert.Empty(World.Br0.Apply([new PipelineChange(group)], true, 0).Refused);
        for (var i = 0; i < 40; i++) AddRule();
    }

    public PipelineWorld World { get; }

    public FlowKey Packet()
    {
        FlowKey key = default;
        key.InPort = Pick<uint>([1, 2, 3, 11, 12]);
        key.EthernetSource = Mac(_random.Next(1, 5));
        key.EthernetDestination = _random.Next(6) == 0
            ? MacBytes.Broadcast : Mac(_random.Next(1, 5));
        key.EthernetType = Pick(Types);
        if (_random.Next(3) == 0)
        {
            key.VlanTci0 = (ushort)(0x1000 | _random.Next(0, 5) | (_random.Next(0, 3) << 13));
            key.VlanTpid0Wire = 0x0081;
        }

        if (key.EthernetType is 0x0800 or 0x86DD) AddNetwork(ref key);
        if (key.EthernetType == 0x0806)
        {
            key.NetworkProtocol = (byte)_random.Next(1, 3);
            key.Ipv4Source = Address();
            key.Ipv4Destination = Address();
            key.ArpSource = key.EthernetSource;
        }

        return key;
    }

    /// <summary>As the tracker would hand it back.</summary>
    public FlowKey Tracked(FlowKey key, uint recirculation)
    {
        key.RecirculationId = recirculation;
        key.ConntrackState = Pick([
            ConntrackState.Tracked | ConntrackState.New,
            ConntrackState.Tracked | ConntrackState.Established,
            ConntrackState.Tracked | ConntrackState.Established | ConntrackState.Reply,
            ConntrackState.Tracked | ConntrackState.Invalid]);
        key.ConntrackMark = (uint)_random.Next(0, 3);
        key.ConntrackZone = (ushort)_random.Next(0, 3);
        key.DatapathHashWire = (uint)_random.Next();
        return key;
    }

    /// <summary>
    /// A packet that agrees with 'key' in the bits of 'mask'; false if there is none.
    /// </summary>
    public bool TryTwin(FlowKey key, FlowKey mask, FlowKey other, out FlowKey twin)
    {
        twin = key;
        var words = twin.Words;
        var masks = mask.Words;
        var others = other.Words;
        for (var i = 0; i < words.Length; i++)
        {
            // Only some of the free words differ: the more alike, the nearer to a mistake.
            if (_random.Next(3) == 0) continue;
            words[i] = (words[i] & masks[i]) | (others[i] & ~masks[i]);
        }

        Mend(ref twin);
        var mended = twin.Words;
        var keys = key.Words;
        for (var i = 0; i < mended.Length; i++)
        {
            if (((mended[i] ^ keys[i]) & masks[i]) != 0) return false;
        }

        return true;
    }

    /// <summary>Makes a mixture of two packets a packet again.</summary>
    private static void Mend(ref FlowKey key)
    {
        if ((key.VlanTci0 & 0x1000) == 0) key.VlanTci0 = key.VlanTpid0Wire = 0;
        else key.VlanTpid0Wire = 0x0081;
        var isIp = key.IsIpv4 || key.IsIpv6;
        if (!isIp && !key.IsArp) key.Bytes[FlowKey.NetworkOffset..FlowKey.TunnelOffset].Clear();
        if (isIp) key.ArpSource = default;
        if (!key.IsIpv6) key.Ipv6Source = key.Ipv6Destination = default;
        else key.Ipv4SourceWire = key.Ipv4DestinationWire = 0;
        if (key.IsArp)
        {
            (key.NetworkTos, key.NetworkTtl, key.NetworkFragment) = (0, 0, 0);
            (key.PortSourceWire, key.PortDestinationWire, key.TcpFlagsWire) = (0, 0, 0);
        }

        if (key.NetworkProtocol != 6) key.TcpFlagsWire = 0;
        if (!isIp || key.NetworkProtocol is not (6 or 17 or 1))
        {
            (key.PortSourceWire, key.PortDestinationWire) = (0, 0);
        }

        if (isIp && key.NetworkProtocol == 1)
        {
            key.PortSourceWire &= 0xFF00;
            key.PortDestinationWire &= 0xFF00;
        }
    }

    private void AddNetwork(ref FlowKey key)
    {
        key.NetworkProtocol = Pick(Protocols);
        key.NetworkTtl = (byte)Pick([1, 2, 64]);
        key.NetworkTos = (byte)Pick([0, 4, 0x20]);
        if (key.IsIpv4)
        {
            key.Ipv4Source = Address();
            key.Ipv4Destination = Address();
        }
        else
        {
            key.Ipv6Source = Ipv6();
            key.Ipv6Destination = Ipv6();
        }

        if (key.NetworkProtocol is 6 or 17)
        {
            key.PortSource = Pick(Ports);
            key.PortDestination = Pick(Ports);
            if (key.NetworkProtocol == 6) key.TcpFlags = Pick<ushort>([2, 16, 17]);
        }
        else if (key.NetworkProtocol == 1)
        {
            key.PortSource = (ushort)Pick([0, 8]);
        }
    }

    private void AddRule()
    {
        var match = new MatchBuilder();
        for (var i = _random.Next(0, 4); i > 0; i--) AddField(match);
        if (!match.TryBuild(out var built, out _)) return;
        var table = (byte)_random.Next(TableCount);
        var actions = new List<OfAction>();
        for (var i = _random.Next(1, 5); i > 0; i--) actions.Add(Action(table));
        World.Br0.Apply(
            [new PipelineChange(FlowMod.Add(
                table, (ushort)_random.Next(0, 20), built, ActionList.From(actions)))],
            true, 0);
    }

    private void AddField(MatchBuilder match)
    {
        switch (_random.Next(12))
        {
            case 0: match.Set(MatchField.InPortOxm, (ulong)_random.Next(1, 4)); break;
            case 1: match.Set(MatchField.EthernetSource, Mac(_random.Next(1, 5))); break;
            case 2:
                match.SetMasked(MatchField.EthernetDestination,
                MacBytes.FromUInt64(1UL << 40), MacBytes.FromUInt64(1UL << 40)); break;
            case 3: match.Set(MatchField.EthernetType, Pick(Types)); break;
            case 4:
                match.SetMasked(MatchField.VlanTci, (UInt128)(uint)Pick([0, 0x1000, 0x1003]),
                (UInt128)(uint)Pick([0x1000, 0x1FFF])); break;
            case 5:
                match.Set(MatchField.EthernetType, 0x0800);
                Prefix(match, Pick([MatchField.Ipv4Source, MatchField.Ipv4Destination]));
                break;
            case 6:
                match.Set(MatchField.EthernetType, 0x0800);
                match.Set(MatchField.IpProtocol, (ulong)6);
                var mask = Pick([0xFFFFu, 0xFFFEu, 0x8000u]);
                match.SetMasked(Pick([MatchField.TcpSource, MatchField.TcpDestination]),
                    (UInt128)(Pick(Ports) & mask), (UInt128)mask);
                break;
            case 7:
                match.SetMasked(MatchField.Reg(_random.Next(3)),
                (UInt128)(uint)_random.Next(0, 4), (UInt128)3); break;
            case 8:
                match.SetMasked(MatchField.ConntrackStateField,
                    (UInt128)(uint)Pick([0x21, 0x22, 0x20, 0]),
                    (UInt128)(uint)Pick([0x23, 0x20]));
                break;
            case 9: match.Set(MatchField.ConntrackMark, (ulong)_random.Next(0, 3)); break;
            case 10: match.Set(MatchField.Metadata, (ulong)_random.Next(0, 3)); break;
            default:
                match.Set(MatchField.EthernetType, 0x86DD);
                match.SetMasked(MatchField.Ipv6Destination,
                    (UInt128)_random.Next(0, 4) << 96, UInt128.MaxValue << 96);
                break;
        }
    }

    private void Prefix(MatchBuilder match, MatchField field)
    {
        var length = Pick([8, 16, 24, 30, 31, 32, 32]);
        var mask = uint.MaxValue << (32 - length);
        match.SetMasked(field, (UInt128)(Address() & mask), (UInt128)mask);
    }

    private OfAction Action(byte table)
    {
        var next = (byte)Math.Min(TableCount, table + _random.Next(1, 4));
        switch (_random.Next(19))
        {
            case 0 or 1: return new OfOutput((uint)_random.Next(1, 5));
            case 2: return new OfOutput(Pick([OfPort.Normal, OfPort.InPort, OfPort.Flood, 8u, 9u]));
            case 3 or 4 or 5: return new OfResubmit(next);
            case 6: return new OfSetField(MatchField.EthernetDestination, Mac(2).ToUInt64());
            case 7: return new OfSetField(MatchField.Ipv4Destination, Address());
            case 8:
                return new OfLoad(new Subfield(MatchField.Reg(_random.Next(3)), 0, 2),
                (ulong)_random.Next(0, 4));
            case 9:
                return new OfMove(new Subfield(MatchField.Ipv4Source, 0, 2),
                new Subfield(MatchField.Reg(_random.Next(3)), 0, 2));
            case 10:
                return new OfMove(new Subfield(MatchField.TcpDestination, 0, 4),
                new Subfield(MatchField.Reg0, 0, 4));
            case 11: return new OfDecrementTtl();
            case 12:
                return new OfConntrack(_random.Next(2) == 0, false,
                _random.Next(3) == 0 ? null : next, 1, null, 0, null, ActionList.Empty);
            case 13: return new OfPushVlan();
            case 14: return new OfStripVlan();
            case 15: return new OfStackPush(new Subfield(MatchField.EthernetSource, 0, 8));
            case 16: return new OfStackPop(new Subfield(MatchField.Reg1, 0, 8));
            case 17: return new OfClone([Action(table), new OfOutput((uint)_random.Next(1, 5))]);
            default:
                return Pick<OfAction>(
                [new OfGroup(1), new OfConntrackClear(),
                    new OfSetField(MatchField.TcpDestination, 81),
                    new OfSetVlanVid(3), new OfWriteMetadata(1), new OfController(),
                    new OfSetField(MatchField.TunnelId, 5), new OfCheckPacketLarger(
                        new Subfield(MatchField.Reg2, 0, 1), 1400)]);
        }
    }

    private uint Address() => Pick<uint>(
        [0x0a000001, 0x0a000002, 0x0a000003, 0x0a000101, 0x0a010001, 0xc0a80001, 0x0a000006]);

    private Ipv6Bytes Ipv6()
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        bytes[3] = (byte)_random.Next(0, 4);
        bytes[15] = (byte)_random.Next(0, 4);
        return Ipv6Bytes.From(bytes);
    }

    private static MacBytes Mac(int last) => MacBytes.FromUInt64(0x5054_0000_0000 + (ulong)last);

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];
}
