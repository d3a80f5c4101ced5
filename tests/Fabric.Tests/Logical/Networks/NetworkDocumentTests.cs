using Fabric.Logical;

namespace Fabric.Tests.Logical;

public sealed class NetworkDocumentTests
{
    [Fact]
    public void The_example_reads_as_it_is_written()
    {
        var document = ExampleNetworks.Read("three-tier.yaml");
        Assert.Equal("three-tier", document.Name);
        Assert.Equal(["front", "back"], document.Switches.Select(owner => owner.Name));
        Assert.Equal(6, document.Ports.Count());
        Assert.Equal([1, 2, 3], document.Ports.Select(port => port.Host!.Value).Distinct().Order());
        Assert.All(
            document.Ports.GroupBy(port => port.Host), host => Assert.Equal(2, host.Count()));
        Assert.Equal(2, document.Routers.Single().Ports.Length);
        Assert.Equal(6, document.Acls.Length);
    }

    public static TheoryData<string, string, int, int, string> Mistakes => new()
    {
        { "switches: {}", "has no network", 1, 1, "network: my-network" },
        { "network: n\nswitches:\n  a:\n    subnet: 10.0.0.1/24", "subnet", 4, 13, "10.0.1.0/24" },
        { Port("mac: nonsense, ip: 10.0.0.5"), "mac of port p", 5, 17, "unicast MAC" },
        { Port("mac: \"02:00:00:00:00:01\", ip: 10.0.0.500"), "ip of port p", 5, 42, "10.0.1.5" },
        {
            Port("mac: \"02:00:00:00:00:01\", ip: 10.9.0.5"),
            "is not in 10.0.0.0/24", 5, 10, "choose"
        },
        { Port("ip: 10.0.0.5"), "has an ip but no mac", 5, 10, "mac:" },
        {
            Port("mac: \"02:00:00:00:00:01\", colour: red"),
            "no setting \"colour\"", 5, 38, "use one of"
        },
        { Port("host: 0"), "host of port p", 5, 18, "a number from 1" },
        {
            "network: n\ngroups: { g: [nobody] }",
            "there is no port \"nobody\"", 2, 14, "use one of"
        },
        {
            "network: n\nacls: [{ group: g, match: ip4, priority: 1 }]",
            "no group \"g\"", 2, 8, "use"
        },
        {
            "network: n\nswitches: { s: {} }\nacls: [{ switch: s, match: \"ip4 &&\" }]",
            "match of acl", 3, 28, "an OVN expression"
        },
        { "network: n\nacls: [{ match: ip4 }]", "one group or one switch", 2, 8, "group: name" },
        { "network: n\n  bad indent: [", "", 2, 13, "indentation" },
        {
            "network: n\nswitches: 5",
            "switches of the network is not a mapping", 2, 11, "name: ..."
        },
        { "network: &a n\nswitches: *a", "aliases", 2, 11, "write the value out" },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public void A_mistake_is_named_with_line_column_and_fix(
        string text, string what, int line, int column, string fix)
    {
        var error = Assert.Throws<NetworkDocumentException>(
            () => NetworkDocument.Parse(text, "net.yaml")).Errors[0];
        Assert.Contains(what, error.Message);
        Assert.Equal(new NetworkPlace(line, column), error.Place);
        Assert.Contains(fix, error.Fix);
        Assert.StartsWith($"net.yaml:{line}:{column}: ", error.ToString());
    }

    [Fact]
    public void Duplicate_addresses_and_overlapping_networks_are_refused()
    {
        const string text = """
            network: n
            switches:
              s:
                ports:
                  a: { mac: "02:00:00:00:00:01", ip: 10.0.0.5 }
                  b: { mac: "02:00:00:00:00:01", ip: 10.0.0.5 }
              t: {}
            routers:
              r:
                ports:
                  one: { switch: s, mac: "02:00:00:00:00:02", networks: [10.0.0.1/16] }
                  two: { switch: t, mac: "02:00:00:00:00:03", networks: [10.0.1.1/24] }
                  gone: { switch: nowhere, mac: "02:00:00:00:00:04", networks: [10.2.0.1/24] }
            """;
        var errors = Assert.Throws<NetworkDocumentException>(
            () => NetworkDocument.Parse(text, "net.yaml")).Errors;
        Assert.Contains(
            errors, error => error.Message.Contains("02:00:00:00:00:01 is already used"));
        Assert.Contains(
            errors, error => error.Message.Contains("10.0.0.5 is already used by port a"));
        Assert.Contains(errors, error => error.Message.Contains("overlaps"));
        Assert.Contains(errors, error => error.Message.Contains("no switch \"nowhere\""));
    }

    [Fact]
    public void Deep_nesting_is_refused_without_recursion()
    {
        var text = "network: " + new string('[', 100_000);
        Assert.Throws<NetworkDocumentException>(() => NetworkDocument.Parse(text, "net.yaml"));
    }

    private static string Port(string settings) =>
        "network: n\nswitches:\n  s: { subnet: 10.0.0.0/24, ports: {\n    q: {},\n"
        + $"      p: {{ {settings} }} }} }}";
}
