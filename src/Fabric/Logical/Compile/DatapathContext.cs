using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>Names in expressions as one datapath of this host understands them.</summary>
internal sealed class DatapathContext : IExpressionContext
{
    private readonly LogicalTopology _topology;
    private readonly Dictionary<string, uint> _ports;

    // Many ACLs name the same few groups and sets: each is worked out once, until it changes.
    private readonly Dictionary<string, ImmutableArray<uint>?> _groups =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, ImmutableArray<uint>?> _groupsHere =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, AddressSetMembers?> _sets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, string>> _texts =
        new(StringComparer.Ordinal);

    /// <param name="ports">Keys of the datapath's ports by name; followed as they change.</param>
    public DatapathContext(
        LogicalTopology topology, HostView host, Dictionary<string, uint> ports)
    {
        _topology = topology;
        Host = host;
        _ports = ports;
    }

    /// <summary>This host as it is now.</summary>
    public HostView Host { get; set; }

    /// <summary>The sets and groups of these names are others now, or have other members.</summary>
    public void Forget(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            _groups.Remove(name);
            _groupsHere.Remove(name);
            _sets.Remove(name);
            _texts.Remove(name);
        }
    }

    public uint? PortKey(string port) => _ports.TryGetValue(port, out var key) ? key : null;

    /// <remarks>
    /// Besides rows of Address_Set there are two sets for each port group, GROUP_ip4 and
    /// GROUP_ip6, with the addresses of its members.
    /// </remarks>
    public AddressSetMembers? AddressSet(string name)
    {
        if (!_sets.TryGetValue(name, out var members))
            _sets[name] = members = FindAddressSet(name);
        return members;
    }

    private AddressSetMembers? FindAddressSet(string name)
    {
        if (_topology.AddressSetNamed(name) is { } set) return set.Members;
        if (!name.EndsWith("_ip4", StringComparison.Ordinal)
            && !name.EndsWith("_ip6", StringComparison.Ordinal))
        {
            return null;
        }

        if (_topology.PortGroupNamed(name[..^4]) is not { } group) return null;
        var texts = group.Ports
            .Select(uuid => _topology.Rows.SwitchPorts.GetValueOrDefault(uuid))
            .OfType<LogicalSwitchPort>()
            .SelectMany(port => port.Addresses)
            .SelectMany(addresses => addresses.Ips)
            .Where(ip => ip.IsIpv6 == name.EndsWith('6'))
            .Select(ip => ip.Host.ToString());
        return AddressSetMembers.Parse(texts);
    }

    /// <summary>Keys of ports that packets enter or leave by on this host; null: all.</summary>
    public HashSet<uint>? KeysHere { get; init; }

    /// <summary>
    /// The field that only holds keys of <see cref="KeysHere"/>: the input port of rules that the
    /// sender's host evaluates, the output port of the receiver's.
    /// </summary>
    public string? FieldHere { get; set; }

    public ImmutableArray<uint>? PortGroup(string name, string field)
    {
        if (KeysHere is not { } here || field != FieldHere) return PortGroup(name);
        if (_groupsHere.TryGetValue(name, out var known)) return known;
        var all = PortGroup(name);
        return _groupsHere[name] = all is { } keys ? [.. keys.Where(here.Contains)] : null;
    }

    public ImmutableArray<uint>? PortGroup(string name)
    {
        if (!_groups.TryGetValue(name, out var keys)) _groups[name] = keys = FindPortGroup(name);
        return keys;
    }

    private ImmutableArray<uint>? FindPortGroup(string name)
    {
        if (_topology.PortGroupNamed(name) is not { } group) return null;
        var keys = ImmutableArray.CreateBuilder<uint>();
        foreach (var uuid in group.Ports)
        {
            if (_topology.Rows.SwitchPorts.TryGetValue(uuid, out var port)
                && _ports.TryGetValue(port.Name, out var key))
            {
                keys.Add(key);
            }
        }

        keys.Sort();
        return keys.ToImmutable();
    }

    public bool IsResident(string port) => Host.IsResident(port);

    /// <summary>What the expression's names mean now: equal lists mean equal flows.</summary>
    public List<object?> MeaningOf(Expression expression)
    {
        var meaning = new List<object?>();
        foreach (var name in expression.AddressSets())
        {
            var members = AddressSet(name);
            meaning.Add(_topology.AddressSetNamed(name) is null && members is not null
                ? TextOf(name, "$", () => string.Join(' ', members.Ipv4.Concat(members.Ipv6)))
                : members);
        }

        foreach (var (field, name) in expression.PortGroupUses())
        {
            meaning.Add(PortGroup(name, field) is { } keys
                ? TextOf(name, $"@{field} {FieldHere}", () => string.Join(' ', keys))
                : null);
        }

        foreach (var name in expression.Ports()) meaning.Add(PortKey(name));
        foreach (var name in expression.Residents()) meaning.Add(IsResident(name));
        return meaning;
    }

    private string TextOf(string name, string variant, Func<string> make)
    {
        if (!_texts.TryGetValue(name, out var texts)) _texts[name] = texts = [];
        if (!texts.TryGetValue(variant, out var text)) texts[variant] = text = make();
        return text;
    }
}
