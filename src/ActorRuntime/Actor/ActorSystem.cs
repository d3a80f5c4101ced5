#nullable disable
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Actor;

/// <summary>A tree of actors with a name, a configuration and a life.</summary>
public abstract class ActorSystem : IActorRefFactory, IDisposable
{
    public abstract Settings Settings { get; }
    public abstract string Name { get; }
    public abstract Akka.Serialization.Serialization Serialization { get; }
    public abstract EventStream EventStream { get; }
    public abstract IActorRef DeadLetters { get; }
    public abstract IScheduler Scheduler { get; }
    public abstract ILoggingAdapter Log { get; }

    /// <summary>Completes when the system has ended.</summary>
    public abstract Task WhenTerminated { get; }

    /// <summary>How long the system has run.</summary>
    public abstract TimeSpan Uptime { get; }

    public static ActorSystem Create(string name) => Create(name, ActorSystemSetup.Empty);

    public static ActorSystem Create(string name, Config config) =>
        Create(name, BootstrapSetup.Create().WithConfig(config));

    public static ActorSystem Create(string name, BootstrapSetup setup) =>
        Create(name, ActorSystemSetup.Create(setup));

    /// <summary>Makes and starts a system.</summary>
    /// <exception cref="ArgumentException">The name is not letters, digits, - and _.</exception>
    /// <exception cref="ConfigurationException">The configuration lacks or breaks something.
    /// </exception>
    public static ActorSystem Create(string name, ActorSystemSetup setup)
    {
        var bootstrap = setup.Get<BootstrapSetup>().GetOrElse(BootstrapSetup.Create());
        var config = bootstrap.Config.GetOrElse(Config.Empty)
            .WithFallback(bootstrap.ConfigFallback);
        var system = new ActorSystemRuntime(name, config, setup, bootstrap.ActorRefProvider);
        system.Start();
        return system;
    }

    /// <summary>The registered extension of that type.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public abstract T GetExtension<T>() where T : class, IExtension;

    public abstract bool HasExtension<T>() where T : class, IExtension;
    public abstract bool HasExtension(Type type);
    public abstract object GetExtension(IExtensionId extensionId);
    public abstract object RegisterExtension(IExtensionId extension);

    /// <summary>Makes an actor below /user.</summary>
    public abstract IActorRef ActorOf(Props props, string name = null);

    public abstract ActorSelection ActorSelection(ActorPath actorPath);
    public abstract ActorSelection ActorSelection(string actorPath);
    public abstract void Stop(IActorRef actor);

    /// <summary>Runs when the system has ended, last registered first.</summary>
    public abstract void RegisterOnTermination(Action code);

    /// <summary>Ends the system through its coordinated shutdown.</summary>
    public abstract Task Terminate();

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) Terminate();
    }
}

/// <summary>A system as extensions see it.</summary>
public abstract class ExtendedActorSystem : ActorSystem
{
    public abstract IActorRefProvider Provider { get; }

    /// <summary>/user.</summary>
    public abstract IActorRef Guardian { get; }

    /// <summary>/system.</summary>
    public abstract IActorRef SystemGuardian { get; }

    /// <summary>Makes an actor below /system; it ends after those below /user.</summary>
    public abstract IActorRef SystemActorOf(Props props, string name = null);

    public IActorRef SystemActorOf<TActor>(string name = null) where TActor : ActorBase, new() =>
        SystemActorOf(Props.Create<TActor>(), name);
}

/// <summary>Finds references by path.</summary>
public interface IActorRefProvider
{
    IActorRef DeadLetters { get; }
    ActorPath RootPath { get; }

    /// <summary>By which others reach this system; local scope without remoting.</summary>
    Address DefaultAddress { get; }

    IActorRef ResolveActorRef(string path);
    IActorRef ResolveActorRef(ActorPath actorPath);

    /// <summary>By which that address reaches this system; null if it cannot.</summary>
    Address GetExternalAddressFor(Address address);
}
