using System.Collections.Immutable;
using Fabric.Wire.Control;

namespace Fabric.Switching;

/// <summary>The Rapid Spanning Tree Protocol of one bridge, IEEE 802.1D-2004 chapter 17.</summary>
/// <remarks>
/// Pure: given the time, what came in and links, it says what to send and which state each port
/// is in. The machines of a port run until none of them has anything to do; sections of the
/// standard are beside them. Every link is taken for point to point.
/// </remarks>
public sealed partial class RapidBridge
{
    private const long Second = 1000;
    private const int MigrateTime = 3;
    private const int PortNumberMax = 4095;

    /// <summary>More rounds than any change needs; a bound, should a peer find a loop.</summary>
    private const int RoundsMax = 256;

    private readonly SortedDictionary<int, RapidPort> _ports = [];
    private readonly List<(RapidPort Port, SpanningTreeBpdu Bpdu)> _output = [];
    private readonly SortedSet<string> _flushed = new(StringComparer.Ordinal);
    private TreeSettings _settings;
    private RapidVector _rootPriority;
    private RapidTimes _rootTimes;
    private long _nextTick;

    /// <param name="id">Priority and address.</param>
    public RapidBridge(ulong id, TreeSettings settings, long now)
    {
        Id = id;
        _settings = settings;
        _nextTick = now + Second;
        UpdateRoles();
    }

    public ulong Id { get; private set; }
    public RapidPort? RootPort { get; private set; }
    public RapidVector Root => _rootPriority;
    public RapidTimes RootTimes => _rootTimes;
    public TreeSettings Settings => _settings;

    /// <summary>In the order of their numbers.</summary>
    public IEnumerable<RapidPort> Ports => _ports.Values;

    /// <summary>When <see cref="Advance"/> has something to do.</summary>
    public long Deadline => _nextTick;

    private RapidTimes OwnTimes => new(
        0, _settings.MaxAge, TreeSettings.HelloTimeDefault, _settings.ForwardDelay);

    private bool IsRapid => _settings.ForceVersion >= 2;

    public RapidPort? Find(string name) => _ports.Values.FirstOrDefault(each => each.Name == name);

    /// <summary>Ports behind which learned addresses may be wrong: asked once.</summary>
    public ImmutableArray<string> TakeFlushed()
    {
        var flushed = _flushed.ToImmutableArray();
        _flushed.Clear();
        return flushed;
    }

    /// <summary>Takes the values and ports that rows ask for.</summary>
    public void Configure(
        ulong id, TreeSettings settings, ImmutableSortedDictionary<string, TreePortSettings> ports)
    {
        foreach (var gone in _ports.Values.Where(each => !ports.ContainsKey(each.Name)).ToList())
        {
            _ports.Remove(gone.Number);
            if (RootPort == gone) SelectAgain();
        }

        foreach (var wanted in ports.Values.OrderBy(each => each.Number == 0)) Place(wanted);
        if (id == Id && settings == _settings) return;
        var restarts = settings.ForceVersion != _settings.ForceVersion;
        Id = id;
        _settings = settings;
        foreach (var port in _ports.Values)
        {
            if (restarts) Begin(port);
        }

        SelectAgain();
        Settle();
    }

    private void Place(TreePortSettings wanted)
    {
        var port = Find(wanted.Interface);
        var number = wanted.ChooseNumber(port?.Number ?? 0, PortNumberMax, _ports.ContainsKey);
        if (number == 0) return; // More ports than numbers: it stays outside of the tree.
        var priority = (byte)(wanted.Priority & 0xF0);
        var isNew = port is null;
        port ??= new RapidPort(wanted.Interface);
        port.IsAdminEdge = wanted.IsAdminEdge;
        port.IsAutoEdge = wanted.IsAutoEdge;
        if (isNew || number != port.Number || priority != port.Priority)
        {
            _ports.Remove(port.Number);
            (port.Number, port.Priority) = (number, priority);
            _ports[number] = port;
            if (isNew) Begin(port);
            SelectAgain();
        }

        if (wanted.WantsCheck && !port.WantsCheck && IsRapid) Check(port);
        port.WantsCheck = wanted.WantsCheck;
        Settle();
    }

    /// <summary>A port's cost, and whether its link is up.</summary>
    public void SetLink(RapidPort port, bool isUp, uint pathCost)
    {
        if (port.PathCost == pathCost && port.IsEnabled == isUp) return;
        if (port.PathCost != pathCost)
        {
            port.PathCost = pathCost;
            (port.Selected, port.Reselect) = (false, true);
        }

        port.IsEnabled = isUp;
        Settle();
    }

    /// <summary>rstp/tcn: as if a neighbour had told of a change.</summary>
    public void ForceChange()
    {
        foreach (var port in _ports.Values) port.HeardChangeNotice = true;
        Settle();
    }

    /// <summary>A BPDU came in (17.23).</summary>
    public void Hear(RapidPort port, in SpanningTreeBpdu bpdu)
    {
        port.HeardCount++;
        if (!port.IsEnabled) return;
        port.Message = bpdu;
        port.ReceivedRstp = bpdu.Type == BpduType.Rapid;
        port.ReceivedStp = !port.ReceivedRstp;
        port.OperEdge = false;
        port.HasMessage = true;
        port.EdgeDelayWhile = MigrateTime;
        Settle();
    }

    /// <summary>Counts the seconds that have passed; gives what is to be sent, in order.</summary>
    public ImmutableArray<(RapidPort Port, SpanningTreeBpdu Bpdu)> Advance(long now)
    {
        while (_nextTick <= now)
        {
            _nextTick += Second;
            foreach (var port in _ports.Values) port.Tick();
            Settle();
        }

        var output = _output.ToImmutableArray();
        _output.Clear();
        return output;
    }

    /// <summary>BEGIN of all machines of a port.</summary>
    private void Begin(RapidPort port)
    {
        port.EdgeDelayWhile = MigrateTime;
        Check(port);
        port.OperEdge = port.IsAdminEdge;
        port.NewInfo = true;
        port.SendCount = 0;
        port.HelloWhen = OwnTimes.HelloTime;
        DisableInformation(port);
        port.Role = port.SelectedRole = RapidRole.Disabled;
        port.Learn = port.Forward = port.IsLearning = port.IsForwarding = port.Synced = false;
        port.Sync = port.ReRoot = true;
        port.RecentRootWhile = _settings.ForwardDelay;
        port.ForwardDelayWhile = _settings.MaxAge;
        port.RecentBackupWhile = 0;
        BecomeInactive(port);
    }

    private void SelectAgain()
    {
        foreach (var port in _ports.Values) (port.Selected, port.Reselect) = (false, true);
        if (_ports.Count == 0) UpdateRoles();
    }

    private void Settle()
    {
        for (var round = 0; round < RoundsMax; round++)
        {
            var isBusy = SelectRoles();
            foreach (var port in _ports.Values)
            {
                isBusy |= Discard(port) | Migrate(port) | DetectBridge(port) | Inform(port)
                    | Transit(port) | ChangeState(port) | TellChange(port) | Transmit(port);
            }

            if (!isBusy) return;
        }
    }
}
