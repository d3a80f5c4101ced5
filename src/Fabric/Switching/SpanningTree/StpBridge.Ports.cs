using System.Collections.Immutable;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <content>Which port is what: selection of the root, of roles and of states.</content>
public sealed partial class StpBridge
{
    public StpPort? Find(string name) => _ports.Values.FirstOrDefault(each => each.Name == name);

    /// <summary>Takes the values and ports that rows ask for.</summary>
    public void Configure(
        ulong id, TreeSettings settings, ImmutableSortedDictionary<string, TreePortSettings> ports,
        long now)
    {
        _now = now;
        foreach (var gone in _ports.Values.Where(each => !ports.ContainsKey(each.Name)).ToList())
        {
            Disable(gone);
            _ports.Remove(gone.Number);
        }

        foreach (var wanted in ports.Values.OrderBy(each => each.Number == 0)) Place(wanted);
        Rename(id, settings);
    }

    private void Place(TreePortSettings wanted)
    {
        var port = Find(wanted.Interface);
        var number = wanted.ChooseNumber(port?.Number ?? 0, PortNumberMax, _ports.ContainsKey);
        if (number == 0) return; // More ports than numbers: it stays outside of the tree.
        if (port is null || number != port.Number)
        {
            if (port is not null) _ports.Remove(port.Number);
            port ??= new StpPort(wanted.Interface);
            port.Number = number;
            _ports[number] = port;
            Forget(port);
        }

        if (port.Priority == wanted.Priority) return;
        var wasDesignated = IsDesignated(port);
        port.Priority = wanted.Priority;
        if (wasDesignated || !port.IsEnabled) port.DesignatedPort = port.Id;
    }

    /// <summary>8.8.4: a bridge's priority changes, and so does its identifier.</summary>
    private void Rename(ulong id, TreeSettings settings)
    {
        var wasRoot = IsRoot;
        var isSame = id == Id && settings == _settings;
        _settings = settings;
        if (isSame) return;
        foreach (var port in _ports.Values)
        {
            if (!IsDesignated(port)) continue;
            port.DesignatedBridge = id;
            if (port.DesignatedRoot == Id) port.DesignatedRoot = id;
        }

        if (wasRoot) DesignatedRoot = id;
        Id = id;
        UpdateConfiguration();
        SelectStates();
        if (!IsRoot) return;
        if (wasRoot) TakeOwnTimes();
        else BecomeRoot();
    }

    /// <summary>A port's cost (8.8.6) and whether its link is up (8.8.2, 8.8.3).</summary>
    public void SetLink(StpPort port, bool isUp, uint pathCost, long now)
    {
        _now = now;
        if (port.PathCost != pathCost)
        {
            port.PathCost = pathCost;
            UpdateConfiguration();
            SelectStates();
        }

        if (port.IsEnabled == isUp) return;
        port.IsEnabled = isUp;
        if (!isUp)
        {
            Disable(port);
            return;
        }

        Forget(port);
        Enter(port, TreePortState.Blocking);
        SelectStates();
    }

    /// <summary>stp/tcn: as if the topology had changed here.</summary>
    public void ForceChange(long now)
    {
        _now = now;
        DetectChange();
    }

    private void Disable(StpPort port)
    {
        var wasRoot = IsRoot;
        Forget(port);
        Enter(port, TreePortState.None);
        UpdateConfiguration();
        SelectStates();
        if (IsRoot && !wasRoot) BecomeRoot();
    }

    private void Forget(StpPort port)
    {
        BecomeDesignated(port);
        (port.AcknowledgesChange, port.IsConfigPending) = (false, false);
        port.MessageAgeStart = port.ForwardDelayStart = port.HoldEnds = null;
    }

    private void BecomeDesignated(StpPort port)
    {
        port.DesignatedRoot = DesignatedRoot;
        port.DesignatedCost = RootPathCost;
        port.DesignatedBridge = Id;
        port.DesignatedPort = port.Id;
    }

    private void UpdateConfiguration()
    {
        SelectRoot();
        foreach (var port in _ports.Values)
        {
            if (IsDesignated(port) || IsBetterThan(port)) BecomeDesignated(port);
        }
    }

    /// <summary>8.6.10: this bridge would be a better designated bridge of the LAN.</summary>
    private bool IsBetterThan(StpPort port)
    {
        if (port.DesignatedRoot != DesignatedRoot) return true;
        if (RootPathCost != port.DesignatedCost) return RootPathCost < port.DesignatedCost;
        if (Id != port.DesignatedBridge) return Id < port.DesignatedBridge;
        return port.Id <= port.DesignatedPort;
    }

    /// <summary>8.6.8: the best way to the best root, if that is not this bridge itself.</summary>
    private void SelectRoot()
    {
        _rootPort = null;
        foreach (var port in _ports.Values)
        {
            if (port.State == TreePortState.None || IsDesignated(port)) continue;
            if (port.DesignatedRoot >= Id) continue;
            if (_rootPort is null || RankOf(port).CompareTo(RankOf(_rootPort)) < 0)
            {
                _rootPort = port;
            }
        }

        DesignatedRoot = _rootPort?.DesignatedRoot ?? Id;
        RootPathCost = _rootPort is { } root ? root.DesignatedCost + root.PathCost : 0;
    }

    private static (ulong, ulong, ulong, ushort, ushort) RankOf(StpPort port) => (
        port.DesignatedRoot, (ulong)port.DesignatedCost + port.PathCost, port.DesignatedBridge,
        port.DesignatedPort, port.Id);

    /// <summary>8.6.11: the root port and designated ports forward, others are blocked.</summary>
    private void SelectStates()
    {
        foreach (var port in _ports.Values)
        {
            if (port == _rootPort)
            {
                (port.IsConfigPending, port.AcknowledgesChange) = (false, false);
                BeginForwarding(port);
            }
            else if (IsDesignated(port))
            {
                port.MessageAgeStart = null;
                BeginForwarding(port);
            }
            else
            {
                (port.IsConfigPending, port.AcknowledgesChange) = (false, false);
                Block(port);
            }
        }
    }

    private void BeginForwarding(StpPort port)
    {
        if (port.State != TreePortState.Blocking) return;
        Enter(port, TreePortState.Listening);
        port.ForwardDelayStart = _now;
    }

    private void Block(StpPort port)
    {
        if (port.State is TreePortState.None or TreePortState.Blocking) return;
        if (port.State is TreePortState.Forwarding or TreePortState.Learning) DetectChange();
        Enter(port, TreePortState.Blocking);
        port.ForwardDelayStart = null;
    }

    /// <summary>8.6.14: the root tells everybody; others tell the root until it knows.</summary>
    private void DetectChange()
    {
        if (IsRoot)
        {
            _wantsFlush |= !_isChanging;
            _isChanging = true;
            _changeEnds = _now + MaxAge + ForwardDelay;
        }
        else if (!_isChangeDetected)
        {
            SendChangeNotice();
            _changeNoticeDue = _now + (_settings.HelloTime * Second);
        }

        _isChangeDetected = true;
    }

    private void Enter(StpPort port, TreePortState state)
    {
        if (port.State == state) return;
        // What was learned behind a port that no longer forwards is behind another one now.
        _wantsFlush |= port.State is TreePortState.Forwarding or TreePortState.Learning
            && state is TreePortState.Blocking or TreePortState.None;
        port.State = state;
        port.StateSince = _now;
    }
}
