using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Matches, actions and values in the text of ovs-ofctl.</summary>
internal static class FlowText
{
    public static string Match(Match match) => string.Join(",", match.Entries);
    public static string Action(OfAction action) => action.ToString();
    public static string Subfield(Subfield subfield) => subfield.ToString();
    public static string Value(MatchField field, UInt128 value) => $"0x{value:x}";
}
