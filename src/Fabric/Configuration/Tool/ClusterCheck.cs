using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>`ovsdb-tool check-cluster`: do the files of a cluster's servers agree?</summary>
internal static class ClusterCheck
{
    private sealed record Member(string Path, ClusterLog Log)
    {
        public string Server => ShortOf(Log.Header.ServerId);
    }

    /// <exception cref="ToolException">They do not.</exception>
    public static void Run(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var members = new List<Member>();
        foreach (var path in words)
        {
            var reader = ToolFiles.Reader(path);
            if (!reader.IsClustered)
            {
                throw new ToolException($"ovsdb error: {path}: cannot identify file type");
            }

            var member = new Member(path, ClusterFileCommands.Opened(path));
            if (member.Log.Header.IsJoining)
            {
                output.WriteLine($"{path} has not joined the cluster, omitting");
                continue;
            }

            foreach (var other in members) CheckSameCluster(other, member);
            members.Add(member);
        }

        if (members.Count == 0) throw new ToolException("all logs are empty");
        CheckLeaders(members);
        CheckEntries(members);
    }

    private static void CheckSameCluster(Member one, Member other)
    {
        var (cluster, another) = (one.Log.Header.ClusterId, other.Log.Header.ClusterId);
        if (cluster != another)
        {
            throw new ToolException(
                $"{one.Path} has cluster ID {ShortOf(cluster)} but {other.Path} has cluster ID "
                + ShortOf(another));
        }

        if (one.Log.Header.ServerId == other.Log.Header.ServerId)
        {
            throw new ToolException(
                $"Duplicate server ID {one.Server} in {one.Path} and {other.Path}.");
        }
    }

    /// <summary>A term has one leader, whoever tells of it.</summary>
    private static void CheckLeaders(List<Member> members)
    {
        var leaders = new Dictionary<long, (Guid Leader, Member Member)>();
        foreach (var member in members)
        {
            foreach (var record in member.Log.Records)
            {
                if (record.Leader is not { } leader || record.Term is not { } term) continue;
                if (!leaders.TryAdd(term, (leader, member)) && leaders[term].Leader != leader)
                {
                    var (known, teller) = leaders[term];
                    throw new ToolException(
                        $"term {term} has leader {ShortOf(known)} in {teller.Path} but "
                        + $"{ShortOf(leader)} in {member.Path}");
                }
            }
        }
    }

    /// <summary>What two servers hold committed is the same entry by entry.</summary>
    private static void CheckEntries(List<Member> members)
    {
        var committed = new Dictionary<long, (Guid? EntryId, Member Member)>();
        foreach (var member in members)
        {
            foreach (var entry in member.Log.Entries)
            {
                if (entry.Index is not { } index || index > member.Log.CommitIndex) continue;
                if (!committed.TryAdd(index, (entry.EntryId, member))
                    && committed[index].EntryId != entry.EntryId)
                {
                    throw new ToolException(
                        $"log entries with index {index} differ: "
                        + $"{committed[index].Member.Path} has eid "
                        + $"{ShortOf(committed[index].EntryId)} but {member.Path} has eid "
                        + ShortOf(entry.EntryId));
                }
            }
        }
    }

    private static string ShortOf(Guid? id) => RaftSettings.ShortOf(id ?? Guid.Empty);
}
