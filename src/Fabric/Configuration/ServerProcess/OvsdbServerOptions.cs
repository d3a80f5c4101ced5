using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>The command line of ovsdb-server (ovsdb-server(1)).</summary>
public sealed record OvsdbServerOptions
{
    public DaemonOptions Daemon { get; init; } = new();
    public ImmutableArray<string> Databases { get; init; } = [];
    public ImmutableArray<string> Remotes { get; init; } = [];
    public string? RunCommand { get; init; }

    /// <summary>The server whose backup this one is; see <see cref="IsActive"/>.</summary>
    public string? Source { get; init; }

    /// <summary>Knows a source and does not follow it yet.</summary>
    public bool IsActive { get; init; }
    public string Excluded { get; init; } = "";

    // Accepted, and without effect here: what they ask for is so anyway, or is not offered.
    private static readonly string[] Accepted =
    [
        "--disable-file-column-diff", "--disable-file-no-data-conversion", "--no-dbs", "--record",
        "--dh-params",
    ];

    private static readonly string[] WithSeparateValue =
        [.. DaemonOptions.WithSeparateValue, "--remote", "--run", "--sync-from",
            "--sync-exclude-tables"];

    /// <returns>False, and what is wrong, in the words of getopt.</returns>
    public static bool TryParse(
        ReadOnlySpan<string> arguments, out OvsdbServerOptions options, out string problem)
    {
        options = new OvsdbServerOptions();
        if (!CommandLineWords.TryCut(arguments, WithSeparateValue, out var words, out problem))
        {
            return false;
        }

        options = options with { Databases = words.Operands };
        foreach (var (name, value) in words.Options)
        {
            if (options.With(name, value) is { } next)
            {
                options = next;
                continue;
            }

            problem = name.StartsWith("--", StringComparison.Ordinal)
                ? $"unrecognized option '{name}'" : $"invalid option -- '{name[1]}'";
            return false;
        }

        return true;
    }

    private OvsdbServerOptions? With(string name, string? value) => name switch
    {
        "--remote" => this with { Remotes = Remotes.Add(value!) },
        "--run" => this with { RunCommand = value },
        "--sync-from" => this with { Source = value },
        "--sync-exclude-tables" => this with { Excluded = value ?? "" },
        "--active" => this with { IsActive = true },
        _ when Array.IndexOf(Accepted, name) >= 0 => this,
        _ => Daemon.With(name, value) is { } daemon ? this with { Daemon = daemon } : null,
    };
}
