#nullable disable
using System.Globalization;
using Akka.Util;

namespace Akka.Actor;

/// <summary>
/// Makes and finds references; remoting derives from it to add those of other systems.
/// </summary>
/// <remarks>
/// The seam for remoting: <see cref="Start"/> brings the transport up and must know the address
/// when it returns; <see cref="ResolveRemote"/> makes references of other systems;
/// <see cref="DefaultAddress"/> is what serialisers write into local paths;
/// <see cref="Shutdown"/> closes the transport after the last actor has ended.
/// </remarks>
internal class LocalActorRefProvider : IActorRefProvider
{
    private long _tempNumber;

    public ActorSystemRuntime System { get; private set; }
    public ActorPath RootPath { get; private set; }
    public InternalActorRef DeadLetters { get; private set; }
    public LocalActorRef RootGuardian { get; private set; }
    public LocalActorRef Guardian { get; private set; }
    public LocalActorRef SystemGuardian { get; private set; }
    public TempContainer TempContainer { get; private set; }

    /// <summary>Tells cells of addresses that are gone for good.</summary>
    public AddressTerminatedTopic AddressTerminatedTopic { get; } = new();

    public ActorCell RootCell => RootGuardian.Cell;
    public ActorCell GuardianCell => Guardian.Cell;
    public ActorCell SystemGuardianCell => SystemGuardian.Cell;

    IActorRef IActorRefProvider.DeadLetters => DeadLetters;

    /// <summary>By which others reach this system.</summary>
    public virtual Address DefaultAddress => RootPath.Address;

    /// <summary>Makes the guardians; no message is handled before the caller goes on.</summary>
    public virtual void Init(ActorSystemRuntime system)
    {
        System = system;
        RootPath = new RootActorPath(new Address("akka", system.Name));
        DeadLetters = new DeadLetterRef(this, RootPath / "deadLetters", system.EventStream);
        TempContainer = new TempContainer(this, RootPath / "temp");
        var above = new RootParentRef(this, RootPath / "_Root-guardian-supervisor", system.Finish);
        var dispatcher = system.DefaultDispatcher;
        var root = new ActorCell(system,
            Props.Create(() => new RootGuardianActor()), above, RootPath, dispatcher);
        RootGuardian = root.SelfInternal;
        var configured = TypeNames.Make<SupervisorStrategyConfigurator>(
            system.Settings.Config.GetString("akka.actor.guardian-supervisor-strategy"),
            "akka.actor.guardian-supervisor-strategy").Create();
        Guardian = (LocalActorRef)root.AttachChild(
            Props.Create(() => new GuardianActor(configured)), "user");
        SystemGuardian = (LocalActorRef)root.AttachChild(
            Props.Create(() => new GuardianActor(SupervisorStrategy.DefaultStrategy)), "system");
        root.Start();
    }

    /// <summary>Brings the transport up.</summary>
    public virtual void Start() { }

    /// <summary>Takes the transport down; called when the last actor has ended.</summary>
    public virtual Task Shutdown() => Task.CompletedTask;

    /// <summary>A reference into another system; without remoting nobody is there.</summary>
    protected virtual InternalActorRef ResolveRemote(ActorPath path) => EmptyRef(path);

    /// <summary>Makes a child; remoting may place it elsewhere.</summary>
    public virtual InternalActorRef ActorOf(
        ActorSystemRuntime system, Props props, InternalActorRef supervisor, ActorPath path)
    {
        var dispatcher = system.DispatcherOf(props, path.Name);
        return new ActorCell(system, props, supervisor, path, dispatcher).SelfInternal;
    }

    /// <summary>True if the address is this system's.</summary>
    public virtual bool IsOwn(Address address) =>
        address.Equals(RootPath.Address) || address.Equals(DefaultAddress);

    public virtual Address GetExternalAddressFor(Address address) =>
        IsOwn(address) ? address : null;

    public IActorRef ResolveActorRef(string path) => Resolve(path);
    public IActorRef ResolveActorRef(ActorPath actorPath) => Resolve(actorPath);

    /// <summary>The reference at a path; one to dead letters if nobody is there.</summary>
    public InternalActorRef Resolve(string path) =>
        ActorPath.TryParse(path, out var parsed) ? Resolve(parsed) : DeadLetters;

    public InternalActorRef Resolve(ActorPath path)
    {
        if (!IsOwn(path.Address)) return ResolveRemote(path);
        var found = FindLocal(path);
        return found ?? EmptyRef(path);
    }

    /// <summary>The living local actor at a path, of that incarnation if it names one, or null.
    /// </summary>
    public InternalActorRef FindLocal(ActorPath path)
    {
        string[] elements = [.. path.Elements];
        if (elements.Length == 0) return RootGuardian;
        switch (elements[0])
        {
            case "temp": return TempContainer.GetChild(elements.AsSpan(1));
            case "deadLetters": return DeadLetters;
        }
        var found = RootGuardian.GetChild(elements);
        return found is null || (path.Uid != 0 && found.Path.Uid != path.Uid) ? null : found;
    }

    /// <summary>The root of the system at an address.</summary>
    public InternalActorRef RootAt(Address address) =>
        IsOwn(address) ? RootGuardian : ResolveRemote(new RootActorPath(address));

    public InternalActorRef EmptyRef(ActorPath path) =>
        new EmptyActorRef(this, path, System.EventStream);

    public ActorPath TempPath() =>
        TempContainer.Path / string.Create(CultureInfo.InvariantCulture,
            $"t{Interlocked.Increment(ref _tempNumber)}");
}

/// <summary>Cells that have to do with other systems hear when one of those is gone.</summary>
internal sealed class AddressTerminatedTopic
{
    private readonly List<InternalActorRef> _subscribers = [];

    public void Subscribe(InternalActorRef subscriber)
    {
        lock (_subscribers) _subscribers.Add(subscriber);
    }

    public void Unsubscribe(InternalActorRef subscriber)
    {
        lock (_subscribers) _subscribers.Remove(subscriber);
    }

    /// <summary>The address is gone for good.</summary>
    public void Publish(Address address)
    {
        InternalActorRef[] told;
        lock (_subscribers) told = [.. _subscribers];
        foreach (var subscriber in told)
        {
            subscriber.SendSystemMessage(new AddressTerminated(address));
        }
    }
}
