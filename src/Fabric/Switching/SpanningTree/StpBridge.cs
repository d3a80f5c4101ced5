using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>The Spanning Tree Protocol of one bridge, IEEE 802.1D-1998 chapter 8.</summary>
/// <remarks>
/// Pure: given the time, what came in and links, it says what to send and which state each port
/// is in. Procedures have the standard's names, sections beside them. Times in milliseconds.
/// </remarks>
public sealed partial class StpBridge
{
    private const long Second = 1000;
    private const long HoldTime = Second;
    private const long MessageAgeIncrement = Second;
    private const int PortNumberMax = 255;

    private readonly SortedDictionary<int, StpPort> _ports = [];
    private readonly List<(StpPort Port, SpanningTreeBpdu Bpdu)> _output = [];
    private TreeSettings _settings;
    private StpPort? _rootPort;
    private long _now;
    private bool _isChangeDetected;
    private bool _isChanging;
    private long? _helloDue;
    private long? _changeNoticeDue;
    private long? _changeEnds;

    /// <param name="id">Priority and address.</param>
    public StpBridge(ulong id, TreeSettings settings, long now)
    {
        Id = id;
        _settings = settings;
        _now = now;
        DesignatedRoot = id;
        TakeOwnTimes();
        StartHello();
    }

    public ulong Id { get; private set; }
    public ulong DesignatedRoot { get; private set; }
    public uint RootPathCost { get; private set; }
    public StpPort? RootPort => _rootPort;
    public bool IsRoot => DesignatedRoot == Id;

    /// <summary>In force: the root's. Milliseconds.</summary>
    public long MaxAge { get; private set; }
    public long HelloTime { get; private set; }
    public long ForwardDelay { get; private set; }
    public TreeSettings Settings => _settings;

    /// <summary>In the order of their numbers.</summary>
    public IEnumerable<StpPort> Ports => _ports.Values;

    /// <summary>Learned addresses may be wrong: asked once, then false again.</summary>
    public bool TakeFlush()
    {
        var isWanted = _wantsFlush;
        _wantsFlush = false;
        return isWanted;
    }

    private bool _wantsFlush;

    /// <summary>When <see cref="Advance"/> has something to do, or long.MaxValue.</summary>
    public long Deadline
    {
        get
        {
            var first = Math.Min(
                Math.Min(_helloDue ?? long.MaxValue, _changeNoticeDue ?? long.MaxValue),
                _changeEnds ?? long.MaxValue);
            foreach (var port in _ports.Values)
            {
                first = Math.Min(first, Math.Min(
                    Math.Min(
                        port.MessageAgeStart + MaxAge ?? long.MaxValue,
                        port.ForwardDelayStart + ForwardDelay ?? long.MaxValue),
                    port.HoldEnds ?? long.MaxValue));
            }

            return first;
        }
    }

    public StpRole RoleOf(StpPort port) =>
        port.State == TreePortState.None ? StpRole.Disabled
        : port == _rootPort ? StpRole.Root
        : IsDesignated(port) ? StpRole.Designated : StpRole.Alternate;

    /// <summary>Runs every timer that has ended; gives what is to be sent, in order.</summary>
    public ImmutableArray<(StpPort Port, SpanningTreeBpdu Bpdu)> Advance(long now)
    {
        // Deadline by deadline, so that a long pause is as many short ones.
        while (Deadline is var next && next <= now)
        {
            _now = Math.Max(_now, next); // A time in force may have become shorter.
            RunTimers();
        }

        _now = now;
        var output = _output.ToImmutableArray();
        _output.Clear();
        return output;
    }

    private void RunTimers()
    {
        if (_helloDue <= _now)
        {
            GenerateConfigs();
            StartHello();
        }

        if (_changeNoticeDue <= _now)
        {
            SendChangeNotice();
            _changeNoticeDue = _now + (_settings.HelloTime * Second);
        }

        if (_changeEnds <= _now)
        {
            (_changeEnds, _isChangeDetected, _isChanging) = (null, false, false);
        }

        foreach (var port in _ports.Values)
        {
            if (port.ForwardDelayStart + ForwardDelay <= _now) EndForwardDelay(port);
        }

        foreach (var port in _ports.Values)
        {
            if (port.MessageAgeStart + MaxAge <= _now) EndMessageAge(port);
        }

        foreach (var port in _ports.Values)
        {
            if (port.HoldEnds > _now || port.HoldEnds is null) continue;
            port.HoldEnds = null;
            if (port.IsConfigPending) SendConfig(port);
        }
    }

    /// <summary>A BPDU came in, 8.7.1 and 8.7.2.</summary>
    public void Hear(StpPort port, in SpanningTreeBpdu bpdu, long now)
    {
        _now = now;
        port.HeardCount++;
        if (port.State == TreePortState.None) return;
        // Rapid bridges fall back to STP when they hear us; until then they are not understood.
        if (bpdu.Type == BpduType.Configuration) HearConfig(port, in bpdu);
        else if (bpdu.Type == BpduType.TopologyChange && IsDesignated(port))
        {
            DetectChange();
            port.AcknowledgesChange = true;
            SendConfig(port);
        }
    }

