using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Datapath flows as text, exactly as OVS's dpctl/dump-flows prints and reads them.
/// </summary>
/// <remarks>
/// <c>recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth(src=..,dst=..),eth_type(0x0800),
/// ipv4(..)</c>.
/// Order and number formats are those of OVS's userspace datapath (ovs-dpctl(8), lib/odp-util.c).
/// Fields whose mask is zero are left out unless 'verbose' (dpctl's -m).
/// </remarks>
public static class OdpFlowText
{
    /// <param name="portName">Names in place of port numbers where it answers.</param>
    public static string Format(
        in FlowKey key, in FlowKey mask, bool verbose = false, Func<uint, string?>? portName = null)
    {
        var text = new StringBuilder(256);
        new OdpFlowPrinter(text, verbose, portName, hasMask: true).Print(key, mask);
        return text.ToString();
    }

    /// <summary>All fields of a key, without masks.</summary>
    public static string Format(in FlowKey key, Func<uint, string?>? portName = null)
    {
        var text = new StringBuilder(256);
        FlowKey exact = default;
        exact.Bytes.Fill(0xFF);
        new OdpFlowPrinter(text, verbose: false, portName, hasMask: false).Print(key, exact);
        return text.ToString();
    }

    /// <summary>
    /// A dump line: flow, statistics and actions; "used" is relative to 'nowMilliseconds'.
    /// </summary>
    /// <param name="attributes">Stands before the actions, like ", dp:ovs".</param>
    public static string FormatLine(
        in FlowKey key, in FlowKey mask, string actions, in FlowStatistics statistics,
        long nowMilliseconds, bool verbose = false, Func<uint, string?>? portName = null,
        string attributes = "")
    {
        var text = new StringBuilder(256);
        new OdpFlowPrinter(text, verbose, portName, hasMask: true).Print(key, mask);
        text.Append($", packets:{statistics.Packets}, bytes:{statistics.Bytes}, used:");
        if (statistics.UsedMilliseconds == 0)
        {
            text.Append("never");
        }
        else
        {
            var age = Math.Max(0, nowMilliseconds - statistics.UsedMilliseconds);
            text.Append($"{age / 1000}.{age % 1000:d3}s");
        }

        if (statistics.TcpFlags != 0)
        {
            text.Append(", flags:");
            AppendTcpFlagLetters(text, statistics.TcpFlags);
        }

        return text.Append(attributes).Append(", actions:").Append(actions).ToString();
    }

    /// <summary>Reads a flow; fields that are not named have a zero mask.</summary>
    /// <param name="portNumber">Resolves names inside in_port(..); may be null.</param>
    /// <param name="error">Empty, or what is wrong and where.</param>
    public static bool TryParse(
        string text, Func<string, uint?>? portNumber, out FlowKey key, out FlowKey mask,
        out string error) =>
        OdpFlowParser.TryParse(text, portNumber, out key, out mask, out error);

    /// <summary>Flags as OVS prints them in statistics: SFPRWEUN letters, a dot for none.</summary>
    private static void AppendTcpFlagLetters(StringBuilder text, ushort flags)
    {
        if ((flags & 0x02) != 0) text.Append('S');
        if ((flags & 0x01) != 0) text.Append('F');
        if ((flags & 0x08) != 0) text.Append('P');
        if ((flags & 0x04) != 0) text.Append('R');
        if ((flags & 0x20) != 0) text.Append('U');
        if ((flags & 0x10) != 0) text.Append('.');
        if ((flags & 0x40) != 0) text.Append('E');
        if ((flags & 0x80) != 0) text.Append('C');
        if ((flags & 0x100) != 0) text.Append('N');
        if ((flags & 0x200) != 0) text.Append("[200]");
        if ((flags & 0x400) != 0) text.Append("[400]");
        if ((flags & 0x800) != 0) text.Append("[800]");
    }
}
