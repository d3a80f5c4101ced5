using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Fabric.ActorRuntime.Tests.Core;

/// <summary>Every public member of runtime and test kit is used by a test.</summary>
/// <remarks>
/// Goal: no member that nobody has ever called. Method: the members that the compiled tests refer
/// to, on the type itself or on a relative of it (a call by an interface runs the class's member,
/// an override in a test runs under the base's name). Constants, which the compiler copies, count
/// when a test's source names them. What the compiler writes for records and what every object has
/// are nobody's decision and not looked at.
/// </remarks>
public sealed partial class ExercisedApiTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic
        | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Assembly[] Subjects =
        [typeof(Akka.Actor.ActorSystem).Assembly, typeof(Akka.TestKit.TestKitBase).Assembly];

    private static readonly HashSet<string> OfEveryObject =
    [
        "Equals", "GetHashCode", "ToString", "CompareTo", "Deconstruct", "op_Equality",
        "op_Inequality", "<Clone>$", "PrintMembers", "get_EqualityContract", "Finalize", "Dispose",
    ];

    [Fact]
    public void Every_public_member_is_used_by_a_test()
    {
        var used = UsedByTests();
        var words = WordsOfTests();
        var data = new Api.DataTypes(Akka.Actor.ActorRefs.Nobody);
        foreach (var subject in Subjects) data.Look(subject.GetExportedTypes());
        used.UnionWith(data.Exercised);
        Assert.True(used.Count > 800, $"the tests name {used.Count} members only");
        var types = Subjects.SelectMany(one => one.GetExportedTypes()).ToList();
        var relatives = types.ToDictionary(type => type, type => RelativesOf(type, types));
        var missing = types
            .SelectMany(type => NamesOf(type).Distinct().Select(name => (type, name)))
            .Where(one => !IsUsed(one.type, one.name, relatives[one.type], used, words))
            .Select(one => $"{one.type.FullName}.{one.name}")
            .Order(StringComparer.Ordinal).ToList();
        Assert.True(missing.Count == 0,
            $"{missing.Count} members that no test uses:\n{string.Join('\n', missing)}");
    }

    private static bool IsUsed(
        Type type, string name, IEnumerable<Type> relatives, HashSet<string> used,
        HashSet<string> words)
    {
        var isConstant = type.IsEnum || type.GetField(name, Declared) is { IsLiteral: true };
        if (isConstant) return words.Contains(name);
        return relatives.Prepend(type).Any(one => used.Contains($"{one.FullName}.{name}"));
    }

    private static IEnumerable<string> NamesOf(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type)) return [];
        if (type.IsEnum) return Enum.GetNames(type);
        var implemented = Implemented(type);
        return type.GetMembers(Declared)
            .Where(member => IsSeen(member) && !implemented.Contains(member))
            .Select(member => member.Name)
            .Where(name => !OfEveryObject.Contains(name)
                && !(type.IsAbstract && name == ".ctor"));
    }

    /// <summary>What the type has by an interface or a base: it is looked at there.</summary>
    private static HashSet<MemberInfo> Implemented(Type type)
    {
        var found = new HashSet<MemberInfo>(type.GetMethods(Declared)
            .Where(method => method.GetBaseDefinition().DeclaringType != type));
        if (type.IsInterface) return found;
        foreach (var face in type.GetInterfaces())
            found.UnionWith(type.GetInterfaceMap(face).TargetMethods);
        return found;
    }

    private static bool IsSeen(MemberInfo member) => member switch
    {
        FieldInfo field => field.IsPublic || field.IsFamily,
        ConstructorInfo made => made is { IsStatic: false, IsPublic: true },
        // Setters of records belong to `with`; the getter is what is read.
        MethodInfo method => (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly)
            && !(method.IsSpecialName && method.Name.StartsWith("set_", StringComparison.Ordinal)
                && method.ReturnParameter.GetRequiredCustomModifiers().Length > 0)
            && !method.Name.Contains('.', StringComparison.Ordinal),
        _ => false,
    };

    /// <summary>Bases, interfaces, and what is derived; generic ones by definition.</summary>
    private static List<Type> RelativesOf(Type type, List<Type> all)
    {
        var above = new List<Type>();
        for (var one = type.BaseType; one is not null && one != typeof(object); one = one.BaseType)
            above.Add(Definition(one));
        above.AddRange(type.GetInterfaces().Select(Definition));
        var below = all.Where(one => one != type && (HasBase(one, type)
            || one.GetInterfaces().Any(face => Definition(face) == type)));
        return [.. above, .. below];
    }

    private static bool HasBase(Type type, Type wanted)
    {
        for (var one = type.BaseType; one is not null; one = one.BaseType)
        {
            if (Definition(one) == wanted) return true;
        }

        return false;
    }

    private static Type Definition(Type type) =>
        type.IsGenericType ? type.GetGenericTypeDefinition() : type;

    /// <summary>"Type.Member" of what the tests call, and of what their types override.</summary>
    private static HashSet<string> UsedByTests()
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in TestAssemblies())
        {
            using var file = new PEReader(File.OpenRead(path));
            foreach (var name in AssemblyMembers.ReferencedBy(file.GetMetadataReader()))
                used.Add(name);
        }

        var own = typeof(ExercisedApiTests).Assembly;
        foreach (var type in own.GetTypes())
        {
            for (var one = type.BaseType; one is not null; one = one.BaseType)
            {
                if (!Subjects.Contains(one.Assembly)) continue;
                foreach (var method in type.GetMethods(Declared))
                    used.Add($"{Definition(one).FullName}.{method.Name}");
            }

            foreach (var face in type.GetInterfaces().Where(f => Subjects.Contains(f.Assembly)))
            {
                foreach (var method in Definition(face).GetMethods(Declared))
                    used.Add($"{Definition(face).FullName}.{method.Name}");
            }
        }

        return used;
    }

    private static IEnumerable<string> TestAssemblies()
    {
        var own = typeof(ExercisedApiTests).Assembly.Location;
        yield return own;
    }

    private static HashSet<string> WordsOfTests()
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var folder = Path.GetFullPath(Path.Combine(Folder(), ".."));
        foreach (var path in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        {
            if (path.Contains($"{Path.DirectorySeparatorChar}obj", StringComparison.Ordinal))
                continue;
            foreach (Match word in Word().Matches(File.ReadAllText(path))) words.Add(word.Value);
        }

        return words;
    }

    [GeneratedRegex("[A-Za-z_][A-Za-z0-9_]*")]
    private static partial Regex Word();

    private static string Folder([CallerFilePath] string source = "") =>
        Path.GetDirectoryName(source)!;
}
