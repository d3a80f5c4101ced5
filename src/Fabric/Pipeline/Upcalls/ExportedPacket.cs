using System.Globalization;
using System.Text;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>A packet that IPFIX collectors shall hear of.</summary>
/// <param name="CollectorSet">The set that the action names; null: the bridge's own.</param>
/// <param name="Input">Datapath port by which it came.</param>
/// <param name="Output">Datapath port by which it leaves; null: seen coming in.</param>
/// <param name="Domain">Observation domain; null: the row's.</param>
/// <param name="Point">Observation point; null: the row's.</param>
/// <param name="Size">Bytes.</param>
public sealed record ExportedPacket(
    string Bridge, uint? CollectorSet, uint Input, uint? Output, uint? Domain, uint? Point,
    int Size)
{
    private FlowKey _key;

    public ref readonly FlowKey Key => ref _key;

    /// <summary>The words of the datapath's action, as it prints them.</summary>
    public static string WordsOf(uint output) => $"output_port={output}";

    public static string WordsOf(
        uint probability, uint set, uint domain, uint point, uint output) =>
        $"probability={probability},collector_set_id={set},obs_domain_id={domain},"
        + $"obs_point_id={point},output_port={output}";

    internal static ExportedPacket? Of(
        PortSnapshot port, int size, in FlowKey key, UpcallUserdata userdata)
    {
        var words = Encoding.ASCII.GetString(userdata.Data.AsSpan());
        var output = Word(words, "output_port=");
        if (output == uint.MaxValue) output = null;
        var packet = userdata.Kind == UpcallKind.Ipfix
            ? new ExportedPacket(port.Bridge, null, key.InPort, output, null, null, size)
            : new ExportedPacket(
                port.Bridge, Word(words, "collector_set_id="), key.InPort, output,
                Word(words, "obs_domain_id="), Word(words, "obs_point_id="), size);
        packet._key = key;
        return packet;
    }

    private static uint? Word(string words, string name)
    {
        var at = words.IndexOf(name, StringComparison.Ordinal);
        if (at < 0) return null;
        var end = words.IndexOf(',', at);
        var text = words[(at + name.Length)..(end < 0 ? words.Length : end)];
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value : null;
    }
}
