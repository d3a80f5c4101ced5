using System.Text.RegularExpressions;

namespace Fabric.Pipeline;

/// <summary>Ports of a trace by name: "in_port=1" of br0 is "in_port=p1".</summary>
internal static partial class TraceNames
{
    /// <summary>Names by datapath port number.</summary>
    public static Func<uint, string?> OfDatapath(SwitchedDatapath datapath)
    {
        var names = datapath.Provider.Ports.Dump()
            .ToDictionary(port => port.Number, port => port.Name);
        return names.GetValueOrDefault;
    }

    /// <summary>A line belongs to the bridge that was last named before it.</summary>
    public static string Apply(string text, SwitchedDatapath datapath)
    {
        var bridges = datapath.Current.Bridges;
        var lines = text.Split('\n');
        var first = lines.Select(BridgeOf).FirstOrDefault(name => name is not null);
        var current = first;
        for (var i = 0; i < lines.Length; i++)
        {
            current = BridgeOf(lines[i]) ?? current;
            var isWhole = lines[i].StartsWith("Flow:", StringComparison.Ordinal)
                || lines[i].StartsWith("Final flow:", StringComparison.Ordinal)
                || lines[i].StartsWith("Megaflow:", StringComparison.Ordinal);
            var bridge = bridges.GetValueOrDefault((isWhole ? first : current) ?? "");
            if (bridge is null) continue;
            lines[i] = PortNumber().Replace(lines[i], found =>
                uint.TryParse(found.Groups[2].Value, out var number)
                && bridge.Ports.TryGetValue(number, out var port)
                    ? found.Groups[1].Value + port.Name : found.Value);
        }

        return string.Join('\n', lines);
    }

    private static string? BridgeOf(string line)
    {
        const string Before = "bridge(\"";
        const string After = "\")";
        return line.StartsWith(Before, StringComparison.Ordinal)
            && line.EndsWith(After, StringComparison.Ordinal)
                ? line[Before.Length..^After.Length] : null;
    }

    [GeneratedRegex("(in_port=|output:)([0-9]+)")]
    private static partial Regex PortNumber();
}
