using System.Runtime.CompilerServices;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Tests.OpenFlow;

/// <summary>
/// Golden lines: version, a flow as people write it, and what Open vSwitch 3.1's "ovs-ofctl
/// parse-flow" prints of it after it was encoded and decoded in that version.
/// </summary>
public sealed class FlowTextTests
{
    public static TheoryData<string, string, string> Golden()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var line in File.ReadLines(Path.Combine(Folder(), "flows.golden")))
        {
            var parts = line.Split('\t');
            data.Add(parts[0], parts[1], parts[2]);
        }

        return data;
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [Theory, MemberData(nameof(Golden))]
    public void Flows_are_read_encoded_decoded_and_printed_as_Open_vSwitch_does(
        string version, string text, string expected)
    {
        Assert.True(OfFlowText.TryParse(text, FlowModCommand.Add, out var mod, out var error),
            error);
        var context = new OfCodecContext(Enum.Parse<OfVersion>(version), TlvTable.Empty, true);
        var bytes = OfEncoder.ToArray(mod, 1, in context);
        Assert.True(OfDecoder.TryDecode(bytes, in context, out var envelope, out var code),
            code.ToString());
        Assert.Equal(expected, Print(Assert.IsType<FlowMod>(envelope.Message)));
    }

    /// <summary>Bytes as ovs-ofctl sends them, and what they mean to it.</summary>
    [Theory]
    [InlineData("ffff001800002320002100010004000000050000000000000000", 24,
        "set_field:0x5->reg0")]
    [InlineData("ffff0018000023200021000150041234567800000000000000", 24,
        "set_field:0x12345678->tun_metadata0")]
    public void Entries_follow_the_subtype_at_once(string hex, int size, string expected)
    {
        var bytes = Convert.FromHexString(hex[..(size * 2)]);
        var context = new OfCodecContext(OfVersion.OpenFlow10);
        var actions = new List<OfAction>();
        Assert.Equal(OfErrorCode.None, ActionDecoder.Decode(bytes, in context, actions));
        Assert.Equal(expected, OfActionText.Format(ActionList.From(actions)));
    }

    /// <summary>The way in which ovs-ofctl prints a flow-mod.</summary>
    private static string Print(FlowMod mod)
    {
        var parts = new List<string>();
        if (mod.TableId != 0) parts.Add($"table:{mod.TableId}");
        var rule = OfFlowText.FormatRule(mod.Priority, mod.Match);
        if (rule.Length > 0) parts.Add(rule);
        if (mod.Cookie != 0) parts.Add($"cookie:0x{mod.Cookie:x}");
        if (mod.IdleTimeout != 0) parts.Add($"idle:{mod.IdleTimeout}");
        if (mod.HardTimeout != 0) parts.Add($"hard:{mod.HardTimeout}");
        if ((mod.Flags & FlowModFlags.SendFlowRemoved) != 0) parts.Add("send_flow_rem");
        if ((mod.Flags & FlowModFlags.CheckOverlap) != 0) parts.Add("check_overlap");
        parts.Add("actions=" + OfActionText.Format(mod.Actions));
        return string.Join(' ', parts);
    }
}
