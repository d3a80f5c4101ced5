using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>Forwards to the singleton, wherever it runs.</summary>
/// <remarks>
/// Hears:  any message, for the singleton; membership; the singleton's identity and end.
/// Says:   what it was told, with the sender as it was; <see cref="Identify"/> to where the
///         singleton should be.
/// Holds:  the singleton's reference, or messages that wait for it (bounded; the oldest are
///         dropped with a log line and a dead letter).
/// Fails:  never; while there is no singleton, it keeps asking.
/// </remarks>
public sealed class ClusterSingletonProxy : ReceiveActor, IWithTimers
{
    private sealed class IdentifyTick
    {
        public static readonly IdentifyTick Instance = new();
    }

    private readonly string[] _singletonPath;
    private readonly ClusterSingletonProxySettings _settings;
    private readonly Cluster _cluster;
    private readonly ILoggingAdapter _log;
    private readonly Queue<(object Message, IActorRef Sender)> _waiting = new();
    private readonly SortedDictionary<UniqueAddress, Member> _members = [];
    private IActorRef? _singleton;
    private UniqueAddress? _oldest;
    private long _question;

    public ClusterSingletonProxy(
        string singletonManagerPath, ClusterSingletonProxySettings settings)
    {
        _settings = settings;
        _singletonPath = [.. singletonManagerPath.Split('/', StringSplitOptions.RemoveEmptyEntries),
            settings.SingletonName];
        _cluster = Cluster.Get(Context.System);
        _log = Context.GetLogger();

        Receive<ClusterEvent.IMemberEvent>(MemberChanged);
        Receive<ClusterEvent.CurrentClusterState>(_ => { });
        Receive<ActorIdentity>(identity => Found(identity.Subject), identity =>
            IsCurrent(identity));
        Receive<ActorIdentity>(_ => { }, identity => identity.MessageId is string text
            && text.StartsWith(QuestionPrefix, StringComparison.Ordinal));
        Receive<IdentifyTick>(_ => Ask());
        Receive<Terminated>(_ => Lost(), gone => gone.ActorRef.Equals(_singleton));
        ReceiveAny(Forward);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="singletonManagerPath">Path of the manager, the same on every host.</param>
    /// <param name="settings">Name, role and buffer.</param>
    public static Props Props(string singletonManagerPath,
        ClusterSingletonProxySettings settings) =>
        Akka.Actor.Props.Create(() => new ClusterSingletonProxy(singletonManagerPath, settings));

    public static Config DefaultConfig() => ClusterSingletonManager.DefaultConfig();

    private string QuestionPrefix => "singleton-" + string.Join('/', _singletonPath) + "-";

    protected override void PreStart()
    {
        _cluster.Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent));
        Timers.StartPeriodicTimer(
            "identify", IdentifyTick.Instance, _settings.SingletonIdentificationInterval);
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private void MemberChanged(ClusterEvent.IMemberEvent news)
    {
        var member = news.Member;
        if (_settings.Role is { } role && !member.HasRole(role)) return;
        if (news is ClusterEvent.MemberRemoved) _members.Remove(member.UniqueAddress);
        else _members[member.UniqueAddress] = member;

        var oldest = _members.Values
            .Where(m => m.Status is MemberStatus.Up or MemberStatus.Leaving)
            .Order(Member.AgeOrdering).FirstOrDefault()?.UniqueAddress;
        if (oldest == _oldest) return;
        _oldest = oldest;
        Forget();
        Ask();
    }

    private void Ask()
    {
        if (_singleton is not null || _oldest is null) return;
        _question++;
        Context.ActorSelection(new RootActorPath(_oldest.Address) / _singletonPath)
            .Tell(new Identify(QuestionPrefix + _question), Self);
    }

    private bool IsCurrent(ActorIdentity identity) =>
        identity.MessageId is string text && text == QuestionPrefix + _question;

    private void Found(IActorRef? subject)
    {
        if (subject is null || _singleton is not null) return;
        _log.Debug("Singleton identified at [{0}]", subject.Path);
        _singleton = Context.Watch(subject);
        while (_waiting.TryDequeue(out var next)) subject.Tell(next.Message, next.Sender);
    }

    private void Lost()
    {
        _singleton = null;
        Ask();
    }

    private void Forget()
    {
        if (_singleton is not null) Context.Unwatch(_singleton);
        _singleton = null;
    }

    private void Forward(object message)
    {
        if (_singleton is not null)
        {
            _singleton.Forward(message);
            return;
        }

        if (_settings.BufferSize == 0)
        {
            Drop(message, Sender);
            return;
        }

        if (_waiting.Count >= _settings.BufferSize)
        {
            var (oldest, sender) = _waiting.Dequeue();
            Drop(oldest, sender);
        }

        _waiting.Enqueue((message, Sender));
    }

    private void Drop(object message, IActorRef sender)
    {
        _log.Debug("Singleton not available, dropped message type [{0}]", message.GetType());
        Context.System.DeadLetters.Tell(new DeadLetter(message, sender, Self), sender);
    }
}
