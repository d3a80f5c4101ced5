using System.Collections.Immutable;
using Fabric.Host;

namespace Fabric.Configuration;

/// <summary>The command line of ovsdb-tool (ovsdb-tool(1)).</summary>
internal sealed record ToolOptions
{
    /// <summary>The command and its arguments.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>How often show-log was asked for more.</summary>
    public int More { get; init; }

    public string Role { get; init; } = "";
    public Guid? ClusterId { get; init; }

    /// <summary>As it was given; null for the default.</summary>
    public string? ElectionTimer { get; init; }

    public bool IsHelpWanted { get; init; }
    public bool IsVersionWanted { get; init; }

    private static readonly string[] WithValue =
    [
        "--rbac-role", "--cid", "--election-timer", "--syslog-method", "--syslog-target",
    ];

    /// <summary>What the long options may be shortened to each other's difference.</summary>
    private static readonly string[] Names =
    [
        .. WithValue, "--more", "--verbose", "--help", "--version", "--option",
    ];

    /// <exception cref="ToolException">In the words of getopt.</exception>
    public static ToolOptions Parse(string[] arguments)
    {
        var given = arguments.TakeWhile(word => word != "--").Select(FullName).ToList();
        var rest = arguments.Skip(given.Count);
        if (!CommandLineWords.TryCut(
            [.. given, .. rest], WithValue, out var words, out var problem))
        {
            throw new ToolException(problem);
        }

        var options = new ToolOptions { Words = words.Operands };
        foreach (var (name, value) in words.Options) options = options.With(name, value);
        return options;
    }

    private static string FullName(string word)
    {
        if (!word.StartsWith("--", StringComparison.Ordinal)) return word;
        var end = word.IndexOf('=') is > 0 and var equals ? equals : word.Length;
        var matching = Names.Where(
            name => name.StartsWith(word[..end], StringComparison.Ordinal)).ToArray();
        return matching.Length == 1 ? matching[0] + word[end..] : word;
    }

    private ToolOptions With(string name, string? value) => name switch
    {
        "-m" when (value ?? "").All(letter => letter == 'm') =>
            this with { More = More + 1 + (value?.Length ?? 0) },
        "--more" => this with { More = More + 1 },
        "--rbac-role" => this with { Role = value! },
        "--election-timer" => this with { ElectionTimer = value },
        "--cid" => this with { ClusterId = UuidOf(value!) },
        "-h" or "--help" => this with { IsHelpWanted = true },
        "-V" or "--version" => this with { IsVersionWanted = true },
        "-v" or "--verbose" => Checked(value),
        "--syslog-method" or "--syslog-target" => this,
        _ => throw new ToolException(name.StartsWith("--", StringComparison.Ordinal)
            ? $"unrecognized option '{name}'"
            : $"invalid option -- '{name[1]}'"),
    };

    /// <remarks>The tool logs nothing by itself; what is asked for must be well said.</remarks>
    private ToolOptions Checked(string? verbosity)
    {
        if (verbosity is null) return this;
        using var log = new Vlog(TimeProvider.System, null, null, VlogLevel.Info);
        var problem = log.Set(verbosity);
        return problem is null
            ? this
            : throw new ToolException($"processing \"{verbosity}\": {problem}");
    }

    private static Guid UuidOf(string text)
    {
        return Guid.TryParseExact(text, "D", out var uuid) && uuid != Guid.Empty
            ? uuid
            : throw new ToolException($"{text}: not a valid UUID");
    }
}
