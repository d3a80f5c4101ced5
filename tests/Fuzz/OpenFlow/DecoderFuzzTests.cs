using Fabric.Wire.OpenFlow;

namespace Fabric.Fuzz.OpenFlow;

/// <summary>Whatever bytes come, the decoder answers with a message or an error.</summary>
public sealed class DecoderFuzzTests
{
    private const int MutationCount = 4000;

    private static readonly string[] Flows =
    [
        "priority=3,ip,actions=ct(commit,table=1,nat(src=10.0.0.1),exec(load:0x1->NXM_NX_CT_MARK[]))",
        "actions=learn(table=1,NXM_OF_VLAN_TCI[0..11],output:NXM_OF_IN_PORT[]),note:01.02",
        "tcp,tp_dst=80/0xfff0,actions=bundle(eth_src,0,hrw,ofport,members:4,8),resubmit(,7)",
        "reg0=1,metadata=5/0xff,actions=controller(userdata=01.02,pause),clone(output:2)",
        "ct_state=+trk+est,ip,actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[],goto_table:9",
    ];

    /// <remarks>
    /// Goal: no message makes the decoder throw, loop or read past its end.
    /// Method: valid messages of every version are cut short and have bytes changed, by seed.
    /// </remarks>
    [Theory]
    [InlineData(OfVersion.OpenFlow10)]
    [InlineData(OfVersion.OpenFlow11)]
    [InlineData(OfVersion.OpenFlow12)]
    [InlineData(OfVersion.OpenFlow13)]
    [InlineData(OfVersion.OpenFlow14)]
    [InlineData(OfVersion.OpenFlow15)]
    public void Mutated_messages_are_decoded_or_refused(OfVersion version)
    {
        var random = new Random(1);
        var context = new OfCodecContext(version);
        foreach (var seed in Seeds(context))
        {
            for (var i = 0; i < MutationCount; i++)
            {
                var bytes = seed[..random.Next(1, seed.Length + 1)].ToArray();
                for (var n = random.Next(0, 6); n > 0; n--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                if (bytes.Length >= OfHeader.Size)
                {
                    (bytes[2], bytes[3]) = ((byte)(bytes.Length >> 8), (byte)bytes.Length);
                }

                var isDecoded =
                    OfDecoder.TryDecode(bytes, in context, out var envelope, out var error);
                Assert.Equal(isDecoded, error == OfErrorCode.None);
                if (isDecoded) OfEncoder.ToArray(envelope.Message, 1, in context);
            }
        }
    }

    [Fact]
    public void Random_bytes_of_every_type_are_decoded_or_refused()
    {
        var random = new Random(2);
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = new byte[random.Next(8, 120)];
            random.NextBytes(bytes);
            (bytes[0], bytes[1]) = ((byte)random.Next(1, 7), (byte)random.Next(0, 36));
            (bytes[2], bytes[3]) = (0, (byte)bytes.Length);
            var context = new OfCodecContext((OfVersion)bytes[0]);
            OfDecoder.TryDecode(bytes, in context, out _, out _);
        }
    }

    private static IEnumerable<byte[]> Seeds(OfCodecContext context)
    {
        foreach (var text in Flows)
        {
            if (!OfFlowText.TryParse(text, FlowModCommand.Add, out var mod, out _)) continue;
            yield return OfEncoder.ToArray(mod, 1, in context);
            var bundled = OfEncoder.ToArray(new OfBundleAdd(1, 0, 1, mod), 1, in context);
            if (bundled.Length > 0) yield return bundled;
            var bucket = new OfBucket(1, [new OfOutput(1)]);
            var group = new GroupMod(GroupModCommand.Add, OfGroupType.Select, 1, [bucket]);
            yield return OfEncoder.ToArray(group, 1, in context);
            yield return OfEncoder.ToArray(new OfPacketOut(1, [new OfOutput(2)], [1, 2, 3]), 1,
                in context);
            var flows = new OfFlowStatsRequest(
                mod.Match, 255, OfPort.Any, OfGroupNumber.Any, 0, 0, false, true);
            yield return OfEncoder.ToArray(flows, 1, in context);
        }
    }
}
