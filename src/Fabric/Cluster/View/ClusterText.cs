using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fabric.Cluster;

/// <summary>Prints the cluster, worded like `pbm cluster`.</summary>
public static class ClusterText
{
    /// <summary>What `fabric net apply` asks; <see cref="AppliedJson"/> answers.</summary>
    public const string AppliedVerb = "applied";

    /// <param name="byHost">NB_Global.nb_cfg whose flows are installed there.</param>
    public static string AppliedJson(ImmutableSortedDictionary<string, long> byHost) =>
        Json(new JsonObject(byHost.Select(
            pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))));

    /// <returns>Null for a verb that prints nothing of its own.</returns>
    public static string? Render(string verb, ClusterPicture picture, bool isJson) => verb switch
    {
        "show" => isJson ? Json(Show(picture)) : ShowText(picture),
        "members" => isJson ? Json(MembersOf(picture)) : MembersText(picture),
        "status" => isJson ? Json(Status(picture)) : StatusText(picture),
        "leader" => isJson ? Json(Leader(picture)) : LeaderText(picture),
        "vteps" => isJson ? Json(Vteps(picture)) : VtepsText(picture),
        AppliedVerb => AppliedJson(picture.Applied ?? Ordinal.EmptyMap<long>()),
        "topology" => isJson ? Json(Topology(picture)) : TopologyText(picture),
        _ => null,
    };

    private static string ShowText(ClusterPicture picture)
    {
        var text = new StringBuilder(MembersText(picture));
        if (picture.CutOffFor is { } time)
        {
            text.Append(CultureInfo.InvariantCulture, $"This host is in no cluster")
                .AppendLine(CultureInfo.InvariantCulture, $" for {Seconds(time)} s.");
            foreach (var contact in picture.Contacts)
                text.AppendLine(CultureInfo.InvariantCulture, $"Tries to join through {contact}");
            if (picture.LastEnd is not null)
                text.AppendLine(CultureInfo.InvariantCulture, $"Last end: {picture.LastEnd}");
        }

        return text.ToString();
    }

    private static string MembersText(ClusterPicture picture)
    {
        var text = new StringBuilder();
        foreach (var member in picture.Members.Members)
        {
            var status = member.IsReachable ? member.Status : $"{member.Status} (unreachable)";
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{member.Address} | [{string.Join(",", member.Roles)}] | {status}");
        }

        var count = picture.Members.Members.Length;
        text.AppendLine(
            CultureInfo.InvariantCulture, $"Count: {count} {(count == 1 ? "node" : "nodes")}");
        return text.ToString();
    }

    private static string StatusText(ClusterPicture picture)
    {
        var (log, lines) = (picture.Log, new StringBuilder());
        var self = picture.Members.Find(picture.Members.SelfHost);
        Line("host", picture.Members.SelfHost);
        Line("status", self?.Status ?? "not a member");
        Line("leader", picture.Members.LeaderHost ?? "none");
        Line("members", picture.Members.Members.Length.ToString(CultureInfo.InvariantCulture));
        Line("unreachable", string.Join(", ", Unreachable(picture)) is { Length: > 0 } hosts
            ? hosts
            : "none");
        if (log is not null)
        {
            Line("northbound log", log.LogId.ToString());
            Line("northbound writer", log.WriterHost ?? "none heard of");
            Line("term", log.Term.ToString(CultureInfo.InvariantCulture));
            Line("last entry", log.Last.ToString());
            Line("committed", log.Committed.ToString(CultureInfo.InvariantCulture));
            Line("voters", log.Voters.IsEmpty ? "none" : string.Join(", ", log.Voters.Hosts));
            Line("quorum", QuorumOf(picture));
        }

        return lines.ToString();

        void Line(string name, string value) => lines.AppendLine(
            CultureInfo.InvariantCulture, $"{name + ":",-19}{value}");
    }

    private static string LeaderText(ClusterPicture picture) =>
        picture.Members.Members.FirstOrDefault(
            member => member.HostId == picture.Members.LeaderHost)?.Address is { } address
            ? $"{address} ({picture.Members.LeaderHost})\n"
            : "There is no leader.\n";

    private static string VtepsText(ClusterPicture picture)
    {
        var text = new StringBuilder();
        foreach (var vtep in picture.Vteps ?? [])
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{vtep.HostId} | {vtep.HostName} | {vtep.Type} | {vtep.Address}");
        }

        return text.AppendLine(
            CultureInfo.InvariantCulture, $"Count: {picture.Vteps?.Count ?? 0} VTEPs").ToString();
    }

    private static string TopologyText(ClusterPicture picture)
    {
        var text = new StringBuilder();
        foreach (var member in picture.Members.Members)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{member.HostId} ({member.Status})");
            if (picture.Loads?.GetValueOrDefault(member.HostId) is { } load)
                text.AppendLine(CultureInfo.InvariantCulture, $"    load {LoadText(load)}");
            if (picture.Applied?.TryGetValue(member.HostId, out var applied) == true)
                text.AppendLine(CultureInfo.InvariantCulture, $"    nb_cfg {applied} installed");
            foreach (var vtep in picture.Vteps?.Where(v => v.HostId == member.HostId) ?? [])
                text.AppendLine(CultureInfo.InvariantCulture, $"    {vtep.Type} {vtep.Address}");
            foreach (var port in PortsOf(picture, member.HostId))
                text.AppendLine(CultureInfo.InvariantCulture, $"    port {port}");
        }

        return text.ToString();
    }

    private static string LoadText(HostLoad load) => string.Create(
        CultureInfo.InvariantCulture,
        $"cpu {load.CpuPercent} %, memory {load.MemoryBytes >> 20} MiB, "
        + $"{load.PortCount} ports, {load.FlowCount} flows");

    private static JsonObject? LoadOf(ClusterPicture picture, string host) =>
        picture.Loads?.GetValueOrDefault(host) is { } load
            ? new JsonObject
            {
                ["cpuPercent"] = load.CpuPercent,
                ["memoryBytes"] = load.MemoryBytes,
                ["ports"] = load.PortCount,
                ["flows"] = load.FlowCount,
            }
            : null;

    private static IEnumerable<string> PortsOf(ClusterPicture picture, string host) =>
        picture.Ports?.Values.Where(port => port.HostId == host)
            .Select(port => port.LogicalPort) ?? [];

    private static IEnumerable<string> Unreachable(ClusterPicture picture) => picture.Members
        .Members.Where(member => !member.IsReachable).Select(member => member.HostId);

    private static string QuorumOf(ClusterPicture picture)
    {
        var voters = picture.Log?.Voters ?? VoterSet.None;
        var reachable = voters.Hosts.Count(voter => voter == picture.Members.SelfHost
            || voter == SqlVoter.HostId
            || picture.Members.Find(voter) is { IsReachable: true, IsAlive: true });
        var verdict = voters.Count > 0 && reachable >= voters.Majority ? "yes" : "no";
        return $"{verdict} ({reachable} of {voters.Count} voters reachable)";
    }

    private static string Seconds(TimeSpan time) =>
        time.TotalSeconds.ToString("F0", CultureInfo.InvariantCulture);

    private static JsonObject Show(ClusterPicture picture) => new()
    {
        ["members"] = MembersOf(picture),
        ["leader"] = picture.Members.LeaderHost,
        ["cutOffSeconds"] = picture.CutOffFor?.TotalSeconds,
        ["contacts"] = new JsonArray([.. picture.Contacts.Select(one => (JsonNode)one)]),
        ["lastEnd"] = picture.LastEnd,
    };

    private static JsonArray MembersOf(ClusterPicture picture) =>
        new([.. picture.Members.Members.Select(member => (JsonNode)new JsonObject
        {
            ["host"] = member.HostId,
            ["address"] = member.Address,
            ["status"] = member.Status,
            ["reachable"] = member.IsReachable,
            ["roles"] = new JsonArray([.. member.Roles.Select(role => (JsonNode)role)]),
        })]);

    private static JsonObject Status(ClusterPicture picture) => new()
    {
        ["host"] = picture.Members.SelfHost,
        ["status"] = picture.Members.Find(picture.Members.SelfHost)?.Status,
        ["leader"] = picture.Members.LeaderHost,
        ["members"] = picture.Members.Members.Length,
        ["unreachable"] =
            new JsonArray([.. Unreachable(picture).Select(host => (JsonNode)host)]),
        ["log"] = picture.Log?.LogId.ToString(),
        ["writer"] = picture.Log?.WriterHost,
        ["term"] = picture.Log?.Term,
        ["lastSequence"] = picture.Log?.Last.Sequence,
        ["committed"] = picture.Log?.Committed,
        ["voters"] = new JsonArray(
            [.. (picture.Log?.Voters.Hosts ?? []).Select(host => (JsonNode)host)]),
    };

    private static JsonObject Leader(ClusterPicture picture) => new()
    {
        ["leader"] = picture.Members.LeaderHost,
        ["writer"] = picture.Log?.WriterHost,
    };

    private static JsonArray Vteps(ClusterPicture picture) =>
        new([.. (picture.Vteps ?? []).Select(vtep => (JsonNode)new JsonObject
        {
            ["host"] = vtep.HostId,
            ["hostName"] = vtep.HostName,
            ["type"] = vtep.Type,
            ["address"] = vtep.Address.ToString(),
        })]);

    private static JsonArray Topology(ClusterPicture picture) =>
        new([.. picture.Members.Members.Select(member => (JsonNode)new JsonObject
        {
            ["host"] = member.HostId,
            ["status"] = member.Status,
            ["load"] = LoadOf(picture, member.HostId),
            ["nbCfg"] = picture.Applied?.GetValueOrDefault(member.HostId),
            ["vteps"] = new JsonArray(
            [
                .. (picture.Vteps ?? []).Where(vtep => vtep.HostId == member.HostId)
                    .Select(vtep => (JsonNode)$"{vtep.Type} {vtep.Address}"),
            ]),
            ["ports"] = new JsonArray(
                [.. PortsOf(picture, member.HostId).Select(port => (JsonNode)port)]),
        })]);

    private static string Json(JsonNode node) =>
        node.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
}
