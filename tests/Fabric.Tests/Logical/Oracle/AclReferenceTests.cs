using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>
/// ACLs with tiers, pass and default drop against a reference that is short enough to be
/// obviously right: no flows, no conjunctions, no stages.
/// </summary>
/// <remarks>
/// What Debian's OVN cannot judge, since its schema has no tiers. The rules are stateless:
/// connections are the other oracle's.
/// </remarks>
public sealed class AclReferenceTests
{
    private const int PacketsPerNetwork = 100;
    private static readonly string[] Actions = ["allow", "drop", "pass", "pass"];

    private static readonly string[] Matches =
    [
        "ip4", "tcp", "udp", "ip4 && tcp.dst == 80", "tcp.dst >= 80 && tcp.dst < 90",
        "ip4.src == 10.0.0.0/30", "ip4.src != 10.0.0.1 && udp", "!(tcp.dst == {80, 81})",
        "ip4.dst == {10.0.0.1, 10.0.0.2} || udp.dst == 53", "eth.src == 02:00:00:00:00:01",
        "inport == \"p1\"", "inport == {\"p1\", \"p2\"} && tcp", "ip4.src == $set && ip.ttl == 64",
    ];

    private sealed record Rule(
        int Tier, int Priority, bool IsEgress, string Action, string Text, Expression Match);

    [Fact]
    public void Tiers_pass_and_default_drop_are_judged_as_the_reference_judges_them()
    {
        var isFull = Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") is { Length: > 0 };
        var networks = isFull ? 1000 : 40;
        for (var seed = 1; seed <= networks; seed++) Compare(seed);
    }

    private static void Compare(int seed)
    {
        var random = new Random(seed);
        var dropsByDefault = random.Next(2) == 0;
        var rules = Enumerable.Range(0, random.Next(1, 9)).Select(index =>
        {
            var text = Matches[random.Next(Matches.Length)];
            return new Rule(
                random.Next(4), (index * 10) + random.Next(10), random.Next(2) == 0,
                Actions[random.Next(Actions.Length)], text, ExpressionParser.Parse(text));
        }).ToList();

        // "inport" is known to the receiver, too; only the sender's side names the output port.
        var lab = LabOf(rules, dropsByDefault);
        for (var i = 0; i < PacketsPerNetwork; i++)
        {
            var packet = PacketOf(random, out var from, out var to);
            var wanted = IsAllowed(rules, dropsByDefault, packet, from);
            var arrived = lab.Send($"p{from}", packet).Any(delivery => delivery.Port == $"p{to}");
            Assert.True(
                wanted == arrived,
                $"seed {seed} packet {i} from p{from} to p{to}: the reference says {wanted}; "
                + $"default drop {dropsByDefault}; {string.Join("; ", rules)}");
        }
    }

    /// <summary>Both directions must let it through; in each the first tier that decides.</summary>
    private static bool IsAllowed(
        List<Rule> rules, bool dropsByDefault, FlowKey packet, uint from)
    {
        var evaluator = new ExpressionEvaluator(
            new ReferenceNames(), field => ValueOf(packet, from, field));
        foreach (var isEgress in (bool[])[false, true])
        {
            var verdict = !dropsByDefault;
            foreach (var tier in rules.Where(rule => rule.IsEgress == isEgress)
                .GroupBy(rule => rule.Tier).OrderBy(tier => tier.Key))
            {
                var first = tier.OrderByDescending(rule => rule.Priority)
                    .FirstOrDefault(rule => evaluator.Evaluate(rule.Match));
                if (first is null or { Action: "pass" }) continue;
                verdict = first.Action == "allow";
                break;
            }

            if (!verdict) return false;
        }

        return true;
    }

    private static UInt128 ValueOf(FlowKey packet, uint from, string field) => field switch
    {
        "reg14" => from,
        "eth_type" => packet.EthernetType,
        "eth_src" => packet.EthernetSource.ToUInt64(),
        "nw_proto" => packet.NetworkProtocol,
        "nw_ttl" => packet.NetworkTtl,
        "ip_src" => packet.Ipv4Source,
        "ip_dst" => packet.Ipv4Destination,
        "tcp_dst" when packet.NetworkProtocol == 6 => packet.PortDestination,
        "udp_dst" when packet.NetworkProtocol == 17 => packet.PortDestination,
        _ => 0,
    };

    private static FlowKey PacketOf(Random random, out uint from, out uint to)
    {
        from = (uint)random.Next(1, 4);
        do to = (uint)random.Next(1, 4); while (to == from);
        return new FlowKey
        {
            EthernetSource = MacBytes.FromUInt64(0x02_0000_0000_00ul | from),
            EthernetDestination = MacBytes.FromUInt64(0x02_0000_0000_00ul | to),
            EthernetType = EtherType.Ipv4,
            NetworkTtl = 64,
            NetworkProtocol = (byte)(random.Next(2) == 0 ? 6 : 17),
            Ipv4Source = 0x0a000000 | from,
            Ipv4Destination = 0x0a000000 | to,
            PortSource = 4000,
            PortDestination = (ushort)(random.Next(3) switch
            {
                0 => 53,
                1 => 80 + random.Next(3),
                _ => random.Next(1, 100),
            }),
        };
    }

    private static LogicalLab LabOf(List<Rule> rules, bool dropsByDefault)
    {
        var operations = new List<Operation>();
        Guid Insert(string table, params ImmutableArray<ColumnValue> values)
        {
            var row = Guid.NewGuid();
            operations.Add(new Operation.Insert(table, values, row));
            return row;
        }

        var ports = Enumerable.Range(1, 3).Select(number => Insert("Logical_Switch_Port", [
            new("name", $"p{number}"),
            new("addresses", $"02:00:00:00:00:0{number} 10.0.0.{number}"),
        ])).ToList();
        var acls = rules.Select(rule => Insert("ACL", [
            new("direction", rule.IsEgress ? "to-lport" : "from-lport"),
            new("priority", rule.Priority), new("action", rule.Action),
            new("match", rule.Text), new("tier", rule.Tier),
        ])).ToList();
        Insert("Address_Set", [
            new("name", "set"), new("addresses", Datum.Strings(["10.0.0.2", "10.0.0.3"])),
        ]);
        Insert("Logical_Switch", [
            new("name", "s"), new("ports", Datum.References(ports)),
            new("acls", Datum.References(acls)),
        ]);
        var database = LogicalLab.EmptyNorthbound();
        if (dropsByDefault)
        {
            operations.Add(Operation.UpdateRow(
                "NB_Global", database.Table("NB_Global").First!.Uuid,
                new ColumnValue("options", Datum.Map(
                    new Dictionary<string, string> { ["default_acl_drop"] = "true" }))));
        }

        return new LogicalLab(
            LogicalLab.Apply(database, [.. operations]), ("host1", ["p1", "p2"]),
            ("host2", ["p3"]));
    }

    private sealed class ReferenceNames : IExpressionContext
    {
        public uint? PortKey(string port) => (uint)(port[1] - '0');

        public AddressSetMembers? AddressSet(string name) =>
            AddressSetMembers.Parse(["10.0.0.2", "10.0.0.3"]);

        public ImmutableArray<uint>? PortGroup(string name) => null;
        public bool IsResident(string port) => false;
    }
}
