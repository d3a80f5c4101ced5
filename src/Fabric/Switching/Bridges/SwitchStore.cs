using System.Collections.Concurrent;
using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>Makes the datapath that a bridge's datapath_type names.</summary>
/// <param name="type">"system" (also for ""), "netdev" or "dummy".</param>
/// <param name="error">Why not, as Interface.error shall show it.</param>
public delegate bool DatapathOpener(string type, out IDatapathProvider provider, out string error);

/// <summary>What bridges and datapaths are made of that must outlive their actors.</summary>
/// <remarks>
/// Flow tables, addresses, port numbers and the datapaths themselves: an actor that starts again
/// finds them here and goes on, and packets never notice. One per process; made by the
/// composition, disposed after the actor system has ended.
/// </remarks>
public sealed class SwitchStore(TimeProvider time, DatapathOpener opener) : IDisposable
{
    private readonly ConcurrentDictionary<string, BridgeState> _bridges = new();
    private readonly ConcurrentDictionary<string, SwitchedDatapath> _datapaths = new();
    private readonly ConcurrentDictionary<string, SwitchedDatapath> _handMade = new();
    private readonly Lock _opening = new();
    private BridgesWanted? _wanted;

    public TimeProvider Time { get; } = time;

    /// <summary>Which interface uses which port.</summary>
    public DatapathPorts Ports { get; } = new();

    /// <summary>Routes and neighbours by which tunnels leave.</summary>
    public TunnelUnderlay Underlay { get; } = new();

    /// <summary>BFD and the like: on which ports, and which of these carry nothing.</summary>
    public SessionDirectory Sessions { get; } = new();

    /// <summary>Who hears of BPDUs: any thread, must not wait.</summary>
    public Action<SessionPacket>? TreePacketRaised { get; set; }

    /// <summary>The desired state that was heard last.</summary>
    public BridgesWanted? Wanted
    {
        get => Volatile.Read(ref _wanted);
        set => Volatile.Write(ref _wanted, value);
    }

    /// <summary>All datapaths that were opened, by type.</summary>
    public ImmutableArray<SwitchedDatapath> Datapaths =>
        [.. _datapaths.Values.OrderBy(each => each.Type, StringComparer.Ordinal)];

    /// <summary>What tools are shown: datapaths with bridges, and those made by hand.</summary>
    /// <remarks>A datapath whose last bridge went is kept, and not shown.</remarks>
    public ImmutableArray<SwitchedDatapath> ShownDatapaths =>
    [
        .. Datapaths.Where(each => each.Current.BridgesInOrder.Any()).Concat(_handMade.Values)
            .OrderBy(each => each.Provider.Name, StringComparer.Ordinal),
    ];

    /// <summary>Types of datapaths that <see cref="TryMake"/> makes.</summary>
    public ImmutableSortedSet<string> HandMadeTypes { get; init; } = ["netdev"];

    public ImmutableArray<BridgeState> Bridges =>
        [.. _bridges.Values.OrderBy(each => each.Name, StringComparer.Ordinal)];

    public BridgeState BridgeOf(string name) =>
        _bridges.GetOrAdd(name, each => new BridgeState(each, Time) { Sessions = Sessions });

    public BridgeState? FindBridge(string name) => _bridges.GetValueOrDefault(name);

    public void Forget(string bridge) => _bridges.TryRemove(bridge, out _);

    /// <summary>"" means "system", as in the Bridge table.</summary>
    public static string NormalType(string datapathType) =>
        datapathType.Length == 0 ? "system" : datapathType;

    public SwitchedDatapath? FindDatapath(string type) =>
        _datapaths.GetValueOrDefault(NormalType(type));

    /// <summary>The datapath of that type, opened when it is wanted for the first time.</summary>
    public bool TryOpen(string type, out SwitchedDatapath datapath, out string error)
    {
        type = NormalType(type);
        error = "";
        lock (_opening)
        {
            if (_datapaths.TryGetValue(type, out datapath!)) return true;
            if (!opener(type, out var provider, out error)) return false;
            datapath = new SwitchedDatapath(type, provider, Time, Underlay);
            datapath.SessionPacketRaised = Hear;
            datapath.Watch(Sessions.Ports);
            datapath.PacketInRaised = raised => FindBridge(raised.Bridge)?.Raise(raised);
            _datapaths[type] = datapath;
            return true;
        }
    }

    /// <summary>A datapath without bridges, with flows as somebody puts them there.</summary>
    /// <param name="name">What follows "type@".</param>
    /// <returns>False if there is one of that name.</returns>
    public bool TryMake(string type, string name)
    {
        var full = $"{type}@{name}";
        lock (_opening)
        {
            var isThere = _handMade.ContainsKey(full)
                || _datapaths.Values.Any(each => each.Provider.Name == full);
            if (isThere) return false;
            var provider = new UserspaceDatapath(full, new UserspaceDatapathOptions
            {
                IsDummy = type == "dummy",
                Clock = Time,
            });
            _handMade[full] = new SwitchedDatapath(type, provider, Time);
            return true;
        }
    }

    /// <summary>Takes away what <see cref="TryMake"/> made; false for others.</summary>
    public bool TryUnmake(SwitchedDatapath datapath)
    {
        if (!_handMade.TryRemove(datapath.Provider.Name, out var made)) return false;
        made.Dispose();
        return true;
    }

    private void Hear(SessionPacket packet)
    {
        if (packet.Kind == SessionKinds.Tree) TreePacketRaised?.Invoke(packet);
        else Sessions.Hear(packet);
    }

    public void Dispose()
    {
        foreach (var datapath in _datapaths.Values.Concat(_handMade.Values)) datapath.Dispose();
    }
}
