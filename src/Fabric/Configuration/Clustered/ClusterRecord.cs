using System.Collections.Immutable;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A record behind the first one of a clustered database file (ovsdb(5)).</summary>
/// <remarks>
/// With an index it is an entry of the Raft log; without, it tells of a term, a vote, a leader, how
/// far is committed, or is a note.
/// </remarks>
internal sealed record ClusterRecord
{
    public long? Term { get; init; }
    public long? Index { get; init; }
    public ImmutableSortedDictionary<Guid, string>? Servers { get; init; }

    /// <summary>Milliseconds.</summary>
    public long? ElectionTimer { get; init; }

    /// <summary>[schema or null, transaction or null]; undefined if there is none.</summary>
    public JsonElement Data { get; init; }

    public Guid? EntryId { get; init; }
    public Guid? Vote { get; init; }
    public Guid? Leader { get; init; }
    public long? CommitIndex { get; init; }
    public string? Note { get; init; }
    public string? Comment { get; init; }

    public bool HasData => Data.ValueKind == JsonValueKind.Array && Data.GetArrayLength() == 2;

    /// <remarks>What is not as it should be counts as not there.</remarks>
    public static ClusterRecord Read(JsonElement json)
    {
        return new ClusterRecord
        {
            Term = Integer("term"),
            Index = Integer("index"),
            Servers = json.TryGetProperty("servers", out var servers)
                ? ClusterHeader.ServersOf(servers) : null,
            ElectionTimer = Integer("election_timer"),
            Data = json.TryGetProperty("data", out var data) ? data : default,
            EntryId = Uuid("eid"),
            Vote = Uuid("vote"),
            Leader = Uuid("leader"),
            CommitIndex = Integer("commit_index"),
            Note = Text("note"),
            Comment = Text("comment"),
        };

        long? Integer(string member) =>
            json.TryGetProperty(member, out var value)
            && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
                ? number : null;

        Guid? Uuid(string member) =>
            Guid.TryParseExact(Text(member), "D", out var uuid) ? uuid : null;

        string? Text(string member) =>
            json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString() : null;
    }

    /// <summary>The record as it stands in the file.</summary>
    /// <param name="writeData">Writes [schema, transaction], if it is not in Data.</param>
    public byte[] ToFrame(Action<Utf8JsonWriter>? writeData = null) => LogRecord.Frame(
        LogRecord.Clustered, OvsdbText.ToUtf8(writer =>
        {
            writer.WriteStartObject();
            if (Comment is not null) writer.WriteString("comment", Comment);
            if (Term is { } term) writer.WriteNumber("term", term);
            if (Index is { } index) writer.WriteNumber("index", index);
            WriteContents(writer, writeData);
            if (Vote is { } vote) writer.WriteString("vote", vote);
            if (Leader is { } leader) writer.WriteString("leader", leader);
            if (CommitIndex is { } commitIndex) writer.WriteNumber("commit_index", commitIndex);
            if (Note is not null) writer.WriteString("note", Note);
            writer.WriteEndObject();
        }));

    /// <summary>The entry as servers send it to each other: its place tells its index.</summary>
    public void WriteOnWire(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("term", Term ?? 0);
        WriteContents(writer, writeData: null);
        writer.WriteEndObject();
    }

    private void WriteContents(Utf8JsonWriter writer, Action<Utf8JsonWriter>? writeData)
    {
        if (Servers is not null)
        {
            writer.WriteStartObject("servers");
            foreach (var (id, address) in Servers) writer.WriteString($"{id:D}", address);
            writer.WriteEndObject();
        }

        if (ElectionTimer is { } timer) writer.WriteNumber("election_timer", timer);
        if (writeData is not null)
        {
            writer.WritePropertyName("data");
            writeData(writer);
        }
        else if (HasData)
        {
            writer.WritePropertyName("data");
            Data.WriteTo(writer);
        }

        if (EntryId is { } entryId) writer.WriteString("eid", entryId);
    }
}
