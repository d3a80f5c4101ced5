using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>A workload's port of a random network.</summary>
internal sealed record RandomPort(
    string Name, string Switch, int Subnet, MacBytes Mac, IpPrefix Ipv4, IpPrefix Ipv6,
    string Host);

/// <summary>
/// A network made from a seed: the same rows for the real northd and for the compiler here.
/// </summary>
/// <remarks>
/// Left out is what ovn-trace decides by chance or does not model: ACLs of equal priority, port
/// security, learnt addresses.
/// </remarks>
internal sealed partial class RandomNetwork
{
    private readonly Random _random;
    private readonly List<Operation> _operations = [];
    private readonly List<RandomPort> _ports = [];
    private readonly List<(string Name, Guid Row, List<Guid> Ports, List<Guid> Acls,
        List<Guid> Balancers)> _switches = [];
    private readonly List<string> _groups = [];
    private readonly List<string> _sets = [];
    private readonly HashSet<int> _priorities = [];

    public RandomNetwork(int seed)
    {
        _random = new Random(seed);
        Seed = seed;
        var count = _random.Next(1, 4);
        for (var subnet = 1; subnet <= count; subnet++) AddSwitch(subnet);
        Targets.Add((V4(98, 7), 0));
        if (_random.Next(4) > 0) AddRouters();
        AddSets();
        AddBalancers();
        AddAcls();
        foreach (var (name, row, ports, acls, balancers) in _switches)
        {
            Insert("Logical_Switch", row, [
                new("name", name), new("ports", Datum.References(ports)),
                new("acls", Datum.References(acls)),
                new("load_balancer", Datum.References(balancers)),
            ]);
        }
    }

    public int Seed { get; }
    public ImmutableArray<Operation> Operations => [.. _operations];
    public IReadOnlyList<RandomPort> Ports => _ports;

    /// <summary>
    /// A balancer on a router with a gateway port acts at the gateway only, which ovn-trace takes
    /// to be where the packet is.
    /// </summary>
    public bool IsOnOneHost { get; private set; }

    /// <summary>Addresses that packets may be sent to, with the port 0 for any.</summary>
    public List<(IpPrefix Address, ushort Port)> Targets { get; } = [];

    /// <summary>Virtual addresses.</summary>
    public HashSet<IpPrefix> Vips { get; } = [];

    /// <summary>"IP:port" of all balancers' endpoints.</summary>
    public List<string> Backends { get; } = [];

    /// <summary>MAC of the router on a subnet.</summary>
    public Dictionary<int, MacBytes> RouterMacs { get; } = [];

    /// <summary>Its rows, for whoever looks into a difference.</summary>
    public override string ToString() => string.Join('\n', _operations.Cast<Operation.Insert>()
        .Select(row => $"{row.Table} {string.Join(' ', row.Row)}")
        .Concat(_ports.Select(port => $"{port.Name} is on {port.Host}")));

    private static IpPrefix V4(int subnet, int host) =>
        IpPrefix.V4(0x0a00_0000u | ((uint)subnet << 8) | (uint)host);

    private static IpPrefix V6(int subnet, int host) => new(
        true, ((UInt128)0xfd00 << 112) | ((UInt128)(uint)subnet << 64) | (uint)host, 128);

    private static MacBytes Mac(int subnet, int host) =>
        MacBytes.FromUInt64(0x02_0000_0000_00ul | ((ulong)subnet << 8) | (uint)host);

    private Guid NewGuid()
    {
        var bytes = new byte[16];
        _random.NextBytes(bytes);
        bytes[7] = (byte)((bytes[7] & 0x0f) | 0x40); // A version that ovsdb-server accepts.
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes);
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T One<T>(IReadOnlyList<T> of) => of[_random.Next(of.Count)];

    private Guid Insert(string table, params ImmutableArray<ColumnValue> values) =>
        Insert(table, NewGuid(), values);

