using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Fabric.Host;

/// <summary>
/// The ICMP, TCP and UDP rules that hold for a port, read from the flows that its firewall wrote.
/// </summary>
/// <remarks>
/// Understood are flows as neutron-ovs-agent's openvswitch firewall driver writes them: reg5 is the
/// port, table 72 what it may send, table 82 what it may receive, and a conjunction joins remote
/// addresses with protocols and ports. A port without such flows is looked for among the logical
/// ports, by its name.
/// </remarks>
internal static partial class ConntrackPolicies
{
    private const int EgressTable = 72;
    private const int IngressTable = 82;

    private sealed record Flow(int Table, int Priority, Dictionary<string, string> Match,
        string Actions);

    public static void Register(UnixctlCommands commands, UnixctlCommands flows) =>
        commands.Register("conntrack/policies", "PORT", 1, 2, async request =>
        {
            var port = request.Arguments[0];
            var shown = await flows.RunAsync(new UnixctlRequest("dpif/show", [], false));
            if (Find(shown, port) is not var (bridge, number))
            {
                return await commands.RunAsync(Logical(request, port));
            }

            var dump = await flows.RunAsync(
                new UnixctlRequest("bridge/dump-flows", [bridge], false));
            Flow[] all = [.. dump.Split('\n').Select(Parse).OfType<Flow>()];
            if (all.Any(flow => IsOf(flow, number))) return Print(port, bridge, number, all);
            try
            {
                return await commands.RunAsync(Logical(request, port));
            }
            catch (UnixctlException)
            {
                return Print(port, bridge, number, all); // No logical port has that name.
            }
        });

    private static UnixctlRequest Logical(UnixctlRequest request, string port) =>
        request with { Command = LogicalPolicies.Command, Arguments = [port] };

    /// <summary>The bridge and OpenFlow number of a port in dpif/show's text.</summary>
    private static (string Bridge, uint Number)? Find(string shown, string port)
    {
        var bridge = "";
        foreach (var line in shown.Split('\n'))
        {
            if (BridgeLine().Match(line) is { Success: true } named) bridge = named.Groups[1].Value;
            if (PortLine().Match(line) is { Success: true } found
                && found.Groups[1].Value == port)
            {
                return (bridge, uint.Parse(found.Groups[2].Value, CultureInfo.InvariantCulture));
            }
        }

        return null;
    }

    private static string Print(string port, string bridge, uint number, Flow[] flows)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{port} (bridge {bridge}, port {number})\n");
        if (!flows.Any(flow => IsOf(flow, number)))
        {
            return text.Append("  no firewall: everything is let through\n").ToString();
        }

        foreach (var (table, title) in (ReadOnlySpan<(int, string)>)
            [(EgressTable, "may send"), (IngressTable, "may receive")])
        {
            text.Append(CultureInfo.InvariantCulture, $"  {title}:\n");
            foreach (var protocol in (string[])["icmp", "tcp", "udp"])
            {
                var rules = RulesOf(flows, table, number, protocol).Distinct().Order(
                    StringComparer.Ordinal).ToArray();
                text.Append(CultureInfo.InvariantCulture, $"    {protocol,-5}")
                    .Append(rules.Length == 0 ? "nothing" : string.Join("; ", rules))
                    .Append('\n');
            }
        }

        return text.ToString();
    }

    private static IEnumerable<string> RulesOf(
        Flow[] flows, int table, uint number, string protocol)
    {
        foreach (var flow in flows.Where(flow => flow.Table == table && IsOf(flow, number)))
        {
            if (!Covers(flow, protocol, out var isIpv6)) continue;
            var family = isIpv6 ? " (IPv6)" : "";
            var ports = PortsOf(flow);
            if (ConjunctionPart().Match(flow.Actions) is { Success: true } part)
            {
                var id = part.Groups[1].Value;
                var remotes = flows
                    .Where(other => other.Table == table
                        && other.Actions.Contains($"conjunction({id},1/", StringComparison.Ordinal))
                    .Select(RemoteOf).OfType<string>();
                yield return $"{ports} with {string.Join(", ", remotes)}{family}";
            }
            else if (flow.Priority >= 70 && IsAccepting(flow))
            {
                yield return $"{ports}{(RemoteOf(flow) is { } remote ? $" with {remote}" : "")}"
                    + family;
            }
        }
    }

    private static bool IsOf(Flow flow, uint number) =>
        flow.Table is EgressTable or IngressTable
        && flow.Match.TryGetValue("reg5", out var value)
        && value == $"0x{number:x}";

    /// <summary>The flow is about this protocol, or about all of IP.</summary>
    private static bool Covers(Flow flow, string protocol, out bool isIpv6)
    {
        isIpv6 = flow.Match.ContainsKey(protocol + "6") || flow.Match.ContainsKey("ipv6");
        if (flow.Match.ContainsKey(protocol) || flow.Match.ContainsKey(protocol + "6")) return true;
        return (flow.Match.ContainsKey("ip") || flow.Match.ContainsKey("ipv6"))
            && !flow.Match.ContainsKey("nw_proto");
    }

    /// <summary>Rules for new connections; those for established ones follow from them.</summary>
    private static bool IsAccepting(Flow flow) =>
        flow.Actions != "drop"
        && (!flow.Match.TryGetValue("ct_state", out var state)
            || state.Contains("+new", StringComparison.Ordinal));

    private static string PortsOf(Flow flow)
    {
        if (flow.Match.TryGetValue("icmp_type", out var type))
        {
            return flow.Match.TryGetValue("icmp_code", out var code)
                ? $"type {type} code {code}"
                : $"type {type}";
        }

        return flow.Match.TryGetValue("tp_dst", out var port) ? $"port {port}" : "all";
    }

    private static string? RemoteOf(Flow flow)
    {
        foreach (var name in (string[])["nw_src", "nw_dst", "ipv6_src", "ipv6_dst"])
        {
            if (flow.Match.TryGetValue(name, out var address)) return address;
        }

        return null;
    }

    private static Flow? Parse(string line)
    {
        var actions = line.IndexOf("actions=", StringComparison.Ordinal);
        if (actions < 0) return null;
        var match = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in line[..actions].Split(
            [',', ' '], StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            match[equals < 0 ? part : part[..equals]] = equals < 0 ? "" : part[(equals + 1)..];
        }

        var table = match.GetValueOrDefault("table_id", match.GetValueOrDefault("table", "0"));
        return new Flow(
            int.Parse(table, CultureInfo.InvariantCulture),
            int.Parse(match.GetValueOrDefault("priority", "32768"), CultureInfo.InvariantCulture),
            match, line[(actions + "actions=".Length)..]);
    }

    [GeneratedRegex("^  ([^ :]+):$")]
    private static partial Regex BridgeLine();

    [GeneratedRegex("^    ([^ ]+) ([0-9]+)/")]
    private static partial Regex PortLine();

    [GeneratedRegex("conjunction\\(([0-9]+),2/")]
    private static partial Regex ConjunctionPart();
}
