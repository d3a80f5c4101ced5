using System.Text;
using System.Text.Json;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>Connections and what happens to them, one JSON object a line.</summary>
internal static class ConntrackJson
{
    public static string Connections(IDatapathConntrack connections, ushort? zone)
    {
        var text = new StringBuilder();
        connections.Dump(zone, entry => text.Append(Line(null, 0, entry)));
        return text.ToString();
    }

    /// <param name="sequence">Counts events; 0: the line is about no event.</param>
    public static string Line(string? change, long sequence, ConntrackEntry entry)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            if (change is not null)
            {
                json.WriteString("event", change);
                json.WriteNumber("sequence", sequence);
            }

            json.WriteString("protocol", ConntrackText.NameOf(entry.Original.Protocol ?? 0));
            json.WriteNumber("zone", entry.Zone);
            Write(json, "orig", entry.Original, entry.PacketsOriginal, entry.BytesOriginal);
            Write(json, "reply", entry.Reply, entry.PacketsReply, entry.BytesReply);
            json.WriteNumber("mark", entry.Mark);
            json.WriteString("labels", $"0x{entry.Label:x}");
            json.WriteNumber("timeout", entry.TimeoutSeconds);
            if (entry.State is not null) json.WriteString("state", entry.State);
            if (entry.Helper is not null) json.WriteString("helper", entry.Helper);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }

    private static void Write(
        Utf8JsonWriter json, string name, ConntrackTuple tuple, ulong packets, ulong bytes)
    {
        json.WriteStartObject(name);
        json.WriteString("src", tuple.Source?.ToString());
        json.WriteString("dst", tuple.Destination?.ToString());
        if (tuple.IcmpId is { } id)
        {
            json.WriteNumber("id", id);
            json.WriteNumber("type", tuple.PortSource ?? 0);
            json.WriteNumber("code", tuple.PortDestination ?? 0);
        }
        else
        {
            json.WriteNumber("sport", tuple.PortSource ?? 0);
            json.WriteNumber("dport", tuple.PortDestination ?? 0);
        }

        json.WriteNumber("packets", packets);
        json.WriteNumber("bytes", bytes);
        json.WriteEndObject();
    }
}
