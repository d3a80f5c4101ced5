using System.Buffers.Binary;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>Messages of every kind, whole, cut short, too long, and with wrong numbers.</summary>
internal static class MessageMutations
{
    private const int HeaderSize = 8;

    private static readonly string[] Flows =
    [
        "in_port=1,actions=output:2",
        "tcp,nw_src=10.0.0.0/8,tp_dst=80,actions=resubmit(,3),controller(max_len=99,id=1)",
        "dl_vlan=5,actions=strip_vlan,output:2",
        "ip,actions=conjunction(3,1/2)",
        "ip,actions=ct(commit,zone=3,table=4,exec(load:1->NXM_NX_CT_MARK[]))",
        "actions=bundle(eth_src,0,hrw,ofport,members:1,2)",
        "actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[])",
        "actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[],output:NXM_NX_REG0[]",
        "actions=clone(output:1,output:2),check_pkt_larger(99)->NXM_NX_REG0[0]",
        "ip,actions=dec_ttl(1,2),set_queue:3",
        "actions=learn(table=2,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])",
        "reg1=3/7,metadata=3,tun_id=5,actions=output(port=1,max_len=64),note:01.02",
    ];

    private static readonly string[] LaterFlows =
    [
        "actions=write_metadata:3/7,goto_table:3", "actions=write_actions(output:1)",
        "actions=push_vlan:0x8100", "ipv6,ipv6_src=fd00::/16,actions=drop",
    ];

    /// <summary>The messages, each followed by what is made of it.</summary>
    public static IEnumerable<(string What, byte[] Frame)> Of(OfVersion version)
    {
        var context = new OfCodecContext(version);
        foreach (var message in Messages(version))
        {
            var whole = OfEncoder.ToArray(message, 0, in context);
            var name = $"{version} {message.GetType().Name}";
            yield return ($"{name} whole", whole);
            foreach (var (what, frame) in Lengths(whole).Concat(Words(whole)))
            {
                yield return ($"{name} {what}", frame);
            }
        }
    }

    private static IEnumerable<OfMessage> Messages(OfVersion version)
    {
        var is10 = version == OfVersion.OpenFlow10;
        foreach (var text in is10 ? Flows : [.. Flows, .. LaterFlows])
        {
            if (!OfFlowText.TryParse(text, FlowModCommand.Add, out var mod, out var error))
                throw new InvalidOperationException($"{text}: {error}");
            yield return mod;
        }

        yield return FlowMod.Delete(1, Match.Any);
        yield return new OfFeaturesRequest();
        yield return new OfSetConfig(OfConfigFlags.None, 128);
        yield return new OfDescriptionRequest();
        yield return new OfTableStatsRequest();
        yield return new OfPortStatsRequest(1);
        yield return new OfPortDescriptionRequest(OfPort.Any);
        yield return new OfTlvTableRequest();
        yield return new OfConntrackFlushZone(5);
        yield return new OfSetControllerId(5);
        if (is10) yield break;
        var match = new MatchBuilder().Set(MatchField.InPortOxm, (ulong)1).Build();
        yield return new OfPacketOut(FlowMod.NoBuffer, match, [new OfOutput(2)], new byte[64]);
        ActionList actions = [new OfOutput(2)];
        yield return new GroupMod(GroupModCommand.Add, OfGroupType.All, 7,
            [new OfBucket(0, 0, OfPort.Any, OfGroupNumber.Any, actions)]);
        yield return new MeterMod(MeterModCommand.Add, 3, MeterFlags.PacketsPerSecond,
            [new MeterBand(MeterBandType.Drop, 5, 0, 0)]);
        yield return new OfGroupFeaturesRequest();
        yield return new OfMeterFeaturesRequest();
        yield return new OfBundleControl(
            9, BundleControlType.OpenRequest, BundleFlags.Atomic | BundleFlags.Ordered);
    }

    private static IEnumerable<(string What, byte[] Frame)> Lengths(byte[] whole)
    {
        foreach (var cut in (int[])[1, 2, 4, 8, 16])
        {
            if (whole.Length - cut < HeaderSize) continue;
            yield return ($"cut by {cut}", Sized(whole[..^cut]));
        }

        foreach (var more in (int[])[1, 4])
        {
            yield return ($"longer by {more}", Sized([.. whole, .. new byte[more]]));
        }
    }

    private static IEnumerable<(string What, byte[] Frame)> Words(byte[] whole)
    {
        for (var at = HeaderSize; at + 2 <= whole.Length && at < 120; at += 2)
        {
            foreach (var value in (ushort[])[0, 0x7FFF, 0xFFFF])
            {
                var frame = whole.ToArray();
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(at), value);
                yield return ($"{value:x4} at {at}", frame);
            }
        }
    }

    private static byte[] Sized(byte[] frame)
    {
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)frame.Length);
        return frame;
    }
}
