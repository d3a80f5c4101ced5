using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <content>Load balancers and QoS.</content>
internal sealed partial class RandomNetwork
{
    private void AddBalancers()
    {
        foreach (var owner in _switches)
        {
            if (Chance(60)) continue;
            var balancer = Balancer($"lb-{owner.Name}", 1 + _random.Next(3));
            if (Chance(70)) owner.Balancers.Add(balancer);
            else owner.BalancerGroups.Add(BalancerGroup($"lbg-{owner.Name}", balancer));
        }
    }

    private Guid BalancerGroup(string name, Guid balancer) => Insert("Load_Balancer_Group", [
        new("name", name), new("load_balancer", Datum.References([balancer])),
    ]);

    /// <summary>A balancer with one virtual address, or one of each family.</summary>
    /// <param name="vip">Last part of 10.0.200.VIP and fd00:0:0:c8::VIP.</param>
    private Guid Balancer(string name, int vip) =>
        Balancer(name, Chance(25) ? [V4(200, vip), V6(200, vip)] : [V4(200, vip)]);

    private Guid Balancer(string name, params IpPrefix[] vips)
    {
        var rows = new List<(string, string)>();
        foreach (var vip in vips)
        {
            var port = (ushort)(80 + _random.Next(2));
            var isEmpty = Chance(15);
            var backends = _ports.Where(_ => Chance(40)).Take(3)
                .Select(backend => Endpoint(vip.IsIpv6 ? backend.Ipv6 : backend.Ipv4, 8080))
                .ToList();
            Targets.Add((vip, port));
            Targets.Add((vip, 0));
            Vips.Add(vip);
            if (!isEmpty) Backends.AddRange(backends);
            rows.Add((Endpoint(vip, port), isEmpty ? "" : string.Join(',', backends)));
        }

        var options = new List<(string, string)>();
        if (Chance(40)) options.Add(("reject", "true"));
        if (Chance(15)) options.Add(("skip_snat", "true"));
        if (Chance(15)) options.Add(("hairpin_snat_ip", "10.0.200.99"));
        return Insert("Load_Balancer", [
            new("name", name), new("protocol", Chance(70) ? "tcp" : "udp"),
            new("vips", Map([.. rows])), new("options", Map([.. options])),
            new("selection_fields", Datum.Strings(Chance(20) ? ["ip_src", "ip_dst"] : [])),
        ]);
    }

    public static string Endpoint(IpPrefix address, int port) =>
        address.IsIpv6 ? $"[{address}]:{port}" : $"{address}:{port}";

    private void AddQos()
    {
        if (Chance(75)) return;
        var owner = One(_switches);
        var isEgress = Chance(50);
        owner.Qos.Add(Insert("QoS", [
            new("direction", isEgress ? "to-lport" : "from-lport"),
            new("priority", _random.Next(1, 2000)),
            new("match", Match(isEgress ? "outport" : "inport")),
            new("action", Datum.Map([KeyValuePair.Create("dscp", (long)_random.Next(1, 64))])),
        ]));
    }
}
