using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;

namespace Fabric.Switching;

/// <summary>To a tree: a BPDU came in at an interface.</summary>
internal sealed record TreeHeard(string Interface, ReadOnlyMemory<byte> Frame);

/// <summary>To a tree: the topology has changed, an operator says; answered by "OK".</summary>
internal sealed record ForceTopologyChange;

/// <summary>To a tree; answered by its text, as stp/show prints it.</summary>
internal sealed record ShowTree;

/// <summary>From a tree: columns of rows, which may be the same as before.</summary>
internal sealed record TreeReported(
    ImmutableArray<(string Table, Guid Row, ColumnValue Column)> Columns);

/// <summary>Speaks STP or RSTP for one bridge and tells its ports when to carry packets.</summary>
/// <remarks>
/// Hears:  <see cref="TreeWanted"/> from its parent whenever rows change;
///         <see cref="TreeHeard"/>, <see cref="ShowTree"/>, <see cref="ForceTopologyChange"/>;
///         its own timers.
/// Says:   <see cref="TreeReported"/> to its parent; <see cref="LivenessChanged"/> to the bridge
///         when a port's state changed; BPDUs by way of the datapath.
/// Holds:  what other bridges said, which they say again every two seconds.
/// Fails:  never by packets: those that make no sense are counted. Started anew, ports begin at
///         blocking, and the bridge is without them for 30 s.
/// </remarks>
internal sealed class TreeActor : ReceiveActor, IWithTimers
{
    private const int EthernetSize = 14;
    private const long LookInterval = 500;
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(5);

    private readonly SwitchStore _store;
    private readonly ICanTell _bridge;
    private readonly TreeNumbers _numbers;
    private readonly Dictionary<string, string> _told = [];
    private TreeWanted _wanted;
    private TreeProtocol? _tree;

    /// <param name="bridge">The bridge's actor.</param>
    public TreeActor(
        SwitchStore store, ICanTell bridge, TreeWanted wanted, TreeNumbers numbers)
    {
        _store = store;
        _bridge = bridge;
        _wanted = wanted;
        _numbers = numbers;
        Receive<TreeWanted>(changed =>
        {
            if (changed.IsRapid != _wanted.IsRapid)
            {
                _tree = null;
                _told.Clear();
            }

            _wanted = changed;
            Go();
        });
        Receive<TreeHeard>(Hear);
        Receive<ShowTree>(_ => Sender.Tell(_tree?.Show(_wanted.Bridge) ?? ""));
        Receive<ForceTopologyChange>(_ =>
        {
            _tree?.ForceChange(Now);
            Go();
            Sender.Tell("OK");
        });
        Receive<SessionDue>(_ => Go());
        Receive<Count>(_ => ReportCounts());
    }

    private sealed record Count
    {
        public static readonly Count Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private long Now => _store.Time.Milliseconds();

