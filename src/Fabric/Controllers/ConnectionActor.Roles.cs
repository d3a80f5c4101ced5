using Akka.Actor;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <content>Roles: the parent decides, and what a peer says next waits for it.</content>
/// <remarks>
/// Whether a controller may change flows depends on its role, so that messages which come right
/// behind a role request must not be looked at before the role is known. Meanwhile nothing more is
/// read from the peer than the few batches that are on their way.
/// </remarks>
public sealed partial class ConnectionActor
{
    private readonly List<FramesReceived> _held = [];
    private OfRole _role = OfRole.Equal;

    /// <summary>The role request that was not decided yet.</summary>
    private PendingChange? _roleAwaited;

    private bool IsSecondary => _role == OfRole.Secondary;

    private void OnRoleRequest(OfRoleRequest request, uint xid, ReadOnlyMemory<byte> frame)
    {
        FlushChanges();
        _roleAwaited = new PendingChange(xid, frame);
        Context.Parent.Tell(new RoleRequested(xid, request.Role, request.GenerationId));
    }

    /// <summary>The rest of a batch comes before the batches after it.</summary>
    private void Hold(ReadOnlySpan<byte> rest)
    {
        if (!rest.IsEmpty) _held.Insert(0, new FramesReceived(rest.ToArray(), rest.Length));
    }

    private void OnRoleDecided(RoleDecided decided)
    {
        if (_roleAwaited is not { } request) return;
        _roleAwaited = null;
        if (decided.Error != OfErrorCode.None)
        {
            SendError(decided.Error, request.Xid, request.Frame);
        }
        else
        {
            _role = decided.Role;
            Send(new OfRoleReply(_role, decided.GenerationId), request.Xid);
        }

        while (_roleAwaited is null && _held.Count > 0 && !_isClosing)
        {
            var next = _held[0];
            _held.RemoveAt(0);
            Handle(next);
        }

        GrantCredit();
    }

    private void OnRoleDemoted(RoleDemoted demoted)
    {
        if (_role != OfRole.Primary) return;
        _role = OfRole.Secondary;
        if (!_isEstablished || _version < OfVersion.OpenFlow13) return;
        Send(new OfRoleStatus(_role, OfRoleReason.PrimaryRequest, demoted.GenerationId), 0);
    }
}
