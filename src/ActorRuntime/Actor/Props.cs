#nullable disable
using System.Linq.Expressions;

namespace Akka.Actor;

/// <summary>
/// How to make an actor: its type, constructor arguments and settings. Immutable.
/// </summary>
public class Props
{
    private static readonly object[] NoArguments = [];

    private ActorFactory _factory;
    private SupervisorStrategy _supervisorStrategy;
    private Deploy _deploy = Deploy.Local;

    /// <summary>Props of an actor without constructor arguments.</summary>
    public Props() : this(typeof(BlackHole), NoArguments) { }

    public Props(Type type) : this(type, NoArguments) { }

    public Props(Type type, object[] args)
    {
        ArgumentNullException.ThrowIfNull(type);
        Type = type;
        Arguments = args ?? NoArguments;
    }

    private Props(Props other)
    {
        Type = other.Type;
        Arguments = other.Arguments;
        StashCapacity = other.StashCapacity;
        RouterConfig = other.RouterConfig;
        _factory = other._factory;
        _supervisorStrategy = other._supervisorStrategy;
        _deploy = other._deploy;
    }

    /// <summary>An actor that takes everything and does nothing.</summary>
    public static readonly Props Empty = new();

    public static readonly Props None = null;

    public Type Type { get; }
    public object[] Arguments { get; }
    public string TypeName => Type.AssemblyQualifiedName;
    public string Dispatcher => Deploy.Dispatcher;
    public string Mailbox => Deploy.Mailbox;

    /// <summary>Messages that a bounded stash holds; -1: no limit.</summary>
    internal int StashCapacity { get; private init; } = -1;

    internal RouterConfig RouterConfig { get; private init; }

    public Deploy Deploy
    {
        get => _deploy;
        set => _deploy = value;
    }

    /// <summary>Null: the actor's own.</summary>
    public SupervisorStrategy SupervisorStrategy
    {
        get => _supervisorStrategy;
        set => _supervisorStrategy = value;
    }

    /// <summary>
    /// Takes <c>() => new A(x, y)</c> apart: the arguments are evaluated now, the constructor
    /// runs at every start. Settings by initialiser are not possible.
    /// </summary>
    /// <exception cref="ArgumentException">The expression is no constructor call.</exception>
    public static Props Create<TActor>(
        Expression<Func<TActor>> factory, SupervisorStrategy supervisorStrategy = null)
        where TActor : ActorBase
    {
        if (factory.Body is not NewExpression creation)
        {
            throw new ArgumentException("The create function must be a 'new T (args)' expression");
        }
        var arguments = ArgumentEvaluation.Evaluate(creation.Arguments);
        return new Props(creation.Type, arguments)
        {
            _factory = creation.Constructor is null
                ? null : ActorFactory.Of(creation.Constructor),
            _supervisorStrategy = supervisorStrategy,
        };
    }

    public static Props Create<TActor>(params object[] args) where TActor : ActorBase =>
        new(typeof(TActor), args);

    public static Props Create<TActor>(SupervisorStrategy supervisorStrategy)
        where TActor : ActorBase, new() =>
        new(typeof(TActor), NoArguments) { _supervisorStrategy = supervisorStrategy };

    public static Props Create(Type type, params object[] args) => new(type, args);

    /// <summary>Makes actors by a function; such props cannot leave the process.</summary>
    public static Props CreateBy<TActor>(Func<TActor> producer) where TActor : ActorBase =>
        new(typeof(TActor), NoArguments) { _factory = ActorFactory.Of(producer) };

    public Props WithDeploy(Deploy deploy) => new(this) { _deploy = deploy };
    public Props WithDispatcher(string dispatcher) =>
        WithDeploy(Deploy.WithDispatcher(dispatcher));
    public Props WithMailbox(string mailbox) => WithDeploy(Deploy.WithMailbox(mailbox));
    public Props WithRouter(RouterConfig routerConfig) => new(this) { RouterConfig = routerConfig };
    public Props WithStashCapacity(int stashCapacity) =>
        new(this) { StashCapacity = stashCapacity };
    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy) =>
        new(this) { _supervisorStrategy = supervisorStrategy };

    /// <summary>Makes an instance; only inside a cell that asks for one.</summary>
    internal ActorBase NewActor() =>
        (_factory ??= ActorFactory.Of(Type, Arguments)).Make(Arguments);

    private sealed class BlackHole : UntypedActor
    {
        protected override void OnReceive(object message) { }
    }
}

/// <summary>How messages are spread over several actors; none is part of the subset.</summary>
public abstract class RouterConfig;

/// <summary>Where an actor is to run.</summary>
public abstract class Scope
{
    public static readonly LocalScope Local = LocalScope.Instance;
    public abstract Scope WithFallback(Scope other);
}

/// <summary>In this system.</summary>
public sealed class LocalScope : Scope
{
    public static LocalScope Instance { get; } = new();
    private LocalScope() { }
    public override Scope WithFallback(Scope other) => Instance;
}

/// <summary>Dispatcher, mailbox and place of an actor.</summary>
public sealed class Deploy
{
    public static readonly string NoDispatcherGiven = string.Empty;
    public static readonly string NoMailboxGiven = string.Empty;
    public static readonly Deploy Local = new(Scope.Local);
    public static readonly Deploy None = null;

    public Deploy() : this(Scope.Local) { }
    public Deploy(Scope scope) => Scope = scope;

    public Scope Scope { get; private init; }
    public string Dispatcher { get; private init; } = NoDispatcherGiven;
    public string Mailbox { get; private init; } = NoMailboxGiven;

    public Deploy WithScope(Scope scope) =>
        new(scope) { Dispatcher = Dispatcher, Mailbox = Mailbox };
    public Deploy WithDispatcher(string dispatcher) =>
        new(Scope) { Dispatcher = dispatcher, Mailbox = Mailbox };
    public Deploy WithMailbox(string mailbox) =>
        new(Scope) { Dispatcher = Dispatcher, Mailbox = mailbox };
}
