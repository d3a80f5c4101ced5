using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <content>Roles with their generation id, fail mode, and what the Controller rows show.</content>
public sealed partial class ControllersActor
{
    private const string FailTimer = "fail-mode";
    private const int ProbesUntilStandalone = 3;

    private ulong? _generationId;
    private bool _isStandalone;

    private sealed record FailOpenDue;

    private void ReceiveRoles()
    {
        Receive<RoleRequested>(OnRoleRequested);
    }

    /// <summary>
    /// Stale generations are refused, one primary demotes the other (1.3 section 6.3.4).
    /// </summary>
    private void OnRoleRequested(RoleRequested requested)
    {
        if (!_connections.TryGetValue(Sender, out var connection)) return;
        var role = requested.Role;
        if (requested.GenerationId is { } generation && role is OfRole.Primary or OfRole.Secondary)
        {
            if (_generationId is { } known && (long)(requested.GenerationId!.Value - known) < 0)
            {
                Sender.Tell(new RoleDecided(requested.Xid, OfErrorCode.RoleStale, connection.Role,
                    _generationId));
                return;
            }

            _generationId = requested.GenerationId;
        }

        if (role == OfRole.Primary)
        {
            foreach (var (other, state) in _connections)
            {
                if (Equals(other, Sender) || state.Role != OfRole.Primary) continue;
                state.Role = OfRole.Secondary;
                other.Tell(new RoleDemoted(_generationId ?? ulong.MaxValue));
            }
        }

        if (role != OfRole.NoChange) connection.Role = role;
        Sender.Tell(new RoleDecided(requested.Xid, OfErrorCode.None, connection.Role,
            _generationId));
        Observe();
    }

    private void ReceiveFailMode()
    {
        Receive<FailOpenDue>(_ => SetStandalone(true));
    }

    private void StartFailMode() => UpdateFailMode();

    private bool HasControllers =>
        _endpoints.Values.Any(each => each.Traits.Kind == ConnectionKind.Primary);

    private bool IsAnyConnected => _endpoints.Values
        .Any(each => each.Traits.Kind == ConnectionKind.Primary && each.ConnectedCount > 0);

    /// <summary>
    /// Standalone takes over after three probe intervals without any controller; with fail_mode
    /// secure never. Without controllers the bridge installs its own NORMAL flow.
    /// </summary>
    private void UpdateFailMode()
    {
        var isSecure = _spec.FailMode == "secure";
        if (isSecure || !HasControllers || IsAnyConnected)
        {
            Timers.Cancel(FailTimer);
            SetStandalone(false);
            return;
        }

        if (_isStandalone || Timers.IsTimerActive(FailTimer)) return;
        var probe = _endpoints.Values.Where(each => each.Traits.Kind == ConnectionKind.Primary)
            .Select(each => each.Traits.ProbeInterval ?? DefaultProbe).Max();
        Timers.StartSingleTimer(FailTimer, new FailOpenDue(), probe * ProbesUntilStandalone);
    }

    private void SetStandalone(bool isStandalone)
    {
        if (_isStandalone == isStandalone) return;
        _isStandalone = isStandalone;
        _switch.Tell(new FailModeChanged(isStandalone));
    }

    /// <summary>Tells the switch how each controller of the row is.</summary>
    private void Observe()
    {
        var all = ImmutableSortedDictionary.CreateBuilder<string,
            ControllerStatus>(StringComparer.Ordinal);
        foreach (var endpoint in _endpoints.Values)
        {
            if (IsBuiltIn(endpoint)) continue;
            var isConnected = endpoint.ConnectedCount > 0;
            var since = _time.GetElapsedTime(endpoint.Since);
            var state = isConnected ? "ACTIVE" : endpoint.IsPassive ? "IDLE" : endpoint.State;
            all[endpoint.Target] =
                new ControllerStatus(isConnected, isConnected ? RoleOf(endpoint) : "",
                state, endpoint.LastError, isConnected ? since : null, isConnected ? null : since);
        }

        _switch.Tell(new ControllersObserved(_bridge, all.ToImmutable()));
    }

    private string RoleOf(Endpoint endpoint)
    {
        var role = _connections.Values.Where(each => ReferenceEquals(each.Endpoint, endpoint))
            .Select(each => each.Role).DefaultIfEmpty(OfRole.Equal).Max();
        return role switch
        {
            OfRole.Primary => "master",
            OfRole.Secondary => "slave",
            _ =>
            "other"
        };
    }
}
