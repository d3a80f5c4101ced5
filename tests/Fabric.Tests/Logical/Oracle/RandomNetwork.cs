using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>A workload's port of a random network.</summary>
internal sealed record RandomPort(
    string Name, string Switch, int Subnet, MacBytes Mac, IpPrefix Ipv4, IpPrefix Ipv6,
    string Host);

/// <summary>A switch while its network is being made.</summary>
internal sealed record RandomSwitch(string Name, Guid Row)
{
    public List<Guid> Ports { get; } = [];
    public List<Guid> Acls { get; } = [];
    public List<Guid> Balancers { get; } = [];
    public List<Guid> BalancerGroups { get; } = [];
    public List<Guid> Qos { get; } = [];

    public ImmutableArray<ColumnValue> Values() =>
    [
        new("name", Name), new("ports", Datum.References(Ports)),
        new("acls", Datum.References(Acls)), new("qos_rules", Datum.References(Qos)),
        new("load_balancer", Datum.References(Balancers)),
        new("load_balancer_group", Datum.References(BalancerGroups)),
    ];
}

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
    private readonly List<RandomSwitch> _switches = [];
    private readonly List<string> _groups = [];
    private readonly List<string> _sets = [];
    private readonly List<Guid> _setRows = [];
    private readonly HashSet<int> _priorities = [];

    public RandomNetwork(int seed)
    {
        _random = new Random(seed);
        Seed = seed;
        var count = _random.Next(1, 4);
        for (var subnet = 1; subnet <= count; subnet++) AddSwitch(subnet);
        Targets.Add((V4(98, 7), 0));
        AddSets();
        if (_random.Next(4) > 0) AddRouters();
        AddBalancers();
        AddAcls();
        AddQos();
        foreach (var owner in _switches) Insert("Logical_Switch", owner.Row, owner.Values());
    }

    public int Seed { get; }
    public ImmutableArray<Operation> Operations => [.. _operations];
    public IReadOnlyList<RandomPort> Ports => _ports;

    /// <summary>
    /// A balancer on a router with a gateway port acts at the gateway only, which ovn-trace takes
    /// to be where the packet is.
    /// </summary>
    public bool IsOnOneHost { get; private set; }

    /// <summary>The port to a physical network, where there is one.</summary>
    public const string Localnet = "ln";

    public bool HasLocalnet { get; private set; }

    /// <summary>Numbers of equal next hops that ovn-trace may be told to choose.</summary>
    public List<int?> EqualCostIds { get; } = [null];

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
                new("dhcpv4_options", Datum.References(Chance(10) ? [Dhcp(subnet)] : [])),
            ]));
            _ports.Add(port);
            Targets.Add((port.Ipv4, 0));
            Targets.Add((port.Ipv6, 0));
        }

        var owner = new RandomSwitch(name, NewGuid());
        owner.Ports.AddRange(ports);
        _switches.Add(owner);
    }

    private Guid Dhcp(int subnet) => Insert("DHCP_Options", [
        new("cidr", $"{V4(subnet, 0)}/24"),
        new("options", Map(
            ("server_id", $"{V4(subnet, 250)}"), ("server_mac", "02:00:00:00:fa:fa"),
            ("lease_time", "3600"))),
    ]);

    private Guid Plug(RandomSwitch owner, string router)
    {
        var row = Insert("Logical_Switch_Port", [
            new("name", $"{owner.Name}-{router}"), new("type", "router"),
            new("addresses", "router"),
            new("options", Map(("router-port", $"{router}-{owner.Name}"))),
        ]);
        owner.Ports.Add(row);
        return row;
    }

    private Guid RouterPort(
        string router, int subnet, int host, params ColumnValue[] more) =>
        RouterPort(router, subnet, subnet, host, more);

    /// <param name="number">Of the switch, from 1.</param>
    private Guid RouterPort(
        string router, int number, int subnet, int host, params ColumnValue[] more)
    {
        var owner = _switches[number - 1];
        Plug(owner, router);
        RouterMacs.TryAdd(subnet, Mac(subnet, host));
        Targets.Add((V4(subnet, host), 0));
        Targets.Add((V6(subnet, host), 0));
        return Insert("Logical_Router_Port", [
            new("name", $"{router}-{owner.Name}"), new("mac", Mac(subnet, host).ToString()),
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
            _setRows.Add(Insert("Address_Set", [
                new("name", $"as{i}"), new("addresses", Datum.Strings(members.Distinct())),
            ]));
            _sets.Add($"as{i}");
        }

        var members6 = _ports.Where(_ => Chance(50)).Select(port => $"{port.Ipv6}")
            .Append("fd00:0:0:2::/64");
        Insert("Address_Set", [
            new("name", "six"), new("addresses", Datum.Strings(members6.Distinct())),
        ]);
    }
}
