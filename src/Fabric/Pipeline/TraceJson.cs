using System.Text;
using System.Text.Json;

namespace Fabric.Pipeline;

/// <summary>One walk of a traced packet: the first, or one after a recirculation.</summary>
/// <param name="Error">Why the packet is dropped, when translation failed.</param>
internal sealed record TraceRound(
    string Flow, TraceList Steps, string FinalFlow, string Megaflow, string DatapathActions,
    string? Error);

/// <summary>A trace as JSON: an array of rounds, each with its tree of steps.</summary>
internal static class TraceJson
{
    /// <summary>Enough for the translation's 64 levels, each a table and actions.</summary>
    private const int DepthMax = 512;

    public static string Of(IReadOnlyList<TraceRound> rounds)
    {
        using var bytes = new MemoryStream();
        var options = new JsonWriterOptions { Indented = true, MaxDepth = DepthMax };
        using (var json = new Utf8JsonWriter(bytes, options))
        {
            json.WriteStartArray();
            foreach (var round in rounds) Write(json, round);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, TraceRound round)
    {
        json.WriteStartObject();
        json.WriteString("flow", round.Flow);
        json.WritePropertyName("steps");
        Write(json, round.Steps);
        json.WriteString("final_flow", round.FinalFlow);
        json.WriteString("megaflow", round.Megaflow);
        json.WriteString("datapath_actions", round.DatapathActions);
        if (round.Error is { } error) json.WriteString("drop_reason", error);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, TraceList steps)
    {
        json.WriteStartArray();
        foreach (var step in steps.Nodes)
        {
            json.WriteStartObject();
            json.WriteString("kind", step.Kind.ToString().ToLowerInvariant());
            json.WriteString("text", step.Text.Trim());
            if (step.Children.Nodes.Count > 0)
            {
                json.WritePropertyName("steps");
                Write(json, step.Children);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
