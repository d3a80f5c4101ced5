using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The first record of a clustered database file (ovsdb(5), "Clustered Format").</summary>
/// <param name="ServerId">Of the server whose file it is.</param>
/// <param name="Name">Of the database's schema.</param>
internal sealed record ClusterHeader(Guid ServerId, string LocalAddress, string Name)
{
    /// <summary>Null: not known before the server has joined.</summary>
    public Guid? ClusterId { get; init; }

    /// <summary>Whom to ask for joining; empty for a member.</summary>
    public ImmutableArray<string> RemoteAddresses { get; init; } = [];

    /// <summary>A file of join-cluster, whose server has not joined yet.</summary>
    public bool IsJoining => !RemoteAddresses.IsEmpty;

    /// <summary>The term and the index that <see cref="Schema"/> and rows are as of.</summary>
    public long Term { get; init; }

    public long Index { get; init; }
    public ImmutableSortedDictionary<Guid, string> Servers { get; init; } =
        ImmutableSortedDictionary<Guid, string>.Empty;

    /// <summary>Milliseconds; null for the default.</summary>
    public long? ElectionTimer { get; init; }

    /// <summary>[schema, transaction]: everything before the log.</summary>
    public JsonElement Data { get; init; }

    public Guid EntryId { get; init; }

    public static bool TryRead(
        JsonElement json, [NotNullWhen(true)] out ClusterHeader? header,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        header = null;
        var members = new MemberReader(json, "raft header");
        var serverId = UuidOf(members, "server_id");
        var name = members.RequiredString("name");
        var address = members.RequiredString("local_address");
        Guid? clusterId = json.TryGetProperty("cluster_id", out _)
            ? UuidOf(members, "cluster_id") : null;
        var made = new ClusterHeader(serverId, address, name) { ClusterId = clusterId };
        if (members.TryOptional("remote_addresses", out var remotes, JsonValueKind.Array))
        {
            made = made with
            {
                RemoteAddresses = [.. remotes.EnumerateArray().Select(each => each.ToString())],
            };
        }
        else
        {
            var timer = members.TryOptional(
                "prev_election_timer", out var text, JsonValueKind.Number)
                && text.TryGetInt64(out var milliseconds) ? milliseconds : (long?)null;
            made = made with
            {
                Term = IntegerOf(members, "prev_term"),
                Index = IntegerOf(members, "prev_index"),
                Servers = ServersOf(members.Required("prev_servers", JsonValueKind.Object)),
                ElectionTimer = timer,
                Data = members.Required("prev_data", JsonValueKind.Array),
                EntryId = UuidOf(members, "prev_eid"),
            };
            if (made.Data.ValueKind == JsonValueKind.Array && made.Data.GetArrayLength() != 2)
            {
                members.Fail("'prev_data' is not an array of schema and transaction");
            }

            if (made.ClusterId is null) members.Fail("Required 'cluster_id' member is missing.");
        }

        error = members.Finish();
        if (error is not null) return false;
        header = made;
        return true;
    }

    /// <param name="writeData">
    /// Writes [schema, transaction]; without it, as <see cref="Data"/>.
    /// </param>
    public byte[] ToJson(Action<Utf8JsonWriter>? writeData = null) => OvsdbText.ToUtf8(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("server_id", ServerId);
        writer.WriteString("local_address", LocalAddress);
        writer.WriteString("name", Name);
        if (ClusterId is { } clusterId) writer.WriteString("cluster_id", clusterId);
        if (IsJoining)
        {
            writer.WriteStartArray("remote_addresses");
            foreach (var address in RemoteAddresses) writer.WriteStringValue(address);
            writer.WriteEndArray();
        }
        else
        {
            writer.WriteNumber("prev_term", Term);
            writer.WriteNumber("prev_index", Index);
            writer.WriteStartObject("prev_servers");
            foreach (var (id, address) in Servers) writer.WriteString($"{id:D}", address);
            writer.WriteEndObject();
            if (ElectionTimer is { } timer) writer.WriteNumber("prev_election_timer", timer);
            writer.WritePropertyName("prev_data");
            if (writeData is null) Data.WriteTo(writer);
            else writeData(writer);
            writer.WriteString("prev_eid", EntryId);
        }

        writer.WriteEndObject();
    });

    /// <summary>The addresses of a cluster's servers by their ids.</summary>
    public static ImmutableSortedDictionary<Guid, string> ServersOf(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return ImmutableSortedDictionary<Guid, string>.Empty;
        }

        var servers = ImmutableSortedDictionary.CreateBuilder<Guid, string>();
        foreach (var member in json.EnumerateObject())
        {
            if (Guid.TryParseExact(member.Name, "D", out var id))
            {
                servers[id] = member.Value.ToString();
            }
        }

        return servers.ToImmutable();
    }

    private static Guid UuidOf(MemberReader members, string member)
    {
        if (Guid.TryParseExact(members.RequiredString(member), "D", out var uuid)) return uuid;
        members.Fail($"'{member}' is not a valid UUID");
        return Guid.Empty;
    }

    private static long IntegerOf(MemberReader members, string member)
    {
        var json = members.Required(member, JsonValueKind.Number);
        if (json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out var value))
        {
            return value;
        }

        members.Fail($"'{member}' is not an integer");
        return 0;
    }
}
