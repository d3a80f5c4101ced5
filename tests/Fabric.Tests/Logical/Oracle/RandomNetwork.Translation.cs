using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <content>NAT.</content>
internal sealed partial class RandomNetwork
{
    private List<Guid> Translations(int outer, bool isGatewayRouter)
    {
        var rules = new List<Guid>();
        if (Chance(70))
        {
            var external = V4(outer, Chance(50) ? 1 : 150);
            rules.Add(Insert("NAT", [
                new("type", "snat"), new("external_ip", $"{external}"),
                new("logical_ip", "10.0.1.0/24"),
            ]));
            if (isGatewayRouter) Targets.RemoveAll(target => target.Address == external);
        }

        var translated = new HashSet<string>();
        for (var i = 0; i < _random.Next(3); i++)
        {
            var inner = One(_ports.Where(port => port.Subnet != outer).ToList());
            if (!translated.Add(inner.Name)) continue; // Two rules of equal priority.
            var external = V4(outer, 100 + i);
            var type = Chance(70) ? "dnat_and_snat" : "dnat";
            rules.Add(Insert("NAT", [
                new("type", type),
                new("external_ip", $"{external}"), new("logical_ip", $"{inner.Ipv4}"),
                new("options", Chance(25) ? Map(("stateless", "true")) : Datum.EmptyMap),
                .. isGatewayRouter || type == "dnat" || Chance(65)
                    ? Restriction()
                    : Floating(inner),
            ]));

            // ovn-trace ends at "ct_snat" on a gateway router: what follows cannot be compared.
            if (!isGatewayRouter) Targets.Add((external, 0));
        }

        return rules;
    }

    /// <summary>Addresses outside that a rule is for, or is not for.</summary>
    private ColumnValue[] Restriction() => _random.Next(10) switch
    {
        0 => [new("allowed_ext_ips", Datum.References([One(_setRows)]))],
        1 => [new("exempted_ext_ips", Datum.References([One(_setRows)]))],
        _ => [],
    };

    /// <summary>A floating address that is translated where its port is.</summary>
    /// <remarks>ovn-trace takes every port to be on the host that it traces.</remarks>
    private ColumnValue[] Floating(RandomPort inner)
    {
        IsOnOneHost = true;
        return
        [
            new("logical_port", inner.Name),
            new("external_mac", Mac(99, inner.Subnet).ToString()),
        ];
    }
}
