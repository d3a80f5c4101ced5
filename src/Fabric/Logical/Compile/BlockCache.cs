using System.Collections;
using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>
/// Blocks of flows with what they were made from; unchanged inputs mean unchanged flows.
/// </summary>
/// <remarks>
/// Each block belongs to a datapath, or to none (the zero UUID). A datapath that is compiled again
/// loses the blocks that the compilation did not come across; of those of single ports only those
/// of ports that were compiled again.
/// </remarks>
internal sealed class BlockCache
{
    private readonly Dictionary<FlowBlockKey, Entry> _blocks = [];
    private readonly Dictionary<Guid, Owner> _owners = [];
    private readonly SortedSet<FlowBlockKey> _complaining = [];
    private int _pass;
    private Owner? _owner;

    public BlockNumbers Conjunctions { get; } = new();

    public BlockNumbers Groups { get; } = new();

    public BlockNumbers Meters { get; } = new();

    /// <summary>Blocks compiled in the current pass, for tests and figures.</summary>
    public int CompiledCount { get; private set; }

    public int Count => _blocks.Count;

    private sealed class Entry
    {
        public required object?[] Inputs { get; set; }
        public required FlowBlock Flows { get; set; }
        public ImmutableArray<NetworkCondition> Conditions { get; set; } = [];
        public int Pass { get; set; }
        public required Owner Owner { get; init; }
    }

    private sealed class Owner
    {
        public HashSet<FlowBlockKey> Frame { get; } = [];
        public Dictionary<Guid, List<FlowBlockKey>> Ports { get; } = [];
    }

    /// <summary>Kinds that are made port by port.</summary>
    private static bool IsOfPort(string kind) =>
        kind is "switch-port" or "dhcp" or "dhcp6" or "port" or "neighbor" or "router-neighbor";

    public void Begin()
    {
        _pass++;
        CompiledCount = 0;
    }

    /// <summary>What follows belongs to the datapath.</summary>
    public void Enter(Guid datapath)
    {
        if (!_owners.TryGetValue(datapath, out _owner)) _owners[datapath] = _owner = new Owner();
    }

    /// <summary>Takes away what the pass did not come across.</summary>
    /// <param name="ports">Ports that it looked at; null: all.</param>
    public void Leave(DesiredFlows flows, IReadOnlySet<Guid>? ports)
    {
        var owner = _owner!;
        SweepFrame(owner, flows);
        if (ports is null)
        {
            foreach (var port in owner.Ports.Keys.ToList()) SweepPort(owner, port, flows);
        }
        else
        {
            foreach (var port in ports) SweepPort(owner, port, flows);
        }

        _owner = null;
    }

    /// <summary>The datapath is not compiled here any more.</summary>
    public void Drop(Guid datapath, DesiredFlows flows)
    {
        if (!_owners.Remove(datapath, out var owner)) return;
        foreach (var key in owner.Frame) Remove(key, flows);
        foreach (var key in owner.Ports.Values.SelectMany(keys => keys)) Remove(key, flows);
    }

    private void SweepFrame(Owner owner, DesiredFlows flows)
    {
        List<FlowBlockKey>? gone = null;
        foreach (var key in owner.Frame)
        {
            if (_blocks[key].Pass != _pass) (gone ??= []).Add(key);
        }

        foreach (var key in gone ?? [])
        {
            owner.Frame.Remove(key);
            Remove(key, flows);
        }
    }

    private void SweepPort(Owner owner, Guid port, DesiredFlows flows)
    {
        if (!owner.Ports.TryGetValue(port, out var keys)) return;
        foreach (var key in keys.Where(key => _blocks[key].Pass != _pass).ToList())
        {
            keys.Remove(key);
            Remove(key, flows);
        }

        if (keys.Count == 0) owner.Ports.Remove(port);
    }

    private void Remove(FlowBlockKey key, DesiredFlows flows)
    {
        flows.Replace(key, _blocks[key].Flows, FlowBlock.Empty);
        _blocks.Remove(key);
        _complaining.Remove(key);
        Conjunctions.Release(key);
        Groups.Release(key);
        Meters.Release(key);
    }

    /// <summary>Conditions of all blocks that live.</summary>
    public IEnumerable<NetworkCondition> Conditions() =>
        _complaining.SelectMany(key => _blocks[key].Conditions);

    public void Visit(
        FlowBlockKey key, object?[] inputs, DesiredFlows flows,
        Action<FlowBlockBuilder, Action<NetworkCondition>> compile)
    {
        if (_blocks.TryGetValue(key, out var entry) && ReferenceEquals(entry.Owner, _owner)
            && SameInputs(entry.Inputs, inputs))
        {
            entry.Pass = _pass;
            return;
        }

        CompiledCount++;
        var builder = new FlowBlockBuilder(key, Conjunctions, Groups, Meters);
        var conditions = ImmutableArray.CreateBuilder<NetworkCondition>();
        compile(builder, conditions.Add);
        var made = builder.Build();
        flows.Replace(key, entry?.Flows ?? FlowBlock.Empty, made);
        if (conditions.Count > 0) _complaining.Add(key);
        else _complaining.Remove(key);
        if (!ReferenceEquals(entry?.Owner, _owner))
        {
            if (entry is not null) Unlist(entry.Owner, key); // A port was moved to another router.
            List(key);
        }

        _blocks[key] = new Entry
        {
            Inputs = inputs,
            Flows = made,
            Conditions = conditions.ToImmutable(),
            Pass = _pass,
            Owner = _owner!,
        };
    }

    private static void Unlist(Owner owner, FlowBlockKey key)
    {
        owner.Frame.Remove(key);
        if (owner.Ports.TryGetValue(key.Row, out var keys)) keys.Remove(key);
    }

    private void List(FlowBlockKey key)
    {
        if (!IsOfPort(key.Kind))
        {
            _owner!.Frame.Add(key);
            return;
        }

        if (!_owner!.Ports.TryGetValue(key.Row, out var keys)) _owner.Ports[key.Row] = keys = [];
        keys.Add(key);
    }

    private static bool SameInputs(object?[] before, object?[] now)
    {
        if (before.Length != now.Length) return false;
        for (var i = 0; i < now.Length; i++)
        {
            if (!Same(before[i], now[i])) return false;
        }

        return true;
    }

    private static bool Same(object? before, object? now)
    {
        if (ReferenceEquals(before, now)) return true;
        if (before is null || now is null) return false;
        if (before.Equals(now)) return true;
        return before is IList left && now is IList right && left.Count == right.Count
            && left.Cast<object?>().SequenceEqual(right.Cast<object?>());
    }
}
