using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>Options that all of OVS's daemons share (ovs-vswitchd(8), ovsdb-server(1)).</summary>
public sealed record DaemonOptions
{
    /// <summary>Path of the control socket; null for the standard one, "none" for none.</summary>
    public string? Unixctl { get; init; }

    /// <summary>Null: no pidfile. "": the standard one.</summary>
    public string? PidFile { get; init; }

    /// <summary>Null: no log file. "": the standard one.</summary>
    public string? LogFile { get; init; }

    public bool OverwritesPidFile { get; init; }
    public bool IsDetached { get; init; }

    /// <summary>Started anew when it dies of an error.</summary>
    public bool IsMonitored { get; init; }

    /// <summary>A daemon goes to the root folder unless told not to.</summary>
    public bool KeepsFolder { get; init; }

    /// <summary>--syslog-method: "libc", "null", "unix:FILE" or "udp:IP:PORT".</summary>
    public string? SyslogMethod { get; init; } =
        Environment.GetEnvironmentVariable("OVS_SYSLOG_METHOD");

    /// <summary>--syslog-target: a host that takes the log by UDP.</summary>
    public string? SyslogTarget { get; init; }

    public string? PrivateKey { get; init; }
    public string? Certificate { get; init; }
    public string? Authority { get; init; }
    public bool IsVersionWanted { get; init; }
    public bool IsHelpWanted { get; init; }

    /// <summary>-v settings, as vlog/set takes them.</summary>
    public ImmutableArray<string> Verbosity { get; init; } = [];

    /// <summary>Options whose value may be a word of its own.</summary>
    public static ImmutableArray<string> WithSeparateValue { get; } =
    [
        "--unixctl", "--private-key", "--certificate", "--ca-cert", "--bootstrap-ca-cert",
        "--peer-ca-cert", "--user", "--syslog-target", "--syslog-method", "--ssl-protocols",
        "--ssl-ciphers", "--ssl-ciphersuites", "--ssl-server-name", "-p", "-c", "-C",
    ];

    // Accepted, and without effect here: what they ask for is so anyway, or is not offered.
    private static readonly string[] Accepted =
    [
        "--no-self-confinement", "--mlockall", "--user",
        "--ssl-protocols", "--ssl-ciphers", "--ssl-ciphersuites", "--ssl-server-name",
        "--peer-ca-cert", "--hw-rawio-access",
    ];

    /// <returns>Null if the option is none that daemons share.</returns>
    public DaemonOptions? With(string name, string? value) => name switch
    {
        "--unixctl" => this with { Unixctl = value },
        "--pidfile" => this with { PidFile = value ?? "" },
        "--overwrite-pidfile" => this with { OverwritesPidFile = true },
        "--log-file" => this with { LogFile = value ?? "" },
        "--syslog-method" => this with { SyslogMethod = value },
        "--syslog-target" => this with { SyslogTarget = value },
        "--private-key" or "-p" => this with { PrivateKey = value },
        "--certificate" or "-c" => this with { Certificate = value },
        "--ca-cert" or "--bootstrap-ca-cert" or "-C" => this with { Authority = value },
        "--detach" => this with { IsDetached = true },
        "--monitor" => this with { IsMonitored = true },
        "--no-chdir" => this with { KeepsFolder = true },
        "--version" or "-V" => this with { IsVersionWanted = true },
        "--help" or "-h" => this with { IsHelpWanted = true },
        "--verbose" or "-v" => this with { Verbosity = Verbosity.Add(value ?? "dbg") },
        _ => Array.IndexOf(Accepted, name) >= 0 ? this : null,
    };
}
