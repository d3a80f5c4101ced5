using System.Collections.Immutable;
using System.Reflection;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Akka.Coordination;
using Akka.DistributedData;
using Akka.Persistence;
using Akka.Util;

namespace Fabric.ActorRuntime.Tests.Api;

/// <summary>
/// Makes an object of each public type that carries data, and looks at what it says of itself.
/// </summary>
/// <remarks>
/// A constructor is called with values that are told apart, and every property or field that bears
/// a parameter's name has to say the value back. WithX gives a copy that says the value as X and
/// all else as before. Types whose constructors take what cannot be made here are left to tests of
/// their own.
/// </remarks>
internal sealed class DataTypes(IActorRef reference)
{
    private const BindingFlags Seen = BindingFlags.Public | BindingFlags.Instance;

    private readonly Dictionary<Type, object> _samples = SamplesOf(reference);

    /// <summary>"Type.Member" of what was called and found right.</summary>
    public SortedSet<string> Exercised { get; } = new(StringComparer.Ordinal);

    public List<string> Problems { get; } = [];

    public void Look(IEnumerable<Type> types)
    {
        foreach (var type in types)
        {
            if (type.IsAbstract || type.IsEnum || typeof(Delegate).IsAssignableFrom(type)
                || typeof(ActorBase).IsAssignableFrom(type)) continue;
            if (LookAtSingleton(type)) continue;
            if (type.ContainsGenericParameters)
            {
                if (!type.Name.EndsWith("Key`1", StringComparison.Ordinal)
                    && !type.Name.EndsWith("Key`2", StringComparison.Ordinal)) continue;
                LookAtKey(type);
                continue;
            }

            foreach (var made in type.GetConstructors()) LookAt(type, made);
        }
    }

    /// <summary>Type.Instance is one object.</summary>
    private bool LookAtSingleton(Type type)
    {
        const BindingFlags Shared = BindingFlags.Public | BindingFlags.Static;
        if (type.ContainsGenericParameters) return false;
        object? first = null, second = null;
        if (type.GetProperty("Instance", Shared) is { } property)
            (first, second) = (property.GetValue(null), property.GetValue(null));
        else if (type.GetField("Instance", Shared) is { } field)
            (first, second) = (field.GetValue(null), field.GetValue(null));
        if (first is null) return false;
        if (!ReferenceEquals(first, second) || first.GetType() != type)
            Problems.Add($"{type.FullName}.Instance is not one {type.Name}");
        Use(type, "Instance");
        Use(type, "get_Instance");
        return type.GetConstructors().Length == 0;
    }

    private void LookAtKey(Type type)
    {
        var closed = type.MakeGenericType(
            [.. type.GetGenericArguments().Select(argument =>
                argument.GetGenericParameterConstraints().Length > 0
                    ? typeof(Flag)
                    : typeof(string))]);
        var key = (IKey)Activator.CreateInstance(closed, "the key")!;
        if (key.Id != "the key") Problems.Add($"{type.FullName} forgets its id");
        if (!key.Equals(Activator.CreateInstance(closed, "the key")))
            Problems.Add($"{type.FullName}: equal ids, unequal keys");
        Use(type, ".ctor");
    }

    private void LookAt(Type type, ConstructorInfo made)
    {
        var parameters = made.GetParameters();
        var values = new object?[parameters.Length];
        for (var i = 0; i < parameters.Length; i++)
        {
            if (!TrySample(parameters[i], out values[i])) return;
        }

        object instance;
        try
        {
            instance = made.Invoke(values);
        }
        catch (TargetInvocationException)
        {
            return; // The values are told apart, but not all types like them.
        }

        Use(type, ".ctor");
        for (var i = 0; i < parameters.Length; i++)
            LookAt(type, instance, parameters[i].Name!, values[i]);
        foreach (var with in type.GetMethods(Seen).Where(method =>
            method.Name.StartsWith("With", StringComparison.Ordinal)
            && method.ReturnType == type && method.GetParameters().Length == 1
            && type != typeof(Props))) // A Props' dispatcher is its deployment's.
        {
            LookAtWith(type, instance, with);
        }
    }

