using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Logical;

/// <summary>Flows of logical tables in the words of logical flows.</summary>
public sealed class LogicalFlowTextTests
{
    private static readonly LogicalFlowText Text = new(new LogicalNames(
        ImmutableSortedDictionary<uint, (string, bool)>.Empty.Add(1, ("sw", false)),
        ImmutableSortedDictionary<(uint, uint), string>.Empty.Add((1, 2), "p2")));

    [Theory]
    [InlineData("metadata=0x1", "1")]
    [InlineData("metadata=0x1,reg15=0x2,ip", "outport == \"p2\" && ip4")]
    [InlineData("metadata=0x1,reg15=0x8000", "outport == \"_MC_flood\"")]
    [InlineData("metadata=0x1,tcp,tp_dst=80", "ip4 && tcp && tcp.dst == 80")]
    [InlineData("metadata=0x1,ct_state=+trk+est-rel", "ct.est && !ct.rel && ct.trk")]
    [InlineData("metadata=0x1,reg0=0x80/0x80", "reg0[7] == 0x1")]
    [InlineData("metadata=0x1,reg10=0x1/0x1", "flags.loopback")]
    [InlineData("metadata=0x1,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "eth.mcast")]
    [InlineData("metadata=0x1,ip,nw_src=10.0.0.0/8", "ip4 && ip4.src == 10.0.0.0/8")]
    public void A_match_is_an_expression(string flow, string expression)
    {
        Assert.True(OfMatchText.TryParse(flow, out var match, out var error), error);
        Assert.Equal(expression, Text.Match(match, 1));
        if (expression != "1") ExpressionParser.Parse(expression); // Ours reads it again.
    }

    [Theory]
    [InlineData("drop", "drop;")]
    [InlineData("resubmit(,9)", "next;")]
    [InlineData("resubmit(,20)", "next(12);")]
    [InlineData("resubmit(,54)", "output;")]
    [InlineData("load:0x2->NXM_NX_REG15[],resubmit(,54)", "outport = \"p2\"; output;")]
    [InlineData("load:0x1->NXM_NX_REG0[7],resubmit(,9)", "reg0[7] = 1; next;")]
    [InlineData("dec_ttl,resubmit(,9)", "ip.ttl--; next;")]
    [InlineData("ct(table=9,zone=NXM_NX_REG13[0..15])", "ct_next;")]
    [InlineData("clone(load:0x1->NXM_NX_REG0[7])", "clone { reg0[7] = 1; };")]
    [InlineData("conjunction(5,1/2)", "conjunction(5,1/2);")]
    public void Actions_are_those_of_logical_flows(string flow, string expected)
    {
        Assert.True(OfActionText.TryParse(flow, out var actions, out var error), error);
        Assert.Equal(expected, Text.Actions(actions, 8, 1));
    }

    [Fact]
    public void Each_kind_of_punt_has_words()
    {
        foreach (var opcode in Enum.GetValues<ControllerOpcode>())
        {
            var userdata = new byte[] { 0, 0, 0, (byte)opcode };
            var punt = new OfController(Userdata: userdata);
            var words = Text.Actions(ActionList.From([punt]), 8, 1);
            Assert.DoesNotContain("controller", words);
            Assert.EndsWith(";", words);
        }
    }
}
