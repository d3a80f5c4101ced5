using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Tests.OpenFlow;

/// <summary>What malformed messages of OpenFlow 1.3 are answered with.</summary>
/// <remarks>
/// The numbers are those of the specification and of ovs-vswitchd 3.1, for which a field with a
/// wrong length is an unknown field. (Fabric.Tests asks it about thousands of messages.)
/// </remarks>
public sealed class MalformedMessageTests
{
    public static TheoryData<string, string, int, int> Cases => new()
    {
        { "unknown message type",
            "0463000800000007", 1, 1 },
        { "barrier with a body",
            "0414000c0000000731323334", 1, 6 },
        { "short flow-mod",
            "040e001c000000070000000000000000000000000000000000000000", 1, 6 },
        { "flow-mod with unknown command",
            "040e003800000007000000000000000000000000000000000009000000000001"
            + "ffffffffffffffffffffffff000000000001000400000000", 5, 6 },
        { "match of an unknown type",
            "040e003800000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000007000400000000", 4, 0 },
        { "field with a wrong length",
            "040e004000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000001000980000a010800000000000000", 4, 6 },
        { "field twice",
            "040e004000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000001001080000a02080080000a020800", 4, 10 },
        { "field without prerequisite",
            "040e004000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000001000c800016040a00000100000000", 4, 9 },
        { "unknown field",
            "040e004000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000001000c8000f0046162636400000000", 4, 6 },
        { "mask with bits outside",
            "040e004800000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000001001680000a020800800017080a00"
            + "0001ff0000000000", 4, 5 },
        { "mask of a field without",
            "040e004000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000001000c80000b040800ff0000000000", 4, 8 },
        { "unknown instruction",
            "040e004000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff000000000001000400000000004d000800000000", 3, 0 },
        { "instruction with a wrong length",
            "040e004800000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000001001000000000"
            + "0000000000000000", 3, 7 },
        { "goto backwards",
            "040e004000000007000000000000000000000000000000000500000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000001000803000000", 3, 2 },
        { "unknown action",
            "040e004800000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001000000000"
            + "03e7000800000000", 2, 0 },
        { "action with a wrong length",
            "040e004800000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001000000000"
            + "0000000800000001", 2, 1 },
        { "action length not of eight",
            "040e005000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001800000000"
            + "0000000c000000010000000000000000", 2, 1 },
        { "output to any",
            "040e005000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001800000000"
            + "00000010ffffffff0000000000000000", 2, 4 },
        { "unknown experimenter action",
            "040e004800000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001000000000"
            + "ffff000800001234", 2, 2 },
        { "unknown Nicira action",
            "040e005000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001800000000"
            + "ffff00100000232003e7000000000000", 2, 3 },
        { "set of a field without prerequisite",
            "040e005000000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001800000000"
            + "00190010800016040a00000100000000", 2, 10 },
        { "push of no tag type",
            "040e004800000007000000000000000000000000000000000000000000000001"
            + "ffffffffffffffffffffffff0000000000010004000000000004001000000000"
            + "0011000812340000", 2, 5 },
        { "group with unknown command",
            "040f0010000000070009000000000001", 6, 11 },
        { "group with unknown type",
            "040f0010000000070000090000000001", 6, 10 },
        { "group number too high",
            "040f00100000000700000000ffffff77", 6, 1 },
        { "bucket with a wrong length",
            "040f002000000007000000000000000100080000000000000000000000000000", 6, 12 },
        { "meter with unknown command",
            "041d0010000000070009000100000001", 12, 4 },
        { "meter 0",
            "041d0020000000070000000100000000000100100000000a0000000000000000", 12, 2 },
        { "meter with an unknown band",
            "041d0020000000070000000100000005000900100000000a0000000000000000", 12, 8 },
        { "unknown statistics",
            "04120010000000070063000000000000", 1, 2 },
        { "statistics of unknown experimenter",
            "0412001800000007ffff0000000000000000123400000001", 1, 3 },
        { "unknown experimenter",
            "04040010000000070000123400000001", 1, 3 },
        { "unknown Nicira message",
            "0404001000000007000023200000270f", 1, 4 },
        { "role out of range",
            "041800180000000700000009000000000000000000000000", 11, 2 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_is_answered_with_the_error_that_the_specification_names(
        string what, string hex, int type, int code)
    {
        var isWhole = OfDecoder.TryDecode(
            Convert.FromHexString(hex), new OfCodecContext(OfVersion.OpenFlow13), out var envelope,
            out var error);
        if (isWhole && envelope.Message is FlowMod mod)
        {
            error = ActionRules.ErrorOf(mod.Match, mod.Actions, mod.TableId);
        }

        var number = OfError.NumberOf(error, OfVersion.OpenFlow13);
        Assert.True((type, code) == (number.Type, number.Code), $"{what}: {number}");
    }
}
