using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>The command line of ovsdb-server (ovsdb-server(1)).</summary>
public sealed record OvsdbServerOptions
{
    public ImmutableArray<string> Databases { get; init; } = [];
    public ImmutableArray<string> Remotes { get; init; } = [];

    /// <summary>Path of the control socket; null for the standard one, "none" for none.</summary>
    public string? Unixctl { get; init; }

    /// <summary>Null: no pidfile. "": the standard one.</summary>
    public string? PidFile { get; init; }

    public string? LogFile { get; init; }
    public string? RunCommand { get; init; }
    public string? PrivateKey { get; init; }
    public string? Certificate { get; init; }
    public string? Authority { get; init; }
    public bool IsDetached { get; init; }
    public bool IsVersionWanted { get; init; }
    public bool IsHelpWanted { get; init; }

    /// <summary>-v settings, as vlog/set takes them.</summary>
    public ImmutableArray<string> Verbosity { get; init; } = [];

    // Accepted, and without effect here: what they ask for is so anyway, or is not offered.
    private static readonly string[] Accepted =
    [
        "--no-chdir", "--monitor", "--overwrite-pidfile", "--no-self-confinement", "--mlockall",
        "--disable-file-column-diff", "--disable-file-no-data-conversion", "--no-dbs",
        "--syslog-method", "--syslog-target", "--user", "--ssl-protocols", "--ssl-ciphers",
        "--ssl-ciphersuites", "--bootstrap-ca-cert-unused", "--record", "--config-file",
        "--active", "--dh-params",
    ];

    private static readonly string[] WithSeparateValue =
        ["--remote", "--unixctl", "--private-key", "--certificate", "--ca-cert",
            "--bootstrap-ca-cert", "--run", "--sync-from", "-p", "-c", "-C"];

    /// <returns>False, and what is wrong, in the words of getopt.</returns>
    public static bool TryParse(
        ReadOnlySpan<string> arguments, out OvsdbServerOptions options, out string problem)
    {
        options = new OvsdbServerOptions();
        problem = "";
        var isOver = false;
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (isOver || argument.Length < 2 || argument[0] != '-')
            {
                options = options with { Databases = options.Databases.Add(argument) };
                continue;
            }

            if (argument == "--")
            {
                isOver = true;
                continue;
            }

            var (name, value) = Split(argument);
            if (value is null && Array.IndexOf(WithSeparateValue, name) >= 0)
            {
                if (++i == arguments.Length)
                {
                    problem = $"option '{name}' requires an argument";
                    return false;
                }

                value = arguments[i];
            }

            if (!options.TryApply(name, value, out options))
            {
                problem = $"unrecognized option '{name}'";
                return false;
            }
        }

        return true;
    }

    private static (string Name, string? Value) Split(string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            return argument.Length > 2 ? (argument[..2], argument[2..]) : (argument, null);
        }

        var equals = argument.IndexOf('=');
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }

    private bool TryApply(string name, string? value, out OvsdbServerOptions options)
    {
        var applied = name switch
        {
            "--remote" => this with { Remotes = Remotes.Add(value!) },
            "--unixctl" => this with { Unixctl = value },
            "--pidfile" => this with { PidFile = value ?? "" },
            "--log-file" => this with { LogFile = value ?? "" },
            "--run" => this with { RunCommand = value },
            "--private-key" or "-p" => this with { PrivateKey = value },
            "--certificate" or "-c" => this with { Certificate = value },
            "--ca-cert" or "--bootstrap-ca-cert" or "-C" => this with { Authority = value },
            "--detach" => this with { IsDetached = true },
            "--version" or "-V" => this with { IsVersionWanted = true },
            "--help" or "-h" => this with { IsHelpWanted = true },
            "--verbose" or "-v" => this with { Verbosity = Verbosity.Add(value ?? "dbg") },
            _ => Array.IndexOf(Accepted, name) >= 0 ? this : null,
        };
        options = applied ?? this;
        return applied is not null;
    }
}
