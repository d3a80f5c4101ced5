using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <content>ACLs.</content>
internal sealed partial class RandomNetwork
{
    private static readonly string[] AclActions =
        ["allow", "allow-related", "allow-related", "drop", "drop", "reject", "allow-stateless"];

    private void AddAcls()
    {
        if (Chance(20)) return;
        var isStateful = Chance(60);
        for (var i = _random.Next(1, 7); i > 0; i--)
        {
            var owner = One(_switches);
            if (Chance(30))
            {
                AddGroup(i, isStateful);
                continue;
            }

            owner.Acls.Add(AddAcl(isStateful, group: null));
        }
    }

    private void AddGroup(int number, bool isStateful)
    {
        var name = $"pg{number}";
        var owner = One(_switches);
        var members = owner.Ports.Take(_random.Next(1, owner.Ports.Count + 1)).ToList();
        _groups.Add(name);
        Guid[] acls = [AddAcl(isStateful, name)];
        Insert("Port_Group", [
            new("name", name), new("ports", Datum.References(members)),
            new("acls", Datum.References(acls)),
        ]);
    }

    private Guid AddAcl(bool isStateful, string? group)
    {
        var isEgress = Chance(50);
        int priority;
        do priority = _random.Next(1, 2000); while (!_priorities.Add(priority));
        var action = One(AclActions);
        if (!isStateful && action == "allow-related") action = "allow";
        var side = isEgress ? "outport" : "inport";

        // In brackets: 23.03 puts the match of "reject" behind "&&" as it is.
        var match = group is null ? $"({Match(side)})" : $"{side} == @{group} && ({Match(side)})";
        return Insert("ACL", [
            new("direction", isEgress ? "to-lport" : "from-lport"),
            new("priority", priority), new("action", action), new("match", match),
            new("options", !isEgress && Chance(15)
                ? Map(("apply-after-lb", "true"))
                : Datum.EmptyMap),
            new("label", action == "allow-related" && Chance(25) ? 1234 : 0),
        ]);
    }

    private string Match(string side) => _random.Next(20) switch
    {
        0 => "ip4",
        1 => "ip",
        12 => "ip6",
        13 => "ip6.src == $six && tcp",
        14 => $"ip6.dst == {One(_ports).Ipv6} || ip4.dst == {One(_ports).Ipv4}",
        15 => "(ip6 && udp.dst == 53) || (ip4 && tcp.src == 4000)",
        16 => "icmp6 || icmp4.type == 8",
        17 => "arp || nd",
        18 => $"{side} == \"{One(_ports).Name}\" && ip.ttl == 64 && ip.proto == {{6, 17}}",
        19 when _groups.Count > 0 =>
            $"ip4.src == ${One(_groups)}_ip4 || ip6.dst == ${One(_groups)}_ip6",
        2 => "tcp",
        3 => $"ip4.src == ${One(_sets)}",
        4 => $"ip4.dst == ${One(_sets)} && tcp",
        5 => $"{side} == \"{One(_ports).Name}\"",
        6 => $"{side} == \"{One(_ports).Name}\" && udp.dst == {{53, 80, 8080}}",
        7 => "ip4 && (tcp.dst == 80 || udp.dst == 80 || icmp4)",
        8 => $"ip4.src == 10.0.{_random.Next(1, 4)}.0/24 && tcp.dst >= 80 && tcp.dst < 8081",
        9 => $"ip4.dst != {One(_ports).Ipv4} && ip4.src != ${One(_sets)}",
        10 => $"(ip6.src == {One(_ports).Ipv6} || ip4.src == {One(_ports).Ipv4})",
        _ => $"eth.src == {One(_ports).Mac} && !(tcp.dst == {{80, 443}})",
    };
}
