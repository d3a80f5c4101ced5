using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Runs actions that the device cannot, and leaves to it what only it can.</summary>
/// <remarks>
/// The managed executor does the work. Its ports hand packets to the device with one output;
/// connections are the device's, so from the first ct() on a list belongs to the device: it is
/// cut there, and the rest goes down as PACKET_EXECUTE. What the device cannot do after a ct()
/// comes back up by recirculating to a number of our own.
/// </remarks>
internal sealed class SlowPath : IUpcallHandler
{
    /// <summary>Recirculation ids from here on are the provider's.</summary>
    public const uint ContinuationFirst = 0xFB00_0000;

    /// <summary>Lists that go on in userspace after a ct(); a further one is dropped.</summary>
    public const int ContinuationsMax = 4096;

    private readonly ConcurrentBag<PacketContext> _idle = [];
    private readonly Lock _contextsLock = new();
    private ImmutableArray<PacketContext> _contexts = [];
    private readonly ConditionalWeakTable<UpcallUserdata, Tail> _tails = [];
    private readonly ConcurrentDictionary<uint, DatapathAction[]> _continuations = new();
    private readonly ConcurrentDictionary<EquatableTail, uint> _numbers = new();

    public SlowPath(TimeProvider clock)
    {
        Core = new DatapathCore(clock, new ConntrackTable(1)) { UpcallHandler = this };
    }

    /// <summary>Ports, megaflows and meters as the managed executor sees them.</summary>
    public DatapathCore Core { get; }

    public IUpcallHandler? Handler { get; set; }

    /// <summary>Gives a packet and a list to the device; false: it cannot do this list.</summary>
    public required KernelExecutor Kernel { get; init; }

    /// <summary>Decides a packet that recirculated here and hit nothing.</summary>
    public required Func<PacketBuffer, FlowKey, ImmutableArray<DatapathAction>?> Decide
    {
        get; init;
    }

    /// <summary>The list as the managed executor is to run it.</summary>
    public DatapathAction[] Prepare(ImmutableArray<DatapathAction> actions)
    {
        if (actions.IsDefault) return [];
        var list = new List<DatapathAction>(actions.Length);
        for (var i = 0; i < actions.Length; i++)
        {
            if (IsTheDevices(actions[i]))
            {
                var userdata = new UpcallUserdata(UpcallKind.SlowPath, 0, []);
                _tails.Add(userdata, new Tail(actions[i..]));
                list.Add(new UserspaceAction(userdata));
                break;
            }

            list.Add(actions[i] switch
            {
                CloneAction clone => new CloneAction(Nested(clone.Actions)),
                SampleAction sample => sample with { Actions = Nested(sample.Actions) },
                CheckPacketLengthAction check => check with
                {
                    IfGreater = Nested(check.IfGreater),
                    IfLessOrEqual = Nested(check.IfLessOrEqual),
                },
                var action => action,
            });
        }

        return [.. list];
    }

