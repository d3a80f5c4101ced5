using System.Text.RegularExpressions;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>What several commands of fabric ofctl print.</summary>
internal static partial class OfctlText
{
    /// <summary>The error of a switch, and the message that it is about.</summary>
    public static string Refusal(
        OpenFlowBridge bridge, uint xid, OfErrorMessage error, OfMessage? cause)
    {
        var mark = $"{bridge.VersionMark} (xid=0x{xid:x}):";
        var name = OfError.NameOf(CodeOf(error));
        var text = $"OFPT_ERROR{mark} {name}";
        if (cause is OfBundleAdd added) cause = added.Message;
        return cause switch
        {
            FlowMod mod => $"{text}\nOFPT_FLOW_MOD{mark} {NameOf(mod)} {OfFlowText.Format(mod)}",
            GroupMod mod => $"{text}\n{GroupModName(bridge)}{mark}\n "
                + OfctlGroupText.Format(mod, HasBucketIds(bridge)),
            MeterMod mod => $"{text}\nOFPT_METER_MOD{mark} {NameOf(mod.Command)} "
                + OfctlMeterText.Format(mod.MeterId, mod.Flags, mod.Bands.AsSpan()),
            OfQueueGetConfigRequest request => $"{text}\nOFPT_QUEUE_GET_CONFIG_REQUEST{mark} "
                + $"port={OfPort.ToText(request.Port)}",
            OfQueueDescriptionRequest request => $"{text}\nOFPST_QUEUE_DESC request{mark} "
                + $"port={OfPort.ToText(request.Port)}",
            _ => text,
        };
    }

    /// <summary>OpenFlow 1.0 is told later versions' errors under the vendor's number.</summary>
    private static OfErrorCode CodeOf(OfErrorMessage error) =>
        error is { Code: OfErrorCode.None, Number: { } number }
            ? OfError.CodeOf(number with { Vendor = 0 }, OfVersion.OpenFlow13)
            : error.Code;

    /// <summary>OpenFlow 1.5, and the extension that gives 1.0 groups.</summary>
    public static bool HasBucketIds(OpenFlowBridge bridge) =>
        bridge.Version is OfVersion.OpenFlow10 or >= OfVersion.OpenFlow15;

    /// <summary>The name of an answer that OpenFlow 1.0 has only as an extension.</summary>
    public static string Extended(OpenFlowBridge bridge, string name) =>
        (bridge.Version == OfVersion.OpenFlow10 ? "NXST_" : "OFPST_") + name;

    /// <summary>A counter that a switch may not have.</summary>
    public static string Counter(ulong value) =>
        value == ulong.MaxValue ? "?" : FormattableString.Invariant($"{value}");

    private static string GroupModName(OpenFlowBridge bridge) =>
        bridge.Version == OfVersion.OpenFlow10 ? "NXT_GROUP_MOD" : "OFPT_GROUP_MOD";

    private static string NameOf(FlowMod mod) => mod.Command switch
    {
        FlowModCommand.Add => "ADD",
        FlowModCommand.Modify => "MOD",
        FlowModCommand.ModifyStrict => "MOD_STRICT",
        FlowModCommand.Delete => "DEL",
        _ => "DEL_STRICT",
    };

    private static string NameOf(MeterModCommand command) => command switch
    {
        MeterModCommand.Add => "ADD",
        MeterModCommand.Modify => "MOD",
        _ => "DEL",
    };

    /// <summary>"key=value,key:value key(value) key", by commas and blanks.</summary>
    public static IEnumerable<(string Key, string? Value)> Split(string text) =>
        Word().Matches(text).Select(match => (
            match.Groups[1].Value,
            match.Groups[2].Success ? match.Groups[2].Value
                : match.Groups[3].Success ? match.Groups[3].Value : null));

    [GeneratedRegex(@"([^=:(,\s]+)(?:\(([^)]*)\)|[=:]([^,\s]*))?")]
    private static partial Regex Word();
}
