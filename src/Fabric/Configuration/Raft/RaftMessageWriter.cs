using System.Collections.Immutable;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Messages between servers as JSON-RPC notifications of one object each.</summary>
internal static class RaftMessageWriter
{
    public static string MethodOf(RaftMessage message) => message switch
    {
        RaftMessage.Hello => "hello_request",
        RaftMessage.AddServer => "add_server_request",
        RaftMessage.ServerAdded => "add_server_reply",
        RaftMessage.RemoveServer => "remove_server_request",
        RaftMessage.ServerRemoved => "remove_server_reply",
        RaftMessage.Append => "append_request",
        RaftMessage.Appended => "append_reply",
        RaftMessage.Vote => "vote_request",
        RaftMessage.Voted => "vote_reply",
        RaftMessage.InstallSnapshot => "install_snapshot_request",
        RaftMessage.SnapshotInstalled => "install_snapshot_reply",
        RaftMessage.BecomeLeader => "become_leader",
        RaftMessage.Execute => "execute_command_request",
        RaftMessage.Executed => "execute_command_reply",
        _ => throw new ArgumentException($"no such message: {message.GetType()}"),
    };

    /// <summary>The only parameter.</summary>
    public static byte[] ToJson(RaftEnvelope envelope) => OvsdbText.ToUtf8(writer =>
    {
        writer.WriteStartObject();
        if (envelope.Cluster is { } cluster) writer.WriteString("cluster", cluster);
        if (envelope.To is { } to) writer.WriteString("to", to);
        writer.WriteString("from", envelope.From);
        if (envelope.Message.Comment is { } comment) writer.WriteString("comment", comment);
        if (envelope.Message.SendersTerm is { } term) writer.WriteNumber("term", term);
        WriteMembers(writer, envelope.Message);
        writer.WriteEndObject();
    });

    private static void WriteMembers(Utf8JsonWriter writer, RaftMessage message)
    {
        switch (message)
        {
            case RaftMessage.Hello hello:
                writer.WriteString("address", hello.Address);
                break;
            case RaftMessage.AddServer add:
                writer.WriteString("address", add.Address);
                break;
            case RaftMessage.ServerAdded added:
                writer.WriteBoolean("success", added.IsDone);
                if (added.Remotes.IsEmpty) break;
                writer.WriteStartArray("remote_addresses");
                foreach (var address in added.Remotes) writer.WriteStringValue(address);
                writer.WriteEndArray();
                break;
            case RaftMessage.RemoveServer remove:
                writer.WriteString("server_id", remove.Server);
                break;
            case RaftMessage.ServerRemoved removed:
                writer.WriteBoolean("success", removed.IsDone);
                if (removed.Target is { } target) writer.WriteString("target_server", target);
                break;
            case RaftMessage.Append append:
                Write(writer, append);
                break;
            case RaftMessage.Appended appended:
                Write(writer, appended);
                break;
            case RaftMessage.Vote vote:
                writer.WriteNumber("last_log_index", vote.Last);
                writer.WriteNumber("last_log_term", vote.LastTerm);
                if (vote.IsTransfer) writer.WriteBoolean("leadership_transfer", true);
                break;
            case RaftMessage.Voted voted:
                writer.WriteString("vote", voted.For);
                if (voted.IsPrevote) writer.WriteBoolean("is_prevote", true);
                break;
            case RaftMessage.InstallSnapshot install:
                Write(writer, install.Snapshot);
                break;
            case RaftMessage.SnapshotInstalled installed:
                writer.WriteNumber("last_index", installed.Last);
                writer.WriteNumber("last_term", installed.LastTerm);
                break;
            case RaftMessage.Execute execute:
                writer.WritePropertyName("data");
                execute.Data.WriteTo(writer);
                writer.WriteString("prereq", execute.Prerequisite);
                writer.WriteString("result", execute.EntryId);
                break;
            case RaftMessage.Executed executed:
                writer.WriteString("result", executed.EntryId);
                writer.WriteString("status", executed.Status);
                if (executed.Commit > 0) writer.WriteNumber("commit_index", executed.Commit);
                break;
        }
    }

    private static void Write(Utf8JsonWriter writer, RaftMessage.Append append)
    {
        writer.WriteNumber("prev_log_index", append.Previous);
        writer.WriteNumber("prev_log_term", append.PreviousTerm);
        writer.WriteNumber("leader_commit", append.Commit);
        writer.WriteStartArray("log");
        foreach (var entry in append.Entries) entry.WriteOnWire(writer);
        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, RaftMessage.Appended appended)
    {
        writer.WriteNumber("log_end", appended.LogEnd);
        writer.WriteNumber("prev_log_index", appended.Previous);
        writer.WriteNumber("prev_log_term", appended.PreviousTerm);
        writer.WriteNumber("n_entries", appended.Count);
        writer.WriteString("result", ResultTexts[(int)appended.Result]);
    }

    private static void Write(Utf8JsonWriter writer, RaftSnapshot snapshot)
    {
        writer.WriteNumber("last_index", snapshot.Index);
        writer.WriteNumber("last_term", snapshot.Term);
        writer.WriteStartObject("last_servers");
        foreach (var (id, address) in snapshot.Servers) writer.WriteString($"{id:D}", address);
        writer.WriteEndObject();
        writer.WriteString("last_eid", snapshot.EntryId);
        writer.WriteNumber("election_timer", snapshot.ElectionTimer);
        writer.WritePropertyName("data");
        snapshot.Data.WriteTo(writer);
    }

    /// <summary>By <see cref="AppendResult"/>.</summary>
    public static ImmutableArray<string> ResultTexts { get; } =
        ["OK", "inconsistency", "I/O error"];
}
