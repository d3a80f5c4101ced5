using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Fabric.Logical;

public sealed partial record NetworkDocument
{
    /// <summary>Reads and checks a document.</summary>
    /// <param name="fileName">For messages.</param>
    /// <exception cref="NetworkDocumentException">All that is wrong, with place and
    /// fix.</exception>
    public static NetworkDocument Parse(string text, string fileName) =>
        new NetworkDocumentReader(fileName).Read(text);
}

/// <summary>From YAML to a <see cref="NetworkDocument"/>.</summary>
internal sealed class NetworkDocumentReader(string fileName)
{
    private const int NestingMax = 32;

    private static readonly string[] PortTypes =
        ["", "localnet", "localport", "l2gateway", "virtual", "external"];

    private readonly NetworkErrors _errors = new(fileName);

    public NetworkDocument Read(string text)
    {
        var document = TryLoad(text) is { } root ? ReadRoot(root) : null;
        if (document is not null) new NetworkValidation(document, _errors).Check();
        if (_errors.Any || document is null) throw _errors.ToException();
        return document;
    }

    private YamlNode? TryLoad(string text)
    {
        if (text.Length > LogicalLimits.NetworkDocumentLengthMax)
        {
            _errors.Add(
                new NetworkPlace(1, 1), "the document is too long",
                $"keep it below {LogicalLimits.NetworkDocumentLengthMax} characters");
            return null;
        }

        try
        {
            if (!CheckNesting(text)) return null;
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 1) return stream.Documents[0].RootNode;
            _errors.Add(
                new NetworkPlace(1, 1), $"the file holds {stream.Documents.Count} documents",
                "write one network in each file");
        }
        catch (InvalidOperationException)
        {
            // YamlDotNet's scanner, on some unfinished flow mappings; it does not say where.
            _errors.Add(
                new NetworkPlace(1, 1), "this is no YAML", "close every bracket and quote");
        }
        catch (YamlException e)
        {
            var place = new NetworkPlace((int)e.Start.Line, (int)e.Start.Column);
            _errors.Add(place, e.Message, "check indentation, colons and quotes");
        }

