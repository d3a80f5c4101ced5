#nullable disable
using System.Reflection;

namespace Akka.Util;

/// <summary>Finds types by the names that configurations give.</summary>
/// <remarks>
/// Names keep Akka's assembly names ("Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster");
/// such types are looked for in the runtime's own assemblies.
/// </remarks>
internal static class TypeNames
{
    private static readonly string Prefix = typeof(TypeNames).Assembly.GetName().Name;

    /// <summary>The type, or null.</summary>
    public static Type Find(string name)
    {
        var comma = name.IndexOf(',');
        var type = (comma < 0 ? name : name[..comma]).Trim();
        var assembly = comma < 0 ? "" : name[(comma + 1)..].Split(',')[0].Trim();
        var own = assembly.Length == 0 || assembly == "Akka" ||
            assembly.StartsWith("Akka.", StringComparison.Ordinal);
        if (own && FindOwn(type) is { } found) return found;
        return Type.GetType(name, throwOnError: false) ?? FindLoaded(type, assembly);
    }

    private static Type FindOwn(string type)
    {
        if (typeof(TypeNames).Assembly.GetType(type) is { } core) return core;
        if (type.StartsWith("Akka.TestKit", StringComparison.Ordinal) &&
            !AppDomain.CurrentDomain.GetAssemblies().Any(a =>
                a.GetName().Name == Prefix + ".TestKit"))
        {
            return null;
        }
        return AppDomain.CurrentDomain.GetAssemblies()
            .Where(assembly => assembly.GetName().Name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(assembly => assembly.GetType(type)).FirstOrDefault(found => found is not null);
    }

    private static Type FindLoaded(string type, string assembly) =>
        AppDomain.CurrentDomain.GetAssemblies()
            .Where(loaded => assembly.Length == 0 || loaded.GetName().Name == assembly)
            .Select(loaded => loaded.GetType(type)).FirstOrDefault(found => found is not null);

    /// <exception cref="Akka.Configuration.ConfigurationException">There is none.</exception>
    public static Type Get(string name, string key) => Find(name)
        ?? throw new Akka.Configuration.ConfigurationException(
            $"Configuration [{key}] names the type [{name}], which does not exist");

    public static T Make<T>(string name, string key, params object[] args)
    {
        const BindingFlags Any =
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        return (T)Activator.CreateInstance(Get(name, key), Any, null, args, null);
    }
}
