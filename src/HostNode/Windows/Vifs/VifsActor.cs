using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Configuration;

namespace Fabric.HostNode.Windows;

/// <summary>Keeps the NICs of this Hyper-V host in the Open_vSwitch database.</summary>
/// <remarks>
/// Hears:  <see cref="NicsSeen"/> from whoever looks at the host; <see cref="DatabaseChanged"/>
///         and <see cref="TransactCompleted"/> from the database.
/// Says:   <see cref="SubscribeDatabase"/>, <see cref="Transact"/>.
/// Holds:  the last of both; nothing that they cannot say again.
/// Fails:  when the database's actor is gone: its parent starts it anew. A transaction that is
///         refused is tried again with the next change or look.
/// </remarks>
internal sealed class VifsActor : ReceiveActor
{
    private readonly IActorRef _database;
    private readonly Func<Guid> _newUuid;
    private readonly Func<IActorRef, IDisposable>? _startWatch;
    private IDisposable? _watch;
    private DatabaseSnapshot? _known;
    private ImmutableArray<VirtualNic> _nics;
    private long _requests;
    private bool _isWaiting;

    public VifsActor(
        IActorRef database, Func<Guid> newUuid, Func<IActorRef, IDisposable>? startWatch)
    {
        _startWatch = startWatch;
        _database = database;
        _newUuid = newUuid;
        Receive<NicsSeen>(seen =>
        {
            _nics = seen.Nics;
            Reconcile();
        });
        Receive<DatabaseChanged>(changed =>
        {
            _known = changed.After;
            Reconcile();
        });
        Receive<TransactCompleted>(_ => _isWaiting = false);
    }

    /// <param name="startWatch">Starts who tells <see cref="NicsSeen"/>; ends with the actor.
    /// </param>
    public static Props Props(
        IActorRef database, Func<Guid> newUuid,
        Func<IActorRef, IDisposable>? startWatch = null) =>
        Akka.Actor.Props.Create(() => new VifsActor(database, newUuid, startWatch));

    protected override void PreStart()
    {
        Context.Watch(_database);
        _database.Tell(new SubscribeDatabase(Self));
        _watch = _startWatch?.Invoke(Self);
    }

    protected override void PostStop() => _watch?.Dispose();

    /// <remarks>One transaction at a time: the database tells what came of it.</remarks>
    private void Reconcile()
    {
        if (_known is null || _nics.IsDefault || _isWaiting) return;
        var operations = VifRows.Reconcile(_known, _nics, _newUuid);
        if (operations.IsEmpty) return;
        _isWaiting = true;
        _database.Tell(new Transact(++_requests, operations));
    }
}

/// <summary>All NICs of the host, as they are now.</summary>
internal sealed record NicsSeen(ImmutableArray<VirtualNic> Nics);
