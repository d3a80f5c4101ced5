using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Util;

namespace Akka.Cluster.Tools.Singleton;

/// <summary>A singleton to be run: its props, name, settings.</summary>
public sealed class SingletonActor
{
    private SingletonActor(
        string name, Props props, Option<object> stopMessage,
        Option<ClusterSingletonSettings> settings)
    {
        Name = name;
        Props = props;
        StopMessage = stopMessage;
        Settings = settings;
    }

    public string Name { get; }
    public Props Props { get; }
    public Option<object> StopMessage { get; }
    public Option<ClusterSingletonSettings> Settings { get; }

    public static SingletonActor Create(Props props, string name) =>
        new(name, props, Option<object>.None, Option<ClusterSingletonSettings>.None);

    public SingletonActor WithProps(Props props) => new(Name, props, StopMessage, Settings);

    public SingletonActor WithStopMessage(object stopMessage) =>
        new(Name, Props, stopMessage, Settings);

    public SingletonActor WithSettings(ClusterSingletonSettings settings) =>
        new(Name, Props, StopMessage, settings);
}

/// <summary>Runs singletons, and gives proxies to them.</summary>
public sealed class ClusterSingleton : IExtension
{
    private readonly ExtendedActorSystem _system;
    private readonly Cluster _cluster;
    private readonly ConcurrentDictionary<string, Lazy<IActorRef>> _proxies = new();

    internal ClusterSingleton(ExtendedActorSystem system)
    {
        _system = system;
        _cluster = Cluster.Get(system);
    }

    public static ClusterSingleton Get(ActorSystem system) =>
        system.WithExtension<ClusterSingleton, ClusterSingletonProvider>();

    /// <summary>
    /// Starts a manager here, if this host has the role, and returns a proxy. Calling it again
    /// with the same name returns the same proxy.
    /// </summary>
    public IActorRef Init(SingletonActor singleton) =>
        _proxies.GetOrAdd(
            singleton.Name, _ => new Lazy<IActorRef>(() => Start(singleton))).Value;

    private IActorRef Start(SingletonActor singleton)
    {
        var settings = singleton.Settings.HasValue
            ? singleton.Settings.Value
            : ClusterSingletonSettings.Create(_system);
        var managerName = "singletonManager" + singleton.Name;
        if (settings.Role is null || _cluster.SelfRoles.Contains(settings.Role))
        {
            var manager = new ClusterSingletonManagerSettings(
                singleton.Name, settings.Role, settings.RemovalMargin,
                settings.HandOverRetryInterval, settings.LeaseSettings);
            var stopMessage = singleton.StopMessage.HasValue
                ? singleton.StopMessage.Value
                : PoisonPill.Instance;
            _system.SystemActorOf(
                ClusterSingletonManager.Props(singleton.Props, stopMessage, manager), managerName);
        }

        var proxy = new ClusterSingletonProxySettings(
            singleton.Name, settings.Role, settings.SingletonIdentificationInterval,
            settings.BufferSize, false);
        return _system.SystemActorOf(
            ClusterSingletonProxy.Props("/system/" + managerName, proxy),
            "singletonProxy" + singleton.Name);
    }
}

/// <summary>The id of <see cref="ClusterSingleton"/>.</summary>
public sealed class ClusterSingletonProvider : ExtensionIdProvider<ClusterSingleton>
{
    public override ClusterSingleton CreateExtension(ExtendedActorSystem system) => new(system);
}
