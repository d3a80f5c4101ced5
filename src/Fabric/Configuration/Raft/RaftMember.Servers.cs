using System.Collections.Immutable;
using static Fabric.Configuration.RaftMessage;

namespace Fabric.Configuration;

/// <content>Servers that join and leave, one at a time (Ongaro's thesis, 4).</content>
internal sealed partial class RaftMember
{
    // At the leader: who joins, from where; who of them has the log; and who shall go.
    private readonly SortedDictionary<Guid, string> _joiners = [];
    private readonly SortedSet<Guid> _caughtUp = [];
    private readonly SortedSet<Guid> _removals = [];
    private long _askAt = long.MaxValue;

    /// <summary>Whom to ask for joining.</summary>
    public ImmutableArray<string> Remotes { get; private set; }

    public bool IsJoining => !Remotes.IsEmpty;
    public bool IsLeaving { get; private set; }

    /// <summary>For good: such a server never comes back.</summary>
    public bool HasLeft { get; private set; }

    /// <summary>Begins to leave the cluster; <see cref="IRaftOutside.Left"/> ends it.</summary>
    public void BeginLeaving(long now)
    {
        IsLeaving = true;
        _askAt = now;
        _outside.StateChanged();
    }

    /// <summary>Has another server removed; at a follower, by the leader.</summary>
    /// <returns>False if there is no leader to do it.</returns>
    public bool TryKick(Guid server, long now)
    {
        if (Leader is not { } leader) return false;
        if (IsLeader) HearRemoveServer(Id, server, now);
        else _outside.Send(leader, new RemoveServer(server));
        return true;
    }

    private void AskForChange(long now)
    {
        _askAt = now + RaftSettings.AskPause;
        if (IsJoining) _outside.Ask(new AddServer(Address));
        else if (IsLeaving && IsLeader) TransferLeadership("this server is leaving the cluster");
        else if (IsLeaving)
        {
            foreach (var server in Log.Servers.Keys)
            {
                if (server != Id) _outside.Send(server, new RemoveServer(Id));
            }
        }
        else _askAt = long.MaxValue;
    }

    private void HearAddServer(Guid from, AddServer add, long now)
    {
        var name = $"{RaftSettings.ShortOf(from)} ({RaftSettings.ShortOf(from)} at {add.Address})";
        if (!IsLeader)
        {
            ImmutableArray<string> remotes =
                Leader is { } leader && Log.Servers.TryGetValue(leader, out var address)
                    ? [address] : [.. Log.Servers.Values];
            _outside.Say($"adding {name} to cluster failed (not leader)");
            _outside.Send(from, new ServerAdded(false, remotes) { Comment = NotLeader });
        }
        else if (Log.Servers.ContainsKey(from))
        {
            if (Log.ServersAt(Commit).ContainsKey(from)) AnswerAdded(from);
        }
        else if (_joiners.TryAdd(from, add.Address))
        {
            _outside.Say($"starting to add server {name} to cluster");
            FollowServers(now);
            SendEntries(from, _followers[from], "initialize new server");
        }
    }

    private void AnswerAdded(Guid server) => _outside.Send(
        server,
        new ServerAdded(true, [.. Log.Servers.Values]) { Comment = "completed" });

    private void HearRemoveServer(Guid from, Guid server, long now)
    {
        if (!IsLeader)
        {
            _outside.Send(from, new ServerRemoved(false) { Comment = NotLeader });
        }
        else if (server == Id && !IsAlone)
        {
            BeginLeaving(now);
        }
        else if (!Log.Servers.ContainsKey(server))
        {
            if (from != Id) _outside.Send(from, new ServerRemoved(true) { Comment = "completed" });
        }
        else if (server != Id)
        {
            _removals.Add(server);
            ChangeServers(now);
        }
    }

    /// <summary>The next change, unless one is under way.</summary>
    private void ChangeServers(long now)
    {
        var isUnderWay = !ReferenceEquals(Log.ServersAt(Commit), Log.Servers);
        if (!IsLeader || isUnderWay) return;
        foreach (var server in _caughtUp.ToArray())
        {
            _caughtUp.Remove(server);
            if (!_joiners.TryGetValue(server, out var address)) continue;
            TryPropose(
                new ClusterRecord { Servers = Log.Servers.SetItem(server, address) }, now);
            return;
        }

        foreach (var server in _removals)
        {
            if (!Log.Servers.ContainsKey(server)) continue;
            TryPropose(new ClusterRecord { Servers = Log.Servers.Remove(server) }, now);
            return;
        }
    }

    /// <summary>A change of servers is committed: who waits for it is told.</summary>
    private void ConfirmServers()
    {
        if (IsJoining && Log.ServersAt(Commit).ContainsKey(Id)) BecomeMember();
        if (!IsLeader) return;
        foreach (var server in _joiners.Keys.Where(Log.Servers.ContainsKey).ToArray())
        {
            _joiners.Remove(server);
            _outside.Say($"adding {RaftSettings.ShortOf(server)} to cluster succeeded "
                + "(completed)");
            AnswerAdded(server);
        }

        var gone = _removals.Where(server => !Log.Servers.ContainsKey(server)).ToArray();
        foreach (var server in gone)
        {
            _removals.Remove(server);
            _outside.Send(server, new ServerRemoved(true) { Comment = "completed" });
        }

        _outside.ServersChanged();
    }

    private void HearServerAdded(ServerAdded added)
    {
        if (!IsJoining) return;
        if (added.IsDone)
        {
            BecomeMember();
            return;
        }

        Remotes = [.. Remotes.Union(added.Remotes).Where(address => address != Address)];
        _outside.ServersChanged();
    }

    private void BecomeMember()
    {
        Remotes = [];
        _outside.StateChanged();
        _outside.ServersChanged();
    }

    private void Leave()
    {
        if (HasLeft) return;
        HasLeft = true;
        _outside.Keep(
            [new ClusterRecord { Comment = "this server left the cluster", Note = "left" }],
            isDurable: true);
        _outside.Left();
    }
}