    private Guid Insert(string table, Guid row, ImmutableArray<ColumnValue> values)
    {
        _operations.Add(new Operation.Insert(table, values, row));
        return row;
    }

    private static Datum Map(params (string Key, string Value)[] pairs) => Datum.Map(
        pairs.Select(pair => KeyValuePair.Create(pair.Key, pair.Value)));

    private void AddSwitch(int subnet)
    {
        var name = $"s{subnet}";
        var ports = new List<Guid>();
        var count = _random.Next(1, 5);
        for (var i = 0; i < count; i++)
        {
            var host = 10 + i;
            var port = new RandomPort(
                $"{name}-p{i}", name, subnet, Mac(subnet, host), V4(subnet, host), V6(subnet, host),
                $"host{_random.Next(1, 4)}");
            var isUnknown = Chance(10);
            string[] addresses = isUnknown
                ? ["unknown"]
                : [$"{port.Mac} {port.Ipv4} {port.Ipv6}"];
            ports.Add(Insert("Logical_Switch_Port", [
                new("name", port.Name), new("addresses", Datum.Strings(addresses)),
                new("enabled", !Chance(5)),
            ]));
            _ports.Add(port);
            Targets.Add((port.Ipv4, 0));
            Targets.Add((port.Ipv6, 0));
        }

        _switches.Add((name, NewGuid(), ports, [], []));
    }

    private Guid Plug(int subnet, string router, string options = "")
    {
        var owner = _switches[subnet - 1];
        var row = Insert("Logical_Switch_Port", [
            new("name", $"{owner.Name}-{router}"), new("type", "router"),
            new("addresses", "router"),
            new("options", Map(("router-port", $"{router}-{owner.Name}"))),
        ]);
        owner.Ports.Add(row);
        return row;
    }

    private Guid RouterPort(string router, int subnet, int host, params ColumnValue[] more)
    {
        Plug(subnet, router);
        RouterMacs.TryAdd(subnet, Mac(subnet, host));
        Targets.Add((V4(subnet, host), 0));
        Targets.Add((V6(subnet, host), 0));
        return Insert("Logical_Router_Port", [
            new("name", $"{router}-s{subnet}"), new("mac", Mac(subnet, host).ToString()),
            new("networks", Datum.Strings([$"{V4(subnet, host)}/24", $"{V6(subnet, host)}/64"])),
            .. more,
        ]);
    }

    private void AddSets()
    {
        for (var i = 0; i < 2; i++)
        {
            var members = _ports.Where(_ => Chance(50)).Select(port => $"{port.Ipv4}")
                .Append(Chance(50) ? "10.0.2.0/24" : "10.0.9.9");
            Insert("Address_Set", [
                new("name", $"as{i}"), new("addresses", Datum.Strings(members.Distinct())),
            ]);
            _sets.Add($"as{i}");
        }
    }

    private void AddBalancers()
    {
        foreach (var (name, _, _, _, balancers) in _switches)
        {
            if (Chance(65)) continue;
            var vip = V4(200, _random.Next(1, 4));
            balancers.Add(Balancer($"lb-{name}", vip));
        }
    }

    private Guid Balancer(string name, IpPrefix vip)
    {
        var port = (ushort)(80 + _random.Next(2));
        var isEmpty = Chance(15);
        var backends = _ports.Where(_ => Chance(40)).Take(3)
            .Select(backend => $"{backend.Ipv4}:8080").ToList();
        Targets.Add((vip, port));
        Targets.Add((vip, 0));
        Vips.Add(vip);
        Backends.AddRange(backends);
        return Insert("Load_Balancer", [
            new("name", name), new("protocol", Chance(70) ? "tcp" : "udp"),
            new("vips", Map(($"{vip}:{port}", isEmpty ? "" : string.Join(',', backends)))),
            new("options", Chance(40) ? Map(("reject", "true")) : Datum.EmptyMap),
        ]);
    }
}
