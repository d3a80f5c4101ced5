using System.Text.RegularExpressions;
using Match = Fabric.Wire.OpenFlow.Match;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Matches, actions and packets in the text of ovs-ofctl.</summary>
internal static partial class FlowText
{
    public static string Match(Match match) => OfMatchText.Format(match);

    public static string Action(OfAction action) => action switch
    {
        OfUnroll unroll => $"unroll({unroll.Table})",
        _ => OfActionText.Format(action),
    };

    public static string Actions(ActionList actions) => OfActionText.Format(actions);

    public static string Nat(OfNat nat) => OfActionText.FormatNat(nat);

    public static string Subfield(Subfield subfield) => OfActionText.Format(subfield);

    /// <summary>A whole field as matches print it, a part as a number.</summary>
    public static string Value(Subfield subfield, UInt128 value) =>
        subfield.Width == subfield.Field.BitWidth
            ? OfFieldText.Format(subfield.Field, value) : OfFieldText.Hex(value);

    /// <summary>A packet as a flow names it: in_port may be a port's name.</summary>
    /// <param name="error">Empty, or what is wrong.</param>
    public static bool TryParseFlow(
        string text, BridgeSnapshot bridge, out PipelineKey key, out string error)
    {
        key = default;
        var named = PortName().Replace(text, found =>
        {
            var name = found.Groups[1].Value.Trim('"');
            foreach (var port in bridge.PortsInOrder)
            {
                if (port.Name == name) return $"in_port={OfPort.ToText(port.OpenFlowPort)}";
            }

            return found.Value;
        });
        if (!OfMatchText.TryParseExact(named, out var match, out error)) return false;
        PipelineKey mask = default;
        if (!match.TryExpand(ref key, ref mask, bridge.Pipeline.Current.Tlv))
        {
            error = "a tunnel option that is not mapped";
            return false;
        }

        if (key.Flow.VlanTci0Wire != 0) key.Flow.VlanTpid0Wire = KeyCommit.Host((ushort)0x8100);
        return true;
    }

    [GeneratedRegex("""in_port=("[^"]*"|[A-Za-z][^,\s]*)""")]
    private static partial Regex PortName();
}
