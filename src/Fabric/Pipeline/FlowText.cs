using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Matches, actions and values in the text of ovs-ofctl.</summary>
internal static class FlowText
{
    public static string Match(Match match) => string.Join(",", match.Entries);
    public static string Action(OfAction action) => action.ToString();
    public static string Subfield(Subfield subfield) => subfield.ToString();
    public static string Actions(ActionList actions) =>
        actions.IsEmpty ? "drop" : string.Join(",", actions.Select(Action));

    /// <summary>A packet in the syntax of ovs-ofctl flows.</summary>
    public static bool TryParseFlow(
        string text, BridgeSnapshot bridge, out PipelineKey key, out string error)
    {
        key = default;
        error = $"{text}: no flow syntax yet";
        return false;
    }

    public static string Value(MatchField field, UInt128 value) => $"0x{value:x}";
}
