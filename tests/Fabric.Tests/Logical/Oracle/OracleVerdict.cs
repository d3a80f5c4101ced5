using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

/// <summary>Where a packet came out, and how it looked.</summary>
/// <param name="Fields">"eth.src=... eth.dst=... ip.src=... ip.dst=... ip.ttl=...".</param>
internal sealed record OracleDelivery(string Port, string Fields);

/// <summary>What became of a packet.</summary>
/// <param name="Answers">What the control plane was asked for: "reject", "arp".</param>
internal sealed record OracleVerdict(
    ImmutableSortedSet<string> Deliveries, ImmutableSortedSet<string> Answers)
{
    public bool Equals(OracleVerdict? other) =>
        other is not null && Deliveries.SetEquals(other.Deliveries)
        && Answers.SetEquals(other.Answers);

    public override int GetHashCode() => Deliveries.Count;

    /// <summary>
    /// Of an ARP request that was answered, the answer: whether the request also was flooded
    /// depends on OVN's version.
    /// </summary>
    public OracleVerdict WithoutAskedTwice(string sender) =>
        Deliveries.Any(each => each.StartsWith($"{sender} ", StringComparison.Ordinal))
            ? this with
            {
                Deliveries = [.. Deliveries.Where(
                    each => !each.Contains("ff:ff:ff:ff:ff:ff", StringComparison.Ordinal))],
            }
            : this;

    /// <summary>
    /// Of a broadcast, all but rejections: 23.03 hands it to routers' ports too, whose ACLs may
    /// reject it there.
    /// </summary>
    public OracleVerdict WithoutRejections() => this with { Answers = Answers.Remove("reject") };

    public override string ToString() =>
        $"out: {string.Join(" | ", Deliveries)}; answers: {string.Join(' ', Answers)}";
}

/// <summary>Reads ovn-trace --minimal: statements, and blocks that work on a copy.</summary>
internal static partial class OvnTraceReader
{
    private static readonly string[] Fields =
    [
        "eth.src", "eth.dst", "ip4.src", "ip4.dst", "ip6.src", "ip6.dst", "ip.ttl",
        "ip.dscp",
    ];

    /// <param name="ports">Ports whose deliveries count: workloads.</param>
    /// <param name="packet">Values of the packet as it was sent.</param>
    public static OracleVerdict Read(
        string text, IReadOnlySet<string> ports, ImmutableDictionary<string, string> packet)
    {
        var deliveries = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        var answers = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        var scopes = new Stack<(ImmutableDictionary<string, string> Packet, bool IsAnswer)>();
        var now = (Packet: packet, IsAnswer: false);
        foreach (var raw in text.Split('\n'))
        {
            var line = Comment().Replace(raw, "").Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line.StartsWith('}'))
            {
                now = scopes.Pop();
            }
            else if (line.EndsWith('{'))
            {
                scopes.Push(now);
                now = Enter(line, now, answers);
            }
            else if (Output().Match(line) is { Success: true } output)
            {
                var port = output.Groups[1].Value;
                if (!now.IsAnswer && ports.Contains(port))
                    deliveries.Add($"{port} {FieldsOf(port, now.Packet)}");
            }
            else if (Answered().Match(line) is { Success: true } asked)
            {
                if (!now.IsAnswer) answers.Add(asked.Groups[1].Value);
                now.IsAnswer = true; // What follows is the answer, and its way back.
            }
            else if (line.StartsWith("tcp_reset", StringComparison.Ordinal)
                || line.StartsWith("icmp", StringComparison.Ordinal) && !line.Contains(" = "))
            {
                if (!now.IsAnswer) answers.Add("reject");
            }
            else
            {
                now = (Assign(line, now.Packet), now.IsAnswer);
            }
        }

        return new OracleVerdict(deliveries.ToImmutable(), answers.ToImmutable());
    }

    /// <remarks>
    /// A balancer's choice is not printed by ovn-trace: of a packet to a virtual address the
    /// destination is not compared; port and MAC say which backend it was. Nor is the source of a
    /// packet that is balanced to its sender: ovn-trace leaves it as it is.
    /// </remarks>
    public static string FieldsOf(string port, IReadOnlyDictionary<string, string> packet)
    {
        var isBalanced = packet.TryGetValue("vip", out var sender);
        bool IsCompared(string field) => packet.ContainsKey(field) && !(isBalanced
            && (field.EndsWith(".dst", StringComparison.Ordinal) || port == sender)
            && field.StartsWith("ip", StringComparison.Ordinal)
            && field is not ("ip.ttl" or "ip.dscp"));
        return string.Join(
            ' ', Fields.Where(IsCompared).Select(field => $"{field}={packet[field]}"));
    }

    private static (ImmutableDictionary<string, string>, bool) Enter(
        string line, (ImmutableDictionary<string, string> Packet, bool IsAnswer) now,
        ImmutableSortedSet<string>.Builder answers)
    {
        var name = line.Split(' ', '(', '{')[0];
        var packet = now.Packet;
        if (name is "icmp4" or "icmp6" or "icmp4_error" or "icmp6_error" or "tcp_reset")
            name = "reject";
        if (name is "nd_ns") name = "arp";
        if (name is "reject" or "arp" or "nd_na" or "nd_na_router")
        {
            if (!now.IsAnswer) answers.Add(name);
            return (packet, true);
        }

        if (Translated().Match(line) is { Success: true } nat)
            packet = packet.SetItem(nat.Groups[1].Value, nat.Groups[2].Value);
        return (packet, now.IsAnswer);
    }

    private static ImmutableDictionary<string, string> Assign(
        string line, ImmutableDictionary<string, string> packet)
    {
        line = line.TrimEnd(';');
        if (line == "ip.ttl--")
        {
            return packet.SetItem("ip.ttl", $"{int.Parse(
                packet["ip.ttl"], System.Globalization.CultureInfo.InvariantCulture) - 1}");
        }

        var parts = line.Split(" = ", 2);
        if (parts.Length != 2) return packet;
        var value = parts[1];
        if (parts[0].StartsWith("eth.", StringComparison.Ordinal) && value.StartsWith("0x"))
        {
            value = MacBytes.FromUInt64(Convert.ToUInt64(value, 16)).ToString();
        }

        return packet.SetItem(parts[0], value);
    }

    [GeneratedRegex(@"/\*.*?\*/")]
    private static partial Regex Comment();

    [GeneratedRegex("^output\\(\"(.*)\"\\);$")]
    private static partial Regex Output();

    /// <summary>Options that an answer to DHCP is made with.</summary>
    [GeneratedRegex(@"^put_(dhcp)(?:v6)?_opts\(")]
    private static partial Regex Answered();

    [GeneratedRegex(@"\((ip[46]\.(?:src|dst))=([^)]*)\)")]
    private static partial Regex Translated();
}