    /// <summary>The property or field of a parameter's name says the parameter's value.</summary>
    private void LookAt(Type type, object instance, string name, object? value)
    {
        name = (instance, name) switch
        {
            (Exception, "cause" or "innerException") => "InnerException",
            (_, "inbound") => "IsInbound",
            _ => name,
        };
        const StringComparison Loose = StringComparison.OrdinalIgnoreCase;
        foreach (var property in type.GetProperties(Seen))
        {
            if (!property.Name.Equals(name, Loose) || property.GetMethod is null) continue;
            var said = property.GetValue(instance);
            if (!IsSame(value, said) && !(said is string text && instance is Exception
                && text.Contains($"{value}", StringComparison.Ordinal)))
                Problems.Add($"{type.FullName}.{property.Name} says {said}, not {value}");
            Use(property.DeclaringType!, property.GetMethod.Name);
        }

        foreach (var field in type.GetFields(Seen).Where(one => one.Name.Equals(name, Loose)))
        {
            if (!IsSame(value, field.GetValue(instance)))
                Problems.Add($"{type.FullName}.{field.Name} is not {value}");
            Use(field.DeclaringType!, field.Name);
        }
    }

    private void LookAtWith(Type type, object instance, MethodInfo with)
    {
        if (!TrySample(with.GetParameters()[0], out var value)) return;
        var copy = with.Invoke(instance, [value])!;
        var subject = with.Name["With".Length..];
        var hasSubject = false;
        foreach (var property in type.GetProperties(Seen).Where(one =>
            one.GetMethod is not null && one.GetIndexParameters().Length == 0))
        {
            var said = property.GetValue(copy);
            if (property.Name == subject)
            {
                hasSubject = true;
                if (!IsSame(value, said))
                    Problems.Add($"{type.FullName}.{with.Name}: {said}, not {value}");
            }
            else if (!IsSame(property.GetValue(instance), said))
            {
                Problems.Add($"{type.FullName}.{with.Name} changes {property.Name}");
            }
        }

        if (hasSubject) Use(type, with.Name);
    }

    private static bool IsSame(object? wanted, object? said) => Equals(wanted, said)
        || (said?.GetType() is { IsGenericType: true } type
            && type.GetGenericTypeDefinition() == typeof(Option<>)
            && Equals(type.GetProperty("Value")?.GetValue(said), wanted))
        || (wanted is IEnumerable<object> many && said is IEnumerable<object> others
            && many.SequenceEqual(others));

    private void Use(Type type, string member)
    {
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        Exercised.Add($"{definition.FullName}.{member}");
    }

    private bool TrySample(ParameterInfo parameter, out object? value)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        return _samples.TryGetValue(type, out value);
    }

    private static Dictionary<Type, object> SamplesOf(IActorRef reference)
    {
        var node = new UniqueAddress(new Address("akka.tcp", "data", "10.0.0.1", 2552), 7);
        var metadata = new SnapshotMetadata("id", 5, new DateTime(2020, 1, 2));
        IPersistentRepresentation @event = new Persistent("payload", 3, "id");
        return new Dictionary<Type, object>
        {
            [typeof(string)] = "some text",
            [typeof(object)] = "an object",
            [typeof(int)] = 7,
            [typeof(long)] = 8L,
            [typeof(bool)] = true,
            [typeof(double)] = 0.5,
            [typeof(TimeSpan)] = TimeSpan.FromSeconds(3),
            [typeof(DateTime)] = new DateTime(2021, 3, 4),
            [typeof(Type)] = typeof(DataTypes),
            [typeof(Exception)] = new InvalidOperationException("a cause"),
            [typeof(Address)] = node.Address,
            [typeof(UniqueAddress)] = node,
            [typeof(IActorRef)] = reference,
            [typeof(Config)] = ConfigurationFactory.ParseString("a = 1"),
            [typeof(Member)] = Member.Create(node, ["role"], AppVersion.Zero),
            [typeof(MemberStatus)] = MemberStatus.Exiting,
            [typeof(IKey)] = new ORSetKey<string>("key"),
            [typeof(IWriteConsistency)] = new WriteAll(TimeSpan.FromSeconds(1)),
            [typeof(IReadConsistency)] = new ReadAll(TimeSpan.FromSeconds(1)),
            [typeof(LeaseUsageSettings)] = new LeaseUsageSettings("lease", TimeSpan.FromSeconds(2)),
            [typeof(SnapshotMetadata)] = metadata,
            [typeof(SnapshotSelectionCriteria)] = new SnapshotSelectionCriteria(9),
            [typeof(IPersistentRepresentation)] = @event,
            [typeof(IImmutableSet<string>)] = ImmutableHashSet.Create("tag"),
            [typeof(ImmutableHashSet<string>)] = ImmutableHashSet.Create("key"),
            [typeof(Deploy)] = new Deploy().WithDispatcher("d"),
            [typeof(SupervisorStrategy)] = SupervisorStrategy.StoppingStrategy,
            [typeof(ClusterSingletonSettings)] = new ClusterSingletonSettings(
                "r", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3), 4),
        };
    }
}