    /// <summary>Runs a prepared list; the packet stays the caller's, unchanged.</summary>
    public void Run(PacketBuffer packet, ref FlowKey key, DatapathAction[] actions)
    {
        var context = Enter();
        var references = packet.References;
        packet.References = Math.Max(1, references) + 1;
        try
        {
            if (FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out var reason))
            {
                context.Executor.Run(packet, ref key, layout, actions, depth: 0);
            }
            else
            {
                context.Drop(packet, reason);
            }

            context.Flush();
        }
        finally
        {
            packet.References = references;
            context.Leave();
            _idle.Add(context);
        }
    }

    /// <summary>Counts a packet that ends here.</summary>
    public void Drop(DropReason reason)
    {
        var context = Enter();
        context.Drops.Add(reason);
        context.Leave();
        _idle.Add(context);
    }

    public void AddDropsTo(Span<ulong> totals)
    {
        foreach (var context in _contexts) context.Drops.AddTo(totals);
    }

    /// <summary>The context for counting hits of upcalled packets.</summary>
    public void Count(Megaflow flow, PacketBuffer packet, ushort tcpFlags)
    {
        var context = Enter();
        flow.CountHit(context, packet.Size, context.NowMilliseconds, tcpFlags);
        context.Leave();
        _idle.Add(context);
    }

    public bool TryContinue(uint recirculationId, out DatapathAction[] actions) =>
        _continuations.TryGetValue(recirculationId, out actions!);

    UpcallVerdict IUpcallHandler.Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
    {
        mask = default;
        var actions = TryContinue(key.RecirculationId, out var rest)
            ? ImmutableCollectionsMarshal.AsImmutableArray(rest)
            : Decide(packet, key);
        return new UpcallVerdict(actions ?? [], Install: false);
    }

    void IUpcallHandler.Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
    {
        if (!_tails.TryGetValue(userdata, out var tail))
        {
            Handler?.Action(packet, key, userdata);
            return;
        }

        if (Kernel(packet, key, tail.Actions)) return;
        if (Split(tail) is not { } split || !Kernel(packet, key, split))
        {
            Drop(DropReason.ActionUnsupported);
        }
    }

    /// <summary>ct() for the device, then back to us for the rest.</summary>
    private ImmutableArray<DatapathAction>? Split(Tail tail)
    {
        if (tail.Split is { } known) return known;
        if (tail.Actions.Length < 2) return null;
        var rest = new EquatableTail(tail.Actions[1..]);
        if (!_numbers.TryGetValue(rest, out var number))
        {
            if (_continuations.Count >= ContinuationsMax) return null;
            number = _numbers.GetOrAdd(rest, _ => ContinuationFirst + (uint)_continuations.Count);
            _continuations.TryAdd(number, Prepare(rest.Actions));
        }

        tail.Split = [tail.Actions[0], new RecirculateAction(number)];
        return tail.Split;
    }

    private ImmutableArray<DatapathAction> Nested(ImmutableArray<DatapathAction> actions) =>
        ImmutableCollectionsMarshal.AsImmutableArray(Prepare(actions));

    private static bool IsTheDevices(DatapathAction action) => action is ConntrackAction;

    private PacketContext Enter()
    {
        if (!_idle.TryTake(out var context))
        {
            context = new PacketContext(Core, cacheSlots: 64);
            lock (_contextsLock) _contexts = _contexts.Add(context);
        }

        context.Enter();
        return context;
    }

    private sealed class Tail(ImmutableArray<DatapathAction> actions)
    {
        public ImmutableArray<DatapathAction> Actions { get; } = actions;
        public ImmutableArray<DatapathAction>? Split { get; set; }
    }

    /// <summary>A list compared by what is in it.</summary>
    private readonly record struct EquatableTail(ImmutableArray<DatapathAction> Actions)
    {
        public bool Equals(EquatableTail other) => Actions.SequenceEqual(other.Actions);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var action in Actions) hash.Add(action.GetType());
            return hash.ToHashCode();
        }
    }
}

/// <summary>PACKET_EXECUTE of a whole list; false when the device cannot do it.</summary>
internal delegate bool KernelExecutor(
    PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions);

/// <summary>A vport as the managed executor sees it: output means PACKET_EXECUTE.</summary>
internal sealed class DevicePort(
    DatapathPortSpec spec, uint number, string type,
    Func<PacketBuffer, TunnelMetadata?, uint, bool> send) : PacketPort(spec, number)
{
    public override string Type => type;

    public override DatapathPort Describe() => new(
        Number, Name, Spec.Kind, Type, 0, default, Spec.Mtu ?? 1500, true, true, 0);

    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        var sent = 0;
        foreach (var entry in entries)
        {
            if (send(entry.Packet, entry.Tunnel, Number)) sent++;
            else drops.Add(DropReason.ActionUnsupported);
        }

        return sent;
    }

    public override void Dispose()
    {
    }
}