    private void HearConfig(StpPort port, in SpanningTreeBpdu bpdu)
    {
        if (!Supersedes(port, in bpdu))
        {
            if (IsDesignated(port)) SendConfig(port);
            return;
        }

        var wasRoot = IsRoot;
        Record(port, in bpdu);
        UpdateConfiguration();
        SelectStates();
        if (!IsRoot && wasRoot)
        {
            _helloDue = null;
            if (_isChangeDetected)
            {
                _changeEnds = null;
                SendChangeNotice();
                _changeNoticeDue = _now + (_settings.HelloTime * Second);
            }
        }

        if (port != _rootPort) return;
        TakeRootTimes(in bpdu);
        GenerateConfigs();
        if ((bpdu.Flags & BpduFlags.TopologyChangeAcknowledgement) == 0) return;
        _isChangeDetected = false;
        _changeNoticeDue = null;
    }

    private static bool Supersedes(StpPort port, in SpanningTreeBpdu bpdu, ulong own)
    {
        if (bpdu.RootId != port.DesignatedRoot) return bpdu.RootId < port.DesignatedRoot;
        if (bpdu.RootPathCost != port.DesignatedCost)
        {
            return bpdu.RootPathCost < port.DesignatedCost;
        }

        if (bpdu.BridgeId != port.DesignatedBridge) return bpdu.BridgeId < port.DesignatedBridge;
        return bpdu.BridgeId != own || bpdu.PortId <= port.DesignatedPort;
    }

    private bool Supersedes(StpPort port, in SpanningTreeBpdu bpdu) =>
        Supersedes(port, in bpdu, Id);

    /// <summary>8.6.2: what the designated bridge said, and how old it was.</summary>
    private void Record(StpPort port, in SpanningTreeBpdu bpdu)
    {
        port.DesignatedRoot = bpdu.RootId;
        port.DesignatedCost = bpdu.RootPathCost;
        port.DesignatedBridge = bpdu.BridgeId;
        port.DesignatedPort = bpdu.PortId;
        port.MessageAgeStart = _now - MillisecondsOf(bpdu.MessageAge);
    }

    private void TakeRootTimes(in SpanningTreeBpdu bpdu)
    {
        (MaxAge, HelloTime, ForwardDelay) = (MillisecondsOf(bpdu.MaxAge),
            MillisecondsOf(bpdu.HelloTime), MillisecondsOf(bpdu.ForwardDelay));
        var isChanging = (bpdu.Flags & BpduFlags.TopologyChange) != 0;
        _wantsFlush |= isChanging && !_isChanging;
        _isChanging = isChanging;
    }

    private void TakeOwnTimes() => (MaxAge, HelloTime, ForwardDelay) = (
        _settings.MaxAge * Second, _settings.HelloTime * Second, _settings.ForwardDelay * Second);

    private void StartHello() => _helloDue = _now + HelloTime;

    private bool IsDesignated(StpPort port) =>
        port.DesignatedBridge == Id && port.DesignatedPort == port.Id;

    /// <summary>8.7.5: nothing was heard from the designated bridge for too long.</summary>
    private void EndMessageAge(StpPort port)
    {
        port.MessageAgeStart = null;
        var wasRoot = IsRoot;
        BecomeDesignated(port);
        UpdateConfiguration();
        SelectStates();
        if (IsRoot && !wasRoot) BecomeRoot();
    }

    private void BecomeRoot()
    {
        TakeOwnTimes();
        DetectChange();
        _changeNoticeDue = null;
        GenerateConfigs();
        StartHello();
    }

    private void EndForwardDelay(StpPort port)
    {
        port.ForwardDelayStart = null;
        if (port.State == TreePortState.Listening)
        {
            Enter(port, TreePortState.Learning);
            port.ForwardDelayStart = _now;
        }
        else if (port.State == TreePortState.Learning)
        {
            Enter(port, TreePortState.Forwarding);
            if (_ports.Values.Any(each => each.DesignatedBridge == Id)) DetectChange();
        }
    }

    private void GenerateConfigs()
    {
        foreach (var port in _ports.Values)
        {
            if (port.State != TreePortState.None && IsDesignated(port)) SendConfig(port);
        }
    }

    /// <summary>8.6.1, not more often than the hold time allows.</summary>
    private void SendConfig(StpPort port)
    {
        if (port.HoldEnds is not null)
        {
            port.IsConfigPending = true;
            return;
        }

        var age = _rootPort is { MessageAgeStart: { } start }
            ? _now - start + MessageAgeIncrement : 0;
        if (age >= MaxAge) return;
        var flags = (port.AcknowledgesChange ? BpduFlags.TopologyChangeAcknowledgement : 0)
            | (_isChanging ? BpduFlags.TopologyChange : 0);
        port.AcknowledgesChange = port.IsConfigPending = false;
        Send(port, new SpanningTreeBpdu
        {
            Type = BpduType.Configuration,
            Flags = flags,
            RootId = DesignatedRoot,
            RootPathCost = RootPathCost,
            BridgeId = Id,
            PortId = port.Id,
            MessageAge = UnitsOf(age),
            MaxAge = UnitsOf(MaxAge),
            HelloTime = UnitsOf(HelloTime),
            ForwardDelay = UnitsOf(ForwardDelay),
        });
        port.HoldEnds = _now + HoldTime;
    }

    private void SendChangeNotice()
    {
        if (_rootPort is not { } port) return;
        Send(port, new SpanningTreeBpdu { Type = BpduType.TopologyChange });
    }

    private void Send(StpPort port, SpanningTreeBpdu bpdu)
    {
        port.SentCount++;
        _output.Add((port, bpdu));
    }

    private static long MillisecondsOf(ushort units) => units * 1000L / 256;

    private static ushort UnitsOf(long milliseconds) =>
        (ushort)Math.Clamp(milliseconds * 256 / 1000, 0, ushort.MaxValue);
}
