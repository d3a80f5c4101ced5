using System.Buffers.Binary;
using System.Net;
using Fabric.Logical;

namespace Fabric.HostNode.Demo;

/// <summary>The demo's logical network, and what it allows and denies.</summary>
/// <remarks>
/// Workloads are named after their tier and a number. What may pass is written down here, apart
/// from the ACLs in the YAML file, so that the checks do not repeat a mistake of the rules.
/// </remarks>
internal sealed class DemoNetwork
{
    /// <summary>(from, to, TCP port); pings pass both ways between the same tiers.</summary>
    private static readonly (string From, string To, int Port)[] Rules =
        [("web", "app", 8080), ("app", "db", 5432)];

    private const int PortDenied = 8080;

    private readonly NetworkDocument _document;

    private DemoNetwork(NetworkDocument document, IReadOnlyList<DemoWorkload> workloads)
    {
        _document = document;
        Workloads = workloads;
    }

    public IReadOnlyList<DemoWorkload> Workloads { get; }
    public IReadOnlyList<DemoPair> Allowed { get; private set; } = [];
    public IReadOnlyList<DemoPair> AllowedPings { get; private set; } = [];
    public IReadOnlyList<DemoPair> Denied { get; private set; } = [];

    public string Summary =>
        $"{_document.Switches.Length} switches, {_document.Routers.Length} router, "
        + $"{_document.Acls.Length} ACLs";

    /// <exception cref="DemoException">The file cannot be used.</exception>
    public static DemoNetwork Load(string path, int hosts)
    {
        try
        {
            var document = NetworkDocument.Parse(File.ReadAllText(path), path);
            var gateways = document.Routers.SelectMany(router => router.Ports)
                .Where(port => port.Switch is not null)
                .ToDictionary(port => port.Switch!, port => port.Networks[0]);
            var workloads = document.Switches.SelectMany(owner => owner.Ports.Select(port =>
                new DemoWorkload(
                    port.Name, (((port.Host ?? 1) - 1) % hosts) + 1, $"{port.Mac}",
                    AddressOf(port.Ips[0]), gateways[owner.Name].Length,
                    AddressOf(gateways[owner.Name]))));
            return new DemoNetwork(document, [.. workloads]);
        }
        catch (Exception error) when (error is NetworkDocumentException or IOException)
        {
            throw new DemoException(error.Message);
        }
    }

    /// <summary>Pairs up the workloads that now have their namespaces.</summary>
    public void Place(IReadOnlyList<DemoWorkload> workloads)
    {
        var pairs = workloads.SelectMany(from => workloads.Where(to => to != from)
            .Select(to => new DemoPair(from, to, PortOf(from, to) ?? PortDenied))).ToArray();
        Allowed = [.. pairs.Where(pair => PortOf(pair.From, pair.To) is not null)];
        AllowedPings = [.. pairs.Where(IsPingAllowed)];
        Denied = [.. pairs.Where(pair => !IsPingAllowed(pair))];
    }

    private static IPAddress AddressOf(IpPrefix prefix) =>
        new(BinaryPrimitives.ReverseEndianness((uint)prefix.Address));

    public string SwitchOf(DemoWorkload workload) =>
        _document.Switches.First(owner => owner.Ports.Any(port => port.Name == workload.Name)).Name;

    private static bool IsPingAllowed(DemoPair pair) =>
        PortOf(pair.From, pair.To) is not null || PortOf(pair.To, pair.From) is not null;

    private static int? PortOf(DemoWorkload from, DemoWorkload to) => Rules
        .Where(rule => rule.From == TierOf(from) && rule.To == TierOf(to))
        .Select(rule => (int?)rule.Port).FirstOrDefault();

    private static string TierOf(DemoWorkload workload) =>
        workload.Name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
}
