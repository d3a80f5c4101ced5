#nullable disable
using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;

namespace Akka.Actor;

/// <summary>Makes instances of one actor type.</summary>
internal abstract class ActorFactory
{
    private static readonly ConcurrentDictionary<ConstructorInfo, ActorFactory> ByConstructor =
        new();

    public abstract ActorBase Make(object[] arguments);

    public static ActorFactory Of(ConstructorInfo constructor) =>
        ByConstructor.GetOrAdd(constructor, static known => new Invoking(known));

    public static ActorFactory Of<TActor>(Func<TActor> producer) where TActor : ActorBase =>
        new Producing(() => producer());

    /// <summary>
    /// The constructor that takes the arguments; optional parameters may be left out.
    /// </summary>
    public static ActorFactory Of(Type type, object[] arguments)
    {
        const BindingFlags Any =
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        foreach (var constructor in type.GetConstructors(Any))
        {
            if (Takes(constructor.GetParameters(), arguments)) return Of(constructor);
        }
        throw new MissingMethodException(
            $"[{type}] has no constructor for ({string.Join(", ", arguments.Select(
                argument => argument?.GetType().Name ?? "null"))})");
    }

    private static bool Takes(ParameterInfo[] parameters, object[] arguments)
    {
        if (arguments.Length > parameters.Length) return false;
        for (var i = 0; i < parameters.Length; i++)
        {
            if (i >= arguments.Length)
            {
                if (!parameters[i].HasDefaultValue) return false;
                continue;
            }
            var wanted = parameters[i].ParameterType;
            var fits = arguments[i] is { } given
                ? wanted.IsInstanceOfType(given)
                : !wanted.IsValueType || Nullable.GetUnderlyingType(wanted) is not null;
            if (!fits) return false;
        }
        return true;
    }

    private sealed class Invoking : ActorFactory
    {
        private readonly ConstructorInvoker _invoker;
        private readonly object[] _defaults;

        public Invoking(ConstructorInfo constructor)
        {
            _invoker = ConstructorInvoker.Create(constructor);
            _defaults = [.. constructor.GetParameters().Select(
                parameter => parameter.HasDefaultValue ? parameter.DefaultValue : null)];
        }

        public override ActorBase Make(object[] arguments)
        {
            if (arguments.Length < _defaults.Length)
            {
                arguments = [.. arguments, .. _defaults[arguments.Length..]];
            }
            return (ActorBase)_invoker.Invoke(arguments.AsSpan());
        }
    }

    private sealed class Producing(Func<ActorBase> producer) : ActorFactory
    {
        public override ActorBase Make(object[] arguments) => producer();
    }
}

/// <summary>
/// Evaluates the arguments of a constructor expression, mostly without compiling.
/// </summary>
internal static class ArgumentEvaluation
{
    public static object[] Evaluate(IReadOnlyList<Expression> arguments)
    {
        var values = new object[arguments.Count];
        for (var i = 0; i < values.Length; i++) values[i] = Evaluate(arguments[i]);
        return values;
    }

    private static object Evaluate(Expression expression) =>
        TryEvaluate(expression, out var value)
            ? value
            : Expression.Lambda<Func<object>>(Expression.Convert(expression, typeof(object)))
                .Compile(preferInterpretation: true)();

    private static bool TryEvaluate(Expression expression, out object value)
    {
        switch (expression)
        {
            case ConstantExpression constant:
                value = constant.Value;
                return true;
            case MemberExpression { Member: FieldInfo field } member:
                return TryRead(member.Expression, field.GetValue, out value);
            case MemberExpression { Member: PropertyInfo { GetMethod: not null } property } member:
                return TryRead(member.Expression, property.GetValue, out value);
            case UnaryExpression { NodeType: ExpressionType.Convert, Method: null } convert
                when convert.Type.IsAssignableFrom(convert.Operand.Type):
                return TryEvaluate(convert.Operand, out value);
            default:
                value = null;
                return false;
        }
    }

    private static bool TryRead(Expression target, Func<object, object> read, out object value)
    {
        value = null;
        object instance = null;
        if (target is not null && (!TryEvaluate(target, out instance) || instance is null))
        {
            return false;
        }
        try
        {
            value = read(instance);
            return true;
        }
        catch (TargetInvocationException)
        {
            return false; // Compiled, it throws the property's own exception.
        }
    }
}
