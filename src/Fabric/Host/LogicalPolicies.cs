using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Akka.Actor;
using Fabric.Configuration;

namespace Fabric.Host;

/// <summary>net/policies: the ACLs that hold for a logical port, by protocol.</summary>
/// <remarks>
/// Those of its switch and of the port groups that it is in, save those whose match names other
/// ports only. In order of decision: lower tiers first, then higher priorities.
/// </remarks>
internal static partial class LogicalPolicies
{
    public const string Command = "net/policies";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private sealed record Acl(
        string Direction, long Tier, long Priority, string Match, string Action);

    /// <param name="northbound">The northbound's endpoint on this host.</param>
    public static void Register(UnixctlCommands commands, ICanTell northbound) =>
        commands.Register(Command, "PORT", 1, 2, async request =>
        {
            var answer = await northbound.Ask<DatabaseChanged>(
                reply => new SubscribeDatabase(reply), Patience, CancellationToken.None);
            var name = request.Arguments[0];
            return Print(answer.After, name)
                ?? throw new UnixctlException($"no logical switch has a port {name}");
        });

    private static string? Print(DatabaseSnapshot database, string name)
    {
        var port = database.Table("Logical_Switch_Port").Rows
            .FirstOrDefault(row => row.GetString("name") == name);
        if (port is null) return null;
        var home = database.Table("Logical_Switch").Rows
            .FirstOrDefault(row => row.GetReferences("ports").Contains(port.Uuid));
        if (home is null) return null;
        var groups = database.Table("Port_Group").Rows
            .Where(row => row.GetReferences("ports").Contains(port.Uuid)).ToArray();
        string[] names = [.. groups.Select(row => row.GetString("name"))];
        var acls = groups.Append(home).SelectMany(row => row.GetReferences("acls")).Distinct()
            .Select(id => database.Find("ACL", id)).OfType<Row>()
            .Select(Read)
            .Where(acl => IsAbout(acl.Match, name, names))
            .OrderBy(acl => acl.Tier).ThenByDescending(acl => acl.Priority)
            .ThenBy(acl => acl.Match, StringComparer.Ordinal).ToArray();

        var isClosed = database.Table("NB_Global").First?
            .GetMapValue("options", "default_acl_drop") == "true";
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"{name} (logical switch {home.GetString("name")})\n");
        foreach (var (direction, title) in (ReadOnlySpan<(string, string)>)
            [("from-lport", "may send"), ("to-lport", "may receive")])
        {
            text.Append(CultureInfo.InvariantCulture, $"  {title}:\n");
            foreach (var protocol in (string[])["icmp", "tcp", "udp"])
            {
                var rules = acls.Where(acl => acl.Direction == direction
                    && Covers(acl.Match, protocol)).Select(acl => string.Create(
                        CultureInfo.InvariantCulture,
                        $"{acl.Action} {acl.Match} (priority {acl.Priority})"));
                text.Append(CultureInfo.InvariantCulture, $"    {protocol,-5}").AppendJoin(
                    "; ", rules.Append(isClosed ? "else nothing" : "else all")).Append('\n');
            }
        }

        return text.ToString();
    }

    private static Acl Read(Row row) => new(
        row.GetString("direction"), row.GetIntegerOrNull("tier") ?? 0, row.GetInteger("priority"),
        row.GetString("match"), row.GetString("action"));

    /// <summary>The match names no port, or this one, or a group that it is in.</summary>
    private static bool IsAbout(string match, string port, string[] groups)
    {
        var isNamed = false;
        foreach (Match found in PortCondition().Matches(match))
        {
            isNamed = true;
            foreach (Match word in PortName().Matches(found.Groups[1].Value))
            {
                var name = word.Value.Trim('"', '@', '$');
                if (name == port || groups.Contains(name)) return true;
            }
        }

        return !isNamed;
    }

    /// <summary>The match speaks of the protocol, or of none.</summary>
    private static bool Covers(string match, string protocol)
    {
        var words = ProtocolWord().Matches(match).Select(word => word.Value).ToArray();
        return words.Length == 0
            || words.Any(word => word.StartsWith(protocol, StringComparison.Ordinal));
    }

    [GeneratedRegex("""(?:inport|outport)\s*==\s*(\{[^}]*\}|"[^"]*"|[@$]?[\w.\-]+)""")]
    private static partial Regex PortCondition();

    [GeneratedRegex("""[@$]?"[^"]*"|[@$]?[\w.\-]+""")]
    private static partial Regex PortName();

    [GeneratedRegex("""\b(?:tcp|udp|sctp|icmp[46]?)\b""")]
    private static partial Regex ProtocolWord();
}
