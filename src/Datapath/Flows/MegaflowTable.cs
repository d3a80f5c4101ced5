using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The megaflows of a datapath: tuple-space search per ingress port.</summary>
/// <remarks>
/// Look-ups take no lock and wait for nobody. Writers take one lock. Flows of one ingress port are
/// apart from those of others, so that masks that one port provokes slow down no other port.
/// A flow whose mask does not name the whole ingress port is searched for after the port's own.
/// </remarks>
public sealed class MegaflowTable : IDatapathFlows
{
    private readonly Lock _writer = new();
    private PortClassifier?[] _byPort = new PortClassifier?[16];
    private readonly PortClassifier _anyPort = new();
    private readonly Dictionary<(uint Port, FlowKey Mask), Subtable> _subtables = [];
    private int _count;

    public int FlowsMax { get; set; } = DatapathLimits.FlowsMax;
    public int MasksMax { get; set; } = DatapathLimits.MasksPerPortMax;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Distinct masks, counted per ingress port.</summary>
    public int MaskCount
    {
        get
        {
            lock (_writer) return _subtables.Count;
        }
    }

    internal Megaflow? Find(ref FlowKey key, ref ulong subtablesVisited)
    {
        var byPort = Volatile.Read(ref _byPort);
        var port = key.InPort;
        if (port < (uint)byPort.Length && byPort[port] is { } own)
        {
            var flow = own.Find(ref key, ref subtablesVisited);
            if (flow is not null) return flow;
        }

        return _anyPort.Find(ref key, ref subtablesVisited);
    }

    /// <summary>Statistics and actions of the flow that a packet with this key would hit.</summary>
    public bool TryFind(
        FlowKey key, out ImmutableArray<DatapathAction> actions, out FlowStatistics statistics)
    {
        ulong visited = 0;
        var flow = Find(ref key, ref visited);
        actions = flow?.ActionsImmutable ?? default;
        statistics = flow?.Statistics() ?? default;
        return flow is not null;
    }

    public FlowPutResult Put(
        in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions)
    {
        Put(key, mask, actions, out var result);
        return result;
    }

    internal Megaflow? Put(
        in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
        out FlowPutResult result)
    {
        var list = actions.IsDefault ? [] : ImmutableCollectionsMarshal.AsArray(actions)!;
        lock (_writer)
        {
            var wanted = key;
            if (_subtables.TryGetValue((PortOf(key, mask), mask), out var subtable)
                && subtable.Find(ref wanted) is { } old)
            {
                old.Actions = list;
                result = FlowPutResult.Replaced;
                return old;
            }

            var classifier = ClassifierOf(PortOf(key, mask));
            if (!HasRoom(classifier) || !TryTakeSubtable(classifier, key, mask, ref subtable))
            {
                result = FlowPutResult.Full;
                return null;
            }

            var flow = subtable!.Add(ref wanted, list);
            flow.Remember(in key);
            classifier.FlowCount++;
            Volatile.Write(ref _count, _count + 1);
            result = FlowPutResult.Added;
            return flow;
        }
    }

    public bool Delete(in FlowKey key, in FlowKey mask, out FlowStatistics last)
    {
        lock (_writer)
        {
            var wanted = key;
            last = default;
            var port = PortOf(key, mask);
            if (!_subtables.TryGetValue((port, mask), out var subtable)) return false;
            if (subtable.Find(ref wanted) is not { } flow) return false;

            subtable.Remove(flow);
            ClassifierOf(port).FlowCount--;
            Volatile.Write(ref _count, _count - 1);
            last = flow.Statistics();
            if (subtable.Count == 0) DropSubtable(port, mask, subtable);
            return true;
        }
    }

    public void Dump(FlowVisitor visit) => Dump(visit, isWhole: false);

    public void DumpWhole(FlowVisitor visit) => Dump(visit, isWhole: true);

    private void Dump(FlowVisitor visit, bool isWhole)
    {
        Subtable[] subtables;
        lock (_writer) subtables = [.. _subtables.Values];

        foreach (var subtable in subtables)
        {
            FlowKey mask = default;
            subtable.ReadMask(ref mask);
            subtable.Visit(flow =>
            {
                FlowKey key = default;
                if (isWhole) flow.ReadFirst(ref key);
                else flow.ReadKey(ref key);
                visit(key, mask, flow.ActionsImmutable, flow.Statistics());
            });
        }
    }

    public int Flush()
    {
        lock (_writer)
        {
            var count = _count;
            foreach (var subtable in _subtables.Values)
            {
                subtable.Visit(flow => flow.IsDead = true);
            }

            _subtables.Clear();
            Volatile.Write(ref _byPort, new PortClassifier?[16]);
            _anyPort.Subtables = [];
            _anyPort.FlowCount = 0;
            Volatile.Write(ref _count, 0);
            return count;
        }
    }

    /// <summary>Puts the subtables of all ports in the order of their use.</summary>
    public void Rank()
    {
        lock (_writer)
        {
            foreach (var classifier in _byPort) classifier?.Rank();
            _anyPort.Rank();
        }
    }

    /// <summary>A port may have so many flows for each free place, however many ports do.</summary>
    private bool HasRoom(PortClassifier classifier) => _count < FlowsMax
        && (ReferenceEquals(classifier, _anyPort) || classifier.FlowCount
            < (long)DatapathLimits.FlowsPerFreePlace * (FlowsMax - _count));

    private bool TryTakeSubtable(
        PortClassifier classifier, in FlowKey key, in FlowKey mask, ref Subtable? subtable)
    {
        if (subtable is not null) return true;
        var port = PortOf(key, mask);
        if (classifier.Subtables.Length >= MasksMax) return false;

        var own = mask;
        subtable = new Subtable(ref own);
        _subtables.Add((port, mask), subtable);
        classifier.Subtables = [.. classifier.Subtables, subtable];
        return true;
    }

    private void DropSubtable(uint port, in FlowKey mask, Subtable subtable)
    {
        _subtables.Remove((port, mask));
        var classifier = ClassifierOf(port);
        classifier.Subtables = Array.FindAll(
            classifier.Subtables, other => !ReferenceEquals(other, subtable));
    }

    private PortClassifier ClassifierOf(uint port)
    {
        if (port == uint.MaxValue) return _anyPort;
        if (port >= _byPort.Length)
        {
            var grown = new PortClassifier?[Math.Max(port + 1, _byPort.Length * 2)];
            _byPort.CopyTo(grown, 0);
            Volatile.Write(ref _byPort, grown);
        }

        var classifier = _byPort[port];
        if (classifier is not null) return classifier;
        classifier = new PortClassifier();
        Volatile.Write(ref _byPort[port], classifier);
        return classifier;
    }

    /// <summary>
    /// The ingress port, or MaxValue when the mask does not pin it to a real port.
    /// </summary>
    private static uint PortOf(in FlowKey key, in FlowKey mask) =>
        mask.InPortWire == uint.MaxValue && key.InPort <= DatapathLimits.PortNumberMax
            ? key.InPort
            : uint.MaxValue;
}