    public static Props Props(
        SwitchStore store, ICanTell bridge, TreeWanted wanted, TreeNumbers numbers) =>
        Akka.Actor.Props.Create(() => new TreeActor(store, bridge, wanted, numbers));

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Count), Count.Instance, CountInterval, CountInterval);
        Go();
    }

    protected override void PostStop() => Publish(ImmutableDictionary<string, TreePort>.Empty);

    private void Hear(TreeHeard heard)
    {
        if (_tree is null) return;
        var frame = heard.Frame.Span;
        var start = EthernetSize + SpanningTreeBpdu.LlcHeader.Length;
        SpanningTreeBpdu bpdu = default;
        var isBpdu = frame.Length > start
            && frame[EthernetSize..start].SequenceEqual(SpanningTreeBpdu.LlcHeader)
            && SpanningTreeBpdu.TryParse(frame[start..], out bpdu, out _);
        _tree.Hear(heard.Interface, isBpdu ? bpdu : null, Now);
        Go();
    }

    private void Go()
    {
        var now = Now;
        Look(now);
        if (_tree is not null)
        {
            foreach (var (name, bpdu) in _tree.Advance(now)) Send(name, in bpdu);
            foreach (var port in _tree.TakeFlushed())
            {
                _store.FindBridge(_wanted.Bridge)?.Pipeline.Macs.Flush(port);
            }

            Report(_tree);
        }

        var wait = Math.Clamp((_tree?.Deadline ?? 0) - now, 1, LookInterval);
        Timers.StartSingleTimer(
            nameof(SessionDue), SessionDue.Instance, TimeSpan.FromMilliseconds(wait));
    }

    /// <summary>Links, speeds and the bridge's address, as packets see them now.</summary>
    private void Look(long now)
    {
        if (_store.FindDatapath(_wanted.DatapathType)?.Current.Bridges
            .GetValueOrDefault(_wanted.Bridge) is not { } bridge)
        {
            return;
        }

        var settings = _wanted.Settings;
        var id = ((ulong)settings.Priority << 48)
            | (settings.SystemId ?? bridge.Mac).ToUInt64();
        _tree ??= TreeProtocol.Create(id, _wanted, now);
        var live = bridge.PortsInOrder.Where(port => _wanted.Ports.ContainsKey(port.Name))
            .ToDictionary(port => port.Name, StringComparer.Ordinal);
        var ports = _wanted.Ports.RemoveRange(
            _wanted.Ports.Keys.Where(name => !live.ContainsKey(name)));
        _tree.Configure(id, settings, ports, now);
        foreach (var (name, _) in _tree.Ports)
        {
            _tree.SetLink(
                name, live[name].IsLinkUp, live[name].LinkSpeed, (uint)ports[name].PathCost, now);
        }
    }

    private void Send(string name, in SpanningTreeBpdu bpdu)
    {
        var place = new SessionPlace(
            _wanted.DatapathType, _wanted.Bridge, _wanted.Ports[name].Port, name,
            _wanted.Ports[name].Row);
        if (SessionOutput.PortOf(_store, place) is not { } port) return;
        var llc = SpanningTreeBpdu.LlcHeader;
        var frame = new byte[EthernetSize + llc.Length + bpdu.Size];
        SpanningTreeBpdu.Destination.CopyTo(frame);
        port.Mac.CopyTo(frame.AsSpan(6));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(
            frame.AsSpan(12), (ushort)(llc.Length + bpdu.Size));
        llc.CopyTo(frame.AsSpan(EthernetSize));
        bpdu.Write(frame.AsSpan(EthernetSize + llc.Length));
        SessionOutput.Send(_store, place, frame);
    }

    /// <summary>New states go to the bridge at once, and to the rows.</summary>
    private void Report(TreeProtocol tree)
    {
        var ports = tree.Ports;
        Publish(ports.ToImmutableDictionary(
            port => port.Name,
            port => new TreePort(_numbers.Of(_wanted.Bridge, port.Name), port.State)));
        var columns =
            ImmutableArray.CreateBuilder<(string Table, Guid Row, ColumnValue Column)>();
        var own = tree.BridgeStatus;
        if (IsNews("", own.Value)) columns.Add(("Bridge", _wanted.Row, own));
        foreach (var (name, _) in ports)
        {
            if (!IsNews(name, tree.StatusOf(name, now: null).Value)) continue;
            columns.Add(("Port", RowOf(name), tree.StatusOf(name, Now)));
        }

        if (columns.Count > 0) Context.Parent.Tell(new TreeReported(columns.ToImmutable()));
    }

    private Guid RowOf(string name) => _wanted.Ports[name].Row;

    private bool IsNews(string about, Datum status)
    {
        var text = status.ToString();
        if (_told.TryGetValue(about, out var told) && told == text) return false;
        _told[about] = text;
        return true;
    }

    private void ReportCounts()
    {
        if (_tree is null) return;
        var names = _tree.Ports.Select(port => port.Name).Where(_wanted.Ports.ContainsKey)
            .ToList();
        Context.Parent.Tell(new TreeReported(
        [
            .. names.Select(name => ("Port", RowOf(name), _tree.StatusOf(name, Now))),
            .. names.Select(name => ("Port", RowOf(name), _tree.CountsOf(name))),
        ]));
    }

    private void Publish(ImmutableDictionary<string, TreePort> ports)
    {
        if (_store.FindBridge(_wanted.Bridge) is not { } state) return;
        var before = state.TreePorts;
        var isSame = before.Count == ports.Count && ports.All(
            pair => before.TryGetValue(pair.Key, out var old) && old == pair.Value);
        if (isSame) return;
        state.TreePorts = ports;
        _bridge.Tell(new LivenessChanged(), Self);
    }
}
