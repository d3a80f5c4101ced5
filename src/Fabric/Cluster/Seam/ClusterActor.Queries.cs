using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Cluster;

public sealed partial class ClusterActor
{
    private ClusterPicture Picture() => new(
        _members, _logStatus, _vteps.Last?.Vteps, _ports.Last?.Locations,
        _cutOffSince is { } since ? Now - since : null, Plan(0).Contacts, _lastEnd)
    {
        Loads = _loads.Last?.Loads,
        Applied = _applied?.ByHost,
    };

    private ClusterAnswer Answer(QueryCluster query)
    {
        if (ClusterText.Render(query.Verb, Picture(), query.IsJson) is { } text)
            return new ClusterAnswer(0, text);
        var isForced = query.Arguments.Contains("--force");
        var names = query.Arguments.Where(name => name != "--force").ToImmutableArray();
        return query.Verb switch
        {
            "join" => Join(names),
            "leave" => Leave(names),
            "down" => Down(names, isForced),
            "down-unreachable" => DownUnreachable(),
            _ => new ClusterAnswer(2, $"There is no verb 'cluster {query.Verb}'.\n"),
        };
    }

    private ClusterAnswer Join(ImmutableArray<string> names)
    {
        if (_members.IsMember) return new ClusterAnswer(1, "This host is in a cluster already.\n");
        foreach (var name in names)
        {
            if (!FabricSystem.TryParseSeed(name, Prefix, out var address))
                return new ClusterAnswer(2, $"'{name}' is not of the form host:port.\n");
            Keep(_list with { Addresses = _list.Addresses.SetItem($"seed {name}", address) });
        }

        Keep(_list with { HasLeft = false });
        Start();
        return new ClusterAnswer(0, "Joining.\n");
    }

    private ClusterAnswer Leave(ImmutableArray<string> names)
    {
        var name = names.IsEmpty ? _settings.HostId : names[0];
        if (Find(name) is not { } member)
            return new ClusterAnswer(1, $"'{name}' is not a member.\n");
        if (member.HostId == _settings.HostId) Keep(_list with { HasLeft = true });
        TellWriter(new RemoveVoter(member.HostId, IsForced: false));
        _seam.Tell(new LeaveCluster(member.Address));
        return new ClusterAnswer(0, $"{member.Address} is leaving the cluster.\n");
    }

    private ClusterAnswer Down(ImmutableArray<string> names, bool isForced)
    {
        if (names.Length != 1) return new ClusterAnswer(2, "Which host? cluster down HOST\n");
        var member = Find(names[0]);
        var host = member?.HostId ?? names[0];
        if (host == _settings.HostId)
            return new ClusterAnswer(1, "A host does not down itself; use 'cluster leave'.\n");
        var isVoter = _logStatus?.Voters.Contains(host) == true;
        if (member is null && !isVoter)
            return new ClusterAnswer(1, $"'{names[0]}' is not a member.\n");
        if (member is not null) _seam.Tell(new DownMember(member.Address));
        if (isForced && isVoter) ForceDown(host);
        return new ClusterAnswer(0, $"{member?.Address ?? host} is marked as down.\n");
    }

    /// <summary>
    /// The host is lost for good: neither its vote nor its address is waited for.
    /// </summary>
    private void ForceDown(string host)
    {
        _log.Warning("Host {0} is taken for lost by an operator", host);
        Keep(_list with { Addresses = _list.Addresses.Remove(host) });
        TellWriter(new RemoveVoter(host, IsForced: true));
        if (_members.IsMember || _logStatus is not { } status) return;
        var rest = status.Voters.Hosts.Remove(host);
        if (rest.IsEmpty) return;
        // No writer can be reached from here: the replica is told, and a writer starts from it.
        _northbound.Tell(new HostDelivered(
            _settings.HostId, Addressee.Northbound, new ForceVoters(new VoterSet(rest))));
        _ = _slot.StopAsync();
    }

    private ClusterAnswer DownUnreachable()
    {
        var gone = _members.Members.Where(member => !member.IsReachable).ToImmutableArray();
        foreach (var member in gone) _seam.Tell(new DownMember(member.Address));
        return new ClusterAnswer(0, $"{gone.Length} unreachable members are marked as down.\n");
    }

    private void TellWriter(object command)
    {
        if (_logStatus?.WriterHost is { } writer)
            _seam.Tell(new SendToHost(writer, Addressee.Writer, command));
    }

    private HostMember? Find(string name) => _members.Members.FirstOrDefault(
        member => member.HostId == name || member.Address == name);
}
