using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Reads what another server of the cluster says; never trusts it.</summary>
/// <remarks>Members of later versions are passed over.</remarks>
internal static class RaftMessageReader
{
    /// <returns>False, and why, for what is no message between servers.</returns>
    public static bool TryRead(
        string method, JsonElement parameters, [NotNullWhen(true)] out RaftEnvelope? envelope,
        [NotNullWhen(false)] out string? problem)
    {
        envelope = null;
        problem = $"{method}: one object expected";
        if (parameters.ValueKind != JsonValueKind.Array || parameters.GetArrayLength() != 1)
        {
            return false;
        }

        var members = new MemberReader(parameters[0], $"raft {method} RPC");
        var from = Uuid(members, "from");
        var to = OptionalUuid(members, "to");
        var cluster = OptionalUuid(members, "cluster");
        var comment = members.TryOptional("comment", out var text, JsonValueKind.String)
            ? text.GetString() : null;
        var message = Read(method, members);
        problem = message is null ? $"{method}: unknown method" : members.Error?.ToSentence();
        if (problem is not null) return false;
        envelope = new RaftEnvelope(from, to, cluster, message! with { Comment = comment });
        return true;
    }

    private static RaftMessage? Read(string method, MemberReader members) => method switch
    {
        "hello_request" => new RaftMessage.Hello(members.RequiredString("address")),
        "add_server_request" => new RaftMessage.AddServer(members.RequiredString("address")),
        "add_server_reply" => new RaftMessage.ServerAdded(
            Truth(members, "success", isRequired: true), Addresses(members)),
        "remove_server_request" => new RaftMessage.RemoveServer(Uuid(members, "server_id")),
        "remove_server_reply" => new RaftMessage.ServerRemoved(
            Truth(members, "success", isRequired: true))
        {
            Target = OptionalUuid(members, "target_server"),
        },
        "append_request" => ReadAppend(members),
        "append_reply" => new RaftMessage.Appended(
            Integer(members, "term"), Integer(members, "prev_log_index"),
            Integer(members, "prev_log_term"), Integer(members, "n_entries"),
            Integer(members, "log_end"), ReadResult(members)),
        "vote_request" => new RaftMessage.Vote(
            Integer(members, "term"), Integer(members, "last_log_index"),
            Integer(members, "last_log_term"))
        {
            IsTransfer = Truth(members, "leadership_transfer"),
            IsPrevote = Truth(members, "is_prevote"),
        },
        "vote_reply" => new RaftMessage.Voted(Integer(members, "term"), Uuid(members, "vote"))
        {
            IsPrevote = Truth(members, "is_prevote"),
        },
        "install_snapshot_request" => new RaftMessage.InstallSnapshot(
            Integer(members, "term"), ReadSnapshot(members)),
        "install_snapshot_reply" => new RaftMessage.SnapshotInstalled(
            Integer(members, "term"), Integer(members, "last_index"),
            Integer(members, "last_term")),
        "become_leader" => new RaftMessage.BecomeLeader(Integer(members, "term")),
        "execute_command_request" => new RaftMessage.Execute(
            Data(members), Uuid(members, "prereq"), Uuid(members, "result")),
        "execute_command_reply" => new RaftMessage.Executed(
            Uuid(members, "result"), members.RequiredString("status"),
            members.TryOptional("commit_index", out _) ? Integer(members, "commit_index") : 0),
        _ => null,
    };

    private static RaftMessage.Append ReadAppend(MemberReader members)
    {
        var previous = Integer(members, "prev_log_index");
        var log = members.Required("log", JsonValueKind.Array);
        var entries = ImmutableArray.CreateBuilder<ClusterRecord>();
        if (log.ValueKind == JsonValueKind.Array)
        {
            foreach (var json in log.EnumerateArray())
            {
                if (json.ValueKind == JsonValueKind.Object
                    && ClusterRecord.Read(json.Clone()) is { Term: not null } entry)
                {
                    entries.Add(entry with { Index = previous + entries.Count + 1 });
                    continue;
                }

                members.Fail("'log' has what is no entry");
                break;
            }
        }

        return new RaftMessage.Append(
            Integer(members, "term"), previous, Integer(members, "prev_log_term"),
            Integer(members, "leader_commit"), entries.ToImmutable());
    }

    private static AppendResult ReadResult(MemberReader members)
    {
        var result = RaftMessageWriter.ResultTexts.IndexOf(members.RequiredString("result"));
        if (result < 0) members.Fail("'result' is no known one");
        return (AppendResult)Math.Max(result, 0);
    }

    private static RaftSnapshot ReadSnapshot(MemberReader members)
    {
        var timer = members.TryOptional("election_timer", out _)
            ? Integer(members, "election_timer") : 0;
        return new RaftSnapshot(
            Integer(members, "last_index"), Integer(members, "last_term"),
            Uuid(members, "last_eid"),
            ClusterHeader.ServersOf(members.Required("last_servers", JsonValueKind.Object)),
            timer > 0 ? timer : RaftSettings.ElectionTimerDefault, Data(members));
    }

    private static JsonElement Data(MemberReader members)
    {
        var data = members.Required("data", JsonValueKind.Array);
        if (data.ValueKind == JsonValueKind.Array && data.GetArrayLength() == 2)
        {
            return data.Clone();
        }

        members.Fail("'data' is not an array of schema and transaction");
        return default;
    }

    private static ImmutableArray<string> Addresses(MemberReader members) =>
        members.TryOptional("remote_addresses", out var addresses, JsonValueKind.Array)
            ? [.. addresses.EnumerateArray().Select(address => address.ToString())]
            : [];

    private static bool Truth(MemberReader members, string member, bool isRequired = false)
    {
        JsonElement value;
        if (isRequired)
        {
            value = members.Required(member, JsonValueKind.True, JsonValueKind.False);
        }
        else
        {
            members.TryOptional(member, out value, JsonValueKind.True, JsonValueKind.False);
        }

        return value.ValueKind == JsonValueKind.True;
    }

    private static long Integer(MemberReader members, string member)
    {
        var value = members.Required(member, JsonValueKind.Number);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            && number >= 0)
        {
            return number;
        }

        members.Fail($"'{member}' is not an integer");
        return 0;
    }

    private static Guid Uuid(MemberReader members, string member)
    {
        if (Guid.TryParseExact(members.RequiredString(member), "D", out var uuid)) return uuid;
        members.Fail($"'{member}' is not a valid UUID");
        return Guid.Empty;
    }

    private static Guid? OptionalUuid(MemberReader members, string member) =>
        members.TryOptional(member, out _) ? Uuid(members, member) : null;
}
