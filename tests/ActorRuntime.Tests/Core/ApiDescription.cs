#nullable disable
using System.Globalization;
using System.Reflection;
using System.Text;

namespace Fabric.ActorRuntime.Tests.Core;

/// <summary>
/// Public and protected members of types as sorted lines of text; # is protected.
/// </summary>
internal static class ApiDescription
{
    public static string Of(IEnumerable<Type> types)
    {
        var text = new StringBuilder();
        foreach (var type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(Name(type, declares: true)).Append('\n');
            var members = Members(type).Distinct().Order(StringComparer.Ordinal);
            foreach (var member in members) text.Append("    ").Append(member).Append('\n');
        }
        return text.ToString();
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum) return "enum";
        if (typeof(Delegate).IsAssignableFrom(type)) return "delegate";
        if (type.IsInterface) return "interface";
        if (type.IsValueType) return "struct";
        if (type.IsAbstract && type.IsSealed) return "static class";
        return type.IsAbstract ? "abstract class" : "class";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => name + " = " +
                Convert.ToInt32(Enum.Parse(type, name), CultureInfo.InvariantCulture));
        }
        if (typeof(Delegate).IsAssignableFrom(type)) return [Method(type.GetMethod("Invoke"))];
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic |
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        return type.GetMembers(Declared).Select(Member).Where(line => line is not null);
    }

    private static string Member(MemberInfo member)
    {
        switch (member)
        {
            case FieldInfo field when IsSeen(
                field.IsPublic, field.IsFamily, field.IsFamilyOrAssembly):
                return Lead(field.IsPublic, field.IsStatic) +
                    $"{Name(field.FieldType)} {field.Name}";
            case ConstructorInfo { IsStatic: false } made
                when IsSeen(made.IsPublic, made.IsFamily, made.IsFamilyOrAssembly):
                return $"{Lead(made.IsPublic, false)}new({Parameters(made)})";
            case PropertyInfo property:
                return Property(property);
            case MethodInfo { IsSpecialName: false } or MethodInfo
            {
                IsStatic: true,
                IsSpecialName: true
            }:
                var method = (MethodInfo)member;
                var seen = IsSeen(method.IsPublic, method.IsFamily, method.IsFamilyOrAssembly) &&
                    !method.Name.StartsWith("get_", StringComparison.Ordinal) &&
                    !method.Name.StartsWith("set_", StringComparison.Ordinal);
                return seen ? Lead(method.IsPublic, method.IsStatic) + Method(method) : null;
            default:
                return null;
        }
    }

    private static bool IsSeen(bool isPublic, bool isFamily, bool isFamilyOrAssembly) =>
        isPublic || isFamily || isFamilyOrAssembly;

    private static string Lead(bool isPublic, bool isStatic) =>
        (isPublic ? "" : "# ") + (isStatic ? "static " : "");

    private static string Property(PropertyInfo property)
    {
        var get = Accessor(property.GetMethod);
        var set = Accessor(property.SetMethod);
        if (get is null && set is null) return null;
        var lead = get ?? set;
        var accessors = (get is null ? "" : " get;") + (set is null ? "" : " set;");
        var index = property.GetIndexParameters();
        var name = index.Length == 0 ? property.Name
            : $"this[{string.Join(", ", index.Select(p => Name(p.ParameterType)))}]";
        return $"{lead}{Name(property.PropertyType)} {name} {{{accessors} }}";
    }

    private static string Accessor(MethodInfo accessor) => accessor is not null &&
        IsSeen(accessor.IsPublic, accessor.IsFamily, accessor.IsFamilyOrAssembly)
            ? Lead(accessor.IsPublic, accessor.IsStatic) : null;

    private static string Method(MethodInfo method)
    {
        var generic = method.IsGenericMethodDefinition
            ? $"<{string.Join(", ", method.GetGenericArguments().Select(t => t.Name))}>" : "";
        return $"{Name(method.ReturnType)} {method.Name}{generic}({Parameters(method)})";
    }

    private static string Parameters(MethodBase method) => string.Join(", ",
        method.GetParameters().Select(parameter =>
            (parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "") +
            (parameter.IsOut ? "out " : "") + Name(parameter.ParameterType) + " " + parameter.Name +
            (parameter.HasDefaultValue ? " = default" : "")));

    private static string Name(Type type, bool declares = false)
    {
        if (type.IsByRef) return Name(type.GetElementType());
        if (type.IsArray) return Name(type.GetElementType()) + "[]";
        if (type.IsGenericParameter) return type.Name;
        var plain = declares ? type.FullName : type.IsNested
            ? $"{type.DeclaringType.Name.Split('`')[0]}.{type.Name}" : type.Name;
        if (!type.IsGenericType) return plain;
        var arguments = type.GetGenericArguments().Select(argument => Name(argument));
        return $"{plain.Split('`')[0]}<{string.Join(", ", arguments)}>";
    }
}
