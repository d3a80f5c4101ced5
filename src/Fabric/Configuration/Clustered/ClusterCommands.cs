using System.Globalization;
using System.Text;

namespace Fabric.Configuration;

/// <summary>Answers the cluster/* commands of ovsdb-server for a cluster's only server.</summary>
/// <param name="elected">When the server became leader.</param>
internal sealed class ClusterCommands(ClusterLogFile file, DateTimeOffset elected)
{
    private const long TimerMin = 100;
    private const long TimerMax = 600_000;

    public HostAnswer Answer(ClusterRequest request, DateTimeOffset now) => request.Verb switch
    {
        "cid" => new HostAnswer($"{file.ClusterId:D}\n", null),
        "sid" => new HostAnswer($"{file.ServerId:D}\n", null),
        "status" => new HostAnswer(Status(now), null),
        "change-election-timer" => ChangeElectionTimer(request.Argument),
        "set-backlog-threshold" => SetBacklog(request.Argument),
        "leave" => new HostAnswer("", "cannot leave: this is the cluster's only server"),
        "kick" => new HostAnswer("", IsSelf(request.Argument)
            ? "cannot leave: this is the cluster's only server"
            : "unknown server"),
        _ => new HostAnswer("", "unknown cluster command"),
    };

    /// <summary>The timer as cluster/change-election-timer and create-cluster take it.</summary>
    public static bool TryParseTimer(string text, out long milliseconds) =>
        long.TryParse(
            text, NumberStyles.None, CultureInfo.InvariantCulture, out milliseconds)
        && milliseconds is >= TimerMin and <= TimerMax;

    public const string TimerProblem =
        "election timer must be between 100 and 600000, in msec.";

    /// <summary>The four digits by which OVS's texts name a cluster or a server.</summary>
    public static string ShortOf(Guid id) => $"{id:D}"[..4];

    private bool IsSelf(string server) =>
        server == file.Address || server.Length >= 4
        && $"{file.ServerId:D}".StartsWith(server, StringComparison.OrdinalIgnoreCase);

    private HostAnswer ChangeElectionTimer(string text)
    {
        if (!TryParseTimer(text, out var milliseconds)) return new HostAnswer("", TimerProblem);
        if (milliseconds > 2 * file.ElectionTimer)
        {
            return new HostAnswer(
                "", "election timer increase should not exceed the current value x 2.");
        }

        file.SetElectionTimer(milliseconds);
        return new HostAnswer("change of election timer initiated.", null);
    }

    /// <summary>Without other servers there is no backlog to limit.</summary>
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

    private string Status(DateTimeOffset now)
    {
        var self = ShortOf(file.ServerId);
        var since = (long)(now - elected).TotalMilliseconds;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            {self}
            Name: {file.Name}
            Cluster ID: {ShortOf(file.ClusterId)} ({file.ClusterId:D})
            Server ID: {self} ({file.ServerId:D})
            Address: {file.Address}
            Status: cluster member
            Role: leader
            Term: {file.Term}
            Leader: self
            Vote: self

            Last Election started {since} ms ago, reason: timeout
            Last Election won: {since} ms ago
            Election timer: {file.ElectionTimer}
            Log: [{file.FirstIndex}, {file.LastIndex + 1}]
            Entries not yet committed: 0
            Entries not yet applied: 0
            Connections:
            Disconnections: 0
            Servers:

            """);
        text.Append(CultureInfo.InvariantCulture, $"    {self} ({self} at {file.Address}) (self) ");
        text.Append(CultureInfo.InvariantCulture,
            $"next_index={file.ElectedIndex} match_index={file.LastIndex}\n");
        return text.ToString();
    }
}
