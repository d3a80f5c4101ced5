namespace Fabric.Datapath;

/// <summary>The far end of an internal port's veth pair, where its program sits.</summary>
internal static class HiddenDevice
{
    private const string Prefix = "fxp";

    /// <summary>Its name: the same for every process.</summary>
    public static string NameOf(string port)
    {
        var hash = 2166136261u;
        foreach (var c in port) hash = (hash ^ c) * 16777619;
        return $"{Prefix}{hash:x8}";
    }

    public static bool Is(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);
}
