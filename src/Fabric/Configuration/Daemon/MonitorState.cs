using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>
/// What an ovsdb-server that its monitor starts anew has to serve, if that was changed meanwhile.
/// </summary>
internal static class MonitorState
{
    /// <summary>Replaces what the command line says by what was noted, if anything was.</summary>
    public static void Read(
        string? path, ref ImmutableArray<string> databases, ref ImmutableArray<string> remotes)
    {
        if (path is null || !File.Exists(path)) return;
        var lines = File.ReadAllLines(path);
        if (lines.Length == 0) return;
        databases = Of("database ");
        remotes = Of("remote ");

        ImmutableArray<string> Of(string word) =>
        [
            .. lines.Where(line => line.StartsWith(word, StringComparison.Ordinal))
                .Select(line => line[word.Length..]),
        ];
    }

    public static void Write(
        string? path, IEnumerable<string> databases, IEnumerable<string> remotes)
    {
        if (path is null) return;
        File.WriteAllLines(path + ".new",
        [
            "state 1", .. databases.Select(each => "database " + each),
            .. remotes.Select(each => "remote " + each),
        ]);
        File.Move(path + ".new", path, overwrite: true);
    }
}