        return null;
    }

    /// <remarks>
    /// The tree is loaded by recursion: depth is bounded before, by plain iteration.
    /// </remarks>
    private bool CheckNesting(string text)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (parser.MoveNext())
        {
            if (parser.Current is not { } current) break;
            depth += current.NestingIncrease;
            if (current is not AnchorAlias && depth <= NestingMax) continue;
            var place = new NetworkPlace((int)current.Start.Line, (int)current.Start.Column);
            if (current is AnchorAlias)
                _errors.Add(place, "aliases are not supported", "write the value out");
            else
                _errors.Add(place, "the document is nested too deeply", "use fewer levels");
            return false;
        }

        return true;
    }

    private NetworkDocument? ReadRoot(YamlNode root)
    {
        if (NetworkNode.Of("the network", root, _errors) is not { } node) return null;
        var name = node.Required("network", "my-network");
        var document = new NetworkDocument(
            name,
            [.. node.Named("switches").Select(part => ReadSwitch(part.Name, part.Node))
                .OfType<NetworkSwitch>()],
            [.. node.Named("routers").Select(part => ReadRouter(part.Name, part.Node))
                .OfType<NetworkRouter>()],
            [.. node.Named("groups").Select(part => ReadGroup(node, part.Name, part.Node))],
            [.. node.Named("address_sets").Select(part => ReadSet(node, part.Name, part.Node))],
            [.. node.Listed("acls").Select(ReadAcl).OfType<NetworkAcl>()],
            [.. node.Named("load_balancers").Select(part => ReadBalancer(part.Name, part.Node))
                .OfType<NetworkLoadBalancer>()]);
        node.RefuseOthers();
        return document;
    }

    private NetworkSwitch? ReadSwitch(string name, YamlNode yaml)
    {
        if (NetworkNode.Of($"switch {name}", yaml, _errors) is not { } node) return null;
        IpPrefix? subnet = null;
        if (node.Text("subnet") is { } text)
        {
            if (IpPrefix.TryParse(text, out var prefix) && prefix.Network == prefix)
                subnet = prefix;
            else node.Wrong("subnet", text, "a network such as 10.0.1.0/24");
        }

        var ports = node.Named("ports").Select(part => ReadPort(part.Name, part.Node))
            .OfType<NetworkPort>().ToImmutableArray();
        var config = ReadMap(node, "other_config");
        node.RefuseOthers();
        return new NetworkSwitch(name, subnet, ports, node.Place) { OtherConfig = config };
    }

    private NetworkPort? ReadPort(string name, YamlNode yaml)
    {
        if (NetworkNode.Of($"port {name}", yaml, _errors) is not { } node) return null;
        var ips = ReadIps(node, "ip", mustHaveLength: false);
        var port = new NetworkPort(
            name, node.OneOf("type", "", PortTypes), node.Mac("mac"), ips,
            node.Flag("unknown", false), node.Flag("port_security", false),
            node.Number("host", 1, 10_000), ReadMap(node, "options"), node.Place)
        {
            HasMac = node.Find("mac") is not null,
        };
        node.RefuseOthers();
        return port;
    }

    private NetworkRouter? ReadRouter(string name, YamlNode yaml)
    {
        if (NetworkNode.Of($"router {name}", yaml, _errors) is not { } node) return null;
        var router = new NetworkRouter(
            name,
            [.. node.Named("ports").Select(part => ReadRouterPort(part.Name, part.Node))
                .OfType<NetworkRouterPort>()],
            [.. node.Listed("routes").Select(ReadRoute).OfType<NetworkRoute>()],
            [.. node.Listed("nat").Select(ReadNat).OfType<NetworkNat>()],
            ReadMap(node, "options"), node.Place);
        node.RefuseOthers();
        return router;
    }

    private NetworkRouterPort? ReadRouterPort(string name, YamlNode yaml)
    {
        if (NetworkNode.Of($"router port {name}", yaml, _errors) is not { } node) return null;
        var networks = ReadIps(node, "networks", mustHaveLength: true);
        var mac = node.Mac("mac");
        if (mac is null && node.Find("mac") is null)
            _errors.Add(node.Place, $"{node.What} has no mac", "add \"mac: 02:00:00:00:00:01\"");
        if (networks.IsEmpty && node.Find("networks") is null)
        {
            _errors.Add(
                node.Place, $"{node.What} has no networks", "add \"networks: [10.0.1.1/24]\"");
        }

        var port = new NetworkRouterPort(
            name, node.Text("switch"), mac ?? default, networks, node.Place);
        node.RefuseOthers();
        return port;
    }

    private NetworkRoute? ReadRoute(YamlNode yaml)
    {
        if (NetworkNode.Of("route", yaml, _errors) is not { } node) return null;
        var prefix = ReadIp(node, "prefix", "10.9.0.0/16");
        var hop = node.Required("nexthop", "10.0.1.254");
        if (hop.Length > 0 && hop != "discard" && !IpPrefix.TryParse(hop, out _))
            node.Wrong("nexthop", hop, "an address such as 10.0.1.254, or discard");
        node.RefuseOthers();
        return prefix is { } valid ? new NetworkRoute(valid, hop, node.Place) : null;
    }

    private NetworkNat? ReadNat(YamlNode yaml)
    {
        if (NetworkNode.Of("nat", yaml, _errors) is not { } node) return null;
        var type = node.OneOf("type", "snat", "snat", "dnat", "dnat_and_snat");
        var external = ReadIp(node, "external", "192.0.2.10");
        var inner = ReadIp(node, "logical", "10.0.1.0/24");
        node.RefuseOthers();
        return external is { } e && inner is { } i ? new NetworkNat(type, e, i, node.Place) : null;
    }

    private NetworkGroup ReadGroup(NetworkNode root, string name, YamlNode yaml)
    {
        var ports = TextsOf($"group {name}", yaml);
        return new NetworkGroup(name, ports, NetworkNode.PlaceOf(yaml));
    }

    private NetworkAddressSet ReadSet(NetworkNode root, string name, YamlNode yaml)
    {
        var addresses = TextsOf($"address set {name}", yaml);
        foreach (var address in addresses)
        {
            if (AddressSetMembers.TryParseMember(address, out _, out _)) continue;
            _errors.Add(
                NetworkNode.PlaceOf(yaml), $"address set {name}: \"{address}\" is no address",
                "write an IP address, a network or a MAC address");
        }

        return new NetworkAddressSet(name, addresses, NetworkNode.PlaceOf(yaml));
    }

    private ImmutableArray<string> TextsOf(string what, YamlNode yaml)
    {
        if (yaml is not YamlSequenceNode sequence)
        {
            _errors.Add(NetworkNode.PlaceOf(yaml), $"{what} is not a list", "write it as [a, b]");
            return [];
        }

        return [.. sequence.Children.OfType<YamlScalarNode>().Select(child => child.Value ?? "")];
    }

    private NetworkAcl? ReadAcl(YamlNode yaml)
    {
        if (NetworkNode.Of("acl", yaml, _errors) is not { } node) return null;
        var group = node.Text("group");
        var onSwitch = node.Text("switch");
        if ((group is null) == (onSwitch is null))
        {
            _errors.Add(
                node.Place, "an acl belongs to one group or one switch",
                "add \"group: name\" or \"switch: name\"");
        }

        var acl = new NetworkAcl(
            node.Text("name") ?? "", group ?? onSwitch ?? "", group is null,
            node.OneOf("direction", "to-lport", "to-lport", "from-lport"),
            node.Number("priority", 0, 32767) ?? 0, node.Required("match", "\"ip4\""),
            node.OneOf(
                "action", "allow-related", "allow", "allow-related", "allow-stateless", "drop",
                "reject", "pass"),
            node.Number("tier", 0, 3) ?? 0, node.Flag("log", false), node.Place);
        CheckMatch(node, acl.Match);
        node.RefuseOthers();
        return acl;
    }

    private static void CheckMatch(NetworkNode node, string match)
    {
        if (match.Length == 0) return;
        try
        {
            ExpressionParser.Parse(match);
        }
        catch (ExpressionException e)
        {
            node.Wrong("match", match, $"an OVN expression: {e.Message}");
        }
    }

    private NetworkLoadBalancer? ReadBalancer(string name, YamlNode yaml)
    {
        if (NetworkNode.Of($"load balancer {name}", yaml, _errors) is not { } node) return null;
        var balancer = new NetworkLoadBalancer(
            name, node.OneOf("protocol", "tcp", "tcp", "udp", "sctp"), ReadMap(node, "vips"),
            [.. node.Texts("switches").Select(part => part.Text)], node.Place);
        node.RefuseOthers();
        return balancer;
    }

    private static ImmutableSortedDictionary<string, string> ReadMap(NetworkNode node, string key)
    {
        var map = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, child) in node.Named(key))
            map[name] = (child as YamlScalarNode)?.Value ?? "";
        return map.ToImmutable();
    }

    private ImmutableArray<IpPrefix> ReadIps(NetworkNode node, string key, bool mustHaveLength)
    {
        var ips = ImmutableArray.CreateBuilder<IpPrefix>();
        foreach (var (text, place) in node.Texts(key))
        {
            if (IpPrefix.TryParse(text, out var ip) && text.Contains('/') == mustHaveLength)
            {
                ips.Add(ip);
                continue;
            }

            var wanted =
                mustHaveLength ? "an address with length, 10.0.1.1/24" : "an address, 10.0.1.5";
            _errors.Add(place, $"{key} of {node.What}: \"{text}\" is not valid", $"write {wanted}");
        }

        return ips.ToImmutable();
    }

    private static IpPrefix? ReadIp(NetworkNode node, string key, string example)
    {
        var text = node.Required(key, example);
        if (text.Length == 0) return null;
        if (IpPrefix.TryParse(text, out var ip)) return ip;
        node.Wrong(key, text, $"an address such as {example}");
        return null;
    }
}
