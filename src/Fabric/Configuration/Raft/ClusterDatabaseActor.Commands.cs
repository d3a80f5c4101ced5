using System.Globalization;
using System.Text;

namespace Fabric.Configuration;

/// <content>The cluster/* commands of ovsdb-server.</content>
internal sealed partial class ClusterDatabaseActor
{
    private HostAnswer Answer(ClusterRequest request) => request.Verb switch
    {
        "cid" => _file.ClusterId is { } id
            ? new HostAnswer($"{id:D}\n", null)
            : new HostAnswer("", "cluster id not yet known"),
        "sid" => new HostAnswer($"{_raft.Id:D}\n", null),
        "status" => new HostAnswer(Status(), null),
        "change-election-timer" => ChangeElectionTimer(request.Argument),
        "set-backlog-threshold" => SetBacklog(request.Argument),
        "leave" => BeginLeaving(),
        "kick" => Kick(request.Argument),
        _ => new HostAnswer("", "unknown cluster command"),
    };

    private HostAnswer BeginLeaving()
    {
        if (_raft.IsJoining) return new HostAnswer("", "can't leave while join in progress");
        if (_raft.IsAlone) return new HostAnswer("", Alone);
        _raft.BeginLeaving(Now);
        return new HostAnswer("", null);
    }

    private const string Alone = "cannot leave: this is the cluster's only server";

    private HostAnswer Kick(string text)
    {
        var found = _raft.Log.Servers.Where(server => server.Value == text
            || text.Length >= 4
            && $"{server.Key:D}".StartsWith(text, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (found.Length == 0) return new HostAnswer("", "unknown server");
        if (found[0].Key == _raft.Id) return BeginLeaving();
        if (!_raft.TryKick(found[0].Key, Now))
        {
            return new HostAnswer("", "no leader, can't remove server");
        }

        return new HostAnswer(
            _raft.IsLeader ? "started removal" : "sent removal request to leader", null);
    }

    private HostAnswer ChangeElectionTimer(string text)
    {
        if (!_raft.IsLeader)
        {
            return new HostAnswer("", "election timer must be changed through leader.");
        }

        if (!RaftSettings.TryParseTimer(text, out var milliseconds))
        {
            return new HostAnswer("", RaftSettings.TimerProblem);
        }

        if (milliseconds > 2 * _raft.ElectionTimer)
        {
            return new HostAnswer(
                "", "election timer increase should not exceed the current value x 2.");
        }

        if (_raft.IsTimerPending) return new HostAnswer("", "election timer change pending.");
        _raft.TryPropose(new ClusterRecord { ElectionTimer = milliseconds }, Now);
        return new HostAnswer("change of election timer initiated.", null);
    }

    /// <summary>What waits for a server is limited by bytes alone, as for any connection.</summary>
    private static HostAnswer SetBacklog(string arguments)
    {
        var words = arguments.Split(' ');
        if (words.Length != 2 || !long.TryParse(words[0], out var messages)
            || !long.TryParse(words[1], out var bytes))
        {
            return new HostAnswer("", "invalid argument");
        }

        return messages < 50 || bytes < 50_000_000
            ? new HostAnswer("", "values out of range")
            : new HostAnswer("", null);
    }

    private string NameOf(Guid? server) => server is not { } known ? "unknown"
        : known == _raft.Id ? "self" : RaftSettings.ShortOf(known);

    private string Status()
    {
        var self = RaftSettings.ShortOf(_raft.Id);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{self}\nName: {_file.Name}\nCluster ID: ");
        text.Append(_file.ClusterId is { } cluster
            ? $"{RaftSettings.ShortOf(cluster)} ({cluster:D})\n" : "not yet known\n");
        text.Append(CultureInfo.InvariantCulture, $"Server ID: {self} ({_raft.Id:D})\n");
        text.Append(CultureInfo.InvariantCulture, $"Address: {_raft.Address}\n");
        text.Append(CultureInfo.InvariantCulture, $"Status: {StatusWords()}\n");
        if (_raft.IsJoining)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"Remotes for joining: {string.Join(' ', _raft.Remotes)}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"""
            Role: {_raft.Role.ToString().ToLowerInvariant()}
            Term: {_raft.Term}
            Leader: {NameOf(_raft.Leader)}
            Vote: {NameOf(_raft.Vote)}


            """);
        AppendElection(text);
        text.Append(CultureInfo.InvariantCulture, $"""
            Election timer: {_raft.ElectionTimer}
            Log: [{_raft.Log.First}, {_raft.Log.Last + 1}]
            Entries not yet committed: {_raft.Log.Last - _raft.Commit}
            Entries not yet applied: {_raft.Commit - _raft.Applied}
            Connections:{string.Concat(_network.Peers.Select(TextOf))}
            Disconnections: {_network.LossCount}
            Servers:

            """);
        foreach (var (server, address) in _raft.Log.Servers) AppendServer(text, server, address);
        return text.ToString();
    }

    private string StatusWords() => _raft.IsJoining ? "joining cluster"
        : _raft.IsLeaving ? "leaving cluster"
        : _raft.IsCutOff ? "disconnected from the cluster (election timeout)"
        : "cluster member";

    private void AppendElection(StringBuilder text)
    {
        if (_raft.Role == RaftRole.Follower || _raft.ElectionStartedAt is not { } started) return;
        text.Append(CultureInfo.InvariantCulture,
            $"Last Election started {Now - started} ms ago, reason: {_raft.ElectionReason}\n");
        if (_raft.ElectionWonAt is { } won)
        {
            text.Append(CultureInfo.InvariantCulture, $"Last Election won: {Now - won} ms ago\n");
        }
    }

    private static string TextOf(RaftNetwork.Peer peer)
    {
        var name = (peer.IsOutgoing ? "->" : "<-")
            + RaftSettings.ShortOf(peer.Server ?? Guid.Empty);
        return peer.IsOpen ? $" {name}" : $" ({name})";
    }

    private void AppendServer(StringBuilder text, Guid server, string address)
    {
        var name = RaftSettings.ShortOf(server);
        text.Append(CultureInfo.InvariantCulture, $"    {name} ({name} at {address})");
        if (server == _raft.Id)
        {
            text.Append(" (self)");
            if (_raft.IsLeader)
            {
                text.Append(CultureInfo.InvariantCulture,
                    $" next_index={_raft.ElectedIndex} match_index={_raft.Log.Last}");
            }
        }

        if (_raft.VoteOf(server) is { } vote)
        {
            text.Append(CultureInfo.InvariantCulture,
                $" (voted for {RaftSettings.ShortOf(vote)})");
        }

        if (_raft.ProgressOf(server) is { } progress)
        {
            text.Append(CultureInfo.InvariantCulture,
                $" next_index={progress.Next} match_index={progress.Match}");
        }

        if (server != _raft.Id && _raft.HeardAt(server) is { } heard)
        {
            text.Append(CultureInfo.InvariantCulture, $" last msg {Now - heard} ms ago");
        }

        text.Append('\n');
    }
}
