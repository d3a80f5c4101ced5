using System.Collections.Immutable;
using System.Text;

namespace Fabric.Datapath;

/// <summary>
/// Datapath actions as text, exactly as OVS's dpctl and ofproto/trace print them.
/// </summary>
/// <remarks>
/// <c>ct(commit,zone=5),recirc(0x1)</c>, <c>set(ipv4(ttl=63)),2</c>, <c>drop</c> when empty
/// (ovs-dpctl(8), lib/odp-util.c). Actions that OVS has no text for do not exist.
/// </remarks>
public static class OdpActionText
{
    /// <param name="portName">Names in place of port numbers where it answers.</param>
    public static string Format(
        ImmutableArray<DatapathAction> actions, Func<uint, string?>? portName = null)
    {
        var text = new StringBuilder(64);
        new OdpActionPrinter(text, portName).Print(actions);
        return text.ToString();
    }

    /// <param name="portNumber">Resolves port names; may be null.</param>
    /// <param name="error">Empty, or what is wrong and where.</param>
    public static bool TryParse(
        string text, Func<string, uint?>? portNumber,
        out ImmutableArray<DatapathAction> actions, out string error) =>
        new OdpActionParser(portNumber).TryParse(text, 0, out actions, out error);
}
