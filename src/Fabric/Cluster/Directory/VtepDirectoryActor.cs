using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>Gossips this host's VTEPs and knows those of all hosts that are alive.</summary>
/// <remarks>
/// Hears:  <see cref="PublishVteps"/> and <see cref="MembershipView"/> from its parent;
///         <see cref="Changed"/> from the replicator.
/// Says:   <see cref="VtepsChanged"/> to its parent.
/// Holds:  what gossip can say again, and this host's own record.
/// Fails:  with the replicator; started anew, it subscribes again.
/// </remarks>
public sealed class VtepDirectoryActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly ImmutableArray<LWWDictionaryKey<string, HostRecord>> Keys =
        HostShards.KeysOf<HostRecord>("fabric.hosts");

    private readonly string _host;
    private readonly Akka.Cluster.Cluster _node = Akka.Cluster.Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;

    private ImmutableDictionary<string, HostRecord> _records =
        ImmutableDictionary<string, HostRecord>.Empty;
    private MembershipView _members;
    private ImmutableSortedSet<Vtep>? _told;
    private HostRecord? _own;
    private long _version;
    private bool _isPatient = true;

    /// <param name="version">Versions of this host's record begin above it.</param>
    public VtepDirectoryActor(string host, long version)
    {
        _host = host;
        _version = version;
        _members = MembershipView.Nothing(host);
        Receive<PublishVteps>(Publish);
        Receive<MembershipView>(members =>
        {
            _members = members;
            Tell();
        });
        Receive<Changed>(changed =>
        {
            _records = _records.SetItems(changed.Get(KeyOf(changed)).Entries);
            KeepOwn();
            Tell();
        });
        Receive<PatienceEnded>(_ =>
        {
            _isPatient = false;
            Tell();
        });
        Receive<IUpdateResponse>(_ => { }); // Local writes; gossip carries them on.
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string host, long version) =>
        Akka.Actor.Props.Create(() => new VtepDirectoryActor(host, version));

    private sealed record PatienceEnded;

    protected override void PreStart()
    {
        foreach (var key in Keys) _replicator.Tell(Dsl.Subscribe(key, Self));
        Context.Parent.Tell(SeamChildStarted.Instance);
        Timers.StartSingleTimer(nameof(PatienceEnded), new PatienceEnded(), Patience);
    }

    private void Publish(PublishVteps publish)
    {
        if (_own is not null && _own.HostName == publish.HostName
            && _own.Vteps.SetEquals(publish.Vteps)) return;
        _own = new HostRecord(_host, publish.HostName, ++_version, publish.Vteps);
        Write(_own);
    }

    /// <summary>Gossip may remember this host from a life whose state was lost.</summary>
    private void KeepOwn()
    {
        if (_own is null || !_records.TryGetValue(_host, out var known)) return;
        if (known.Version <= _own.Version)
        {
            _records = _records.SetItem(_host, _own); // Gossip told an older one.
            return;
        }

        _version = known.Version + 1;
        _own = _own with { Version = _version };
        Write(_own);
    }

    private void Write(HostRecord record)
    {
        _records = _records.SetItem(_host, record);
        _replicator.Tell(Dsl.Update(
            Keys[HostShards.ShardOf(_host)], LWWDictionary<string, HostRecord>.Empty,
            WriteLocal.Instance,
            map => map.SetItem(_node, _host, record, (_, value) => value.Version)));
        Tell();
    }

    private static LWWDictionaryKey<string, HostRecord> KeyOf(Changed changed) =>
        Keys.First(key => key.Id == changed.Key.Id);

    private void Tell()
    {
        var live = VtepDirectory.Live(_records, _members, _isPatient);
        if (live is null || (_told is not null && _told.SetEquals(live))) return;
        _told = live;
        Context.Parent.Tell(new VtepsChanged(live));
    }
}
