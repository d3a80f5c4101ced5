#nullable disable
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;

namespace Akka.Remote;

/// <summary>Adds the references of other systems: <c>akka.actor.provider = remote</c>.</summary>
internal class RemoteActorRefProvider : LocalActorRefProvider
{
    private Remoting _remoting;

    public Remoting Remoting => _remoting;

    public override Address DefaultAddress => _remoting?.DefaultAddress ?? base.DefaultAddress;

    public override void Init(ActorSystemRuntime system)
    {
        system.Settings.InjectTopLevelFallback(ConfigurationFactory.ParseString(Reference));
        base.Init(system);
    }

    public override void Start()
    {
        base.Start();
        _remoting = new Remoting(System, this, System.Runtime?.Transport as IRemoteTransport);
        _remoting.Start();
    }

    public override Task Shutdown()
    {
        _remoting?.Shutdown();
        return base.Shutdown();
    }

    protected override InternalActorRef ResolveRemote(ActorPath path) =>
        path.Address.HasGlobalScope && _remoting is not null
            ? new RemoteActorRef(_remoting, path)
            : base.ResolveRemote(path);

    protected virtual string Reference =>
        RemoteSettings.Reference + "\n" + MiscMessageSerializer.Reference;
}
