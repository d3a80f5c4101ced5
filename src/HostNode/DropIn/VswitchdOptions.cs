using System.Collections.Immutable;
using Fabric.Configuration;

namespace Fabric.HostNode.DropIn;

/// <summary>Which device and datapath types are dummies (ovs-vswitchd's --enable-dummy).</summary>
internal enum DummyWorld : byte
{
    None,

    /// <summary>Types dummy, dummy-internal and dummy-pmd beside the others.</summary>
    Beside,

    /// <summary>Types system and internal are dummies too.</summary>
    System,

    /// <summary>Every type is a dummy.</summary>
    Override,
}

/// <summary>The command line of ovs-vswitchd (ovs-vswitchd(8)).</summary>
internal sealed record VswitchdOptions
{
    public DaemonOptions Daemon { get; init; } = new();

    /// <summary>Of the database; where nothing is said, db.sock in OVS_RUNDIR.</summary>
    public ImmutableArray<OvsdbRemote> Remotes { get; init; } = [];

    public DummyWorld Dummies { get; init; }

    /// <summary>Types that --enable-dummy=TYPE,... names.</summary>
    public ImmutableHashSet<string> DummyTypes { get; init; } = [];
    public bool HasSystem { get; init; } = true;
    public bool HasSystemRoutes { get; init; } = true;

    // Accepted, and without effect here: what they ask for is so anyway, or is not offered.
    private static readonly string[] Accepted = ["--dummy-numa"];

    /// <returns>False, and what is wrong, in ovs-vswitchd's words.</returns>
    public static bool TryParse(
        ReadOnlySpan<string> arguments, out VswitchdOptions options, out string problem)
    {
        options = new VswitchdOptions();
        if (!CommandLineWords.TryCut(
            arguments, [.. DaemonOptions.WithSeparateValue, "--dummy-numa"], out var words,
            out problem))
        {
            return false;
        }

        foreach (var (name, value) in words.Options)
        {
            if (options.With(name, value) is { } next)
            {
                options = next;
                continue;
            }

            problem = $"unrecognized option '{name}'";
            return false;
        }

        if (words.Operands.Length > 1)
        {
            problem = "at most one non-option argument accepted; use --help for usage";
            return false;
        }

        var text = words.Operands.IsEmpty ? "unix:db.sock" : words.Operands[0];
        return options.TryRemotes(text, out options, out problem);
    }

    private VswitchdOptions? With(string name, string? value) => name switch
    {
        "--enable-dummy" => value switch
        {
            null => this with { Dummies = DummyWorld.Beside },
            "override" => this with { Dummies = DummyWorld.Override },
            "system" => this with { Dummies = DummyWorld.System },
            _ => this with { Dummies = DummyWorld.Beside, DummyTypes = [.. value.Split(',')] },
        },
        "--disable-system" => this with { HasSystem = false },
        "--disable-system-route" => this with { HasSystemRoutes = false },
        _ when Array.IndexOf(Accepted, name) >= 0 => this,
        _ => Daemon.With(name, value) is { } daemon ? this with { Daemon = daemon } : null,
    };

    private bool TryRemotes(string text, out VswitchdOptions options, out string problem)
    {
        options = this;
        problem = "";
        var remotes = ImmutableArray.CreateBuilder<OvsdbRemote>();
        foreach (var each in text.Split(','))
        {
            if (!OvsdbRemote.TryParse(each, out var remote) || remote.IsPassive)
            {
                problem = $"{each}: not a valid database remote";
                return false;
            }

            if (remote.IsUnix)
            {
                var path = OvsFolders.Under(OvsFolders.Run, remote.Path);
                remote = remote with { Path = Path.GetFullPath(path) };
            }

            remotes.Add(remote);
        }

        options = this with { Remotes = remotes.ToImmutable() };
        return true;
    }

    /// <summary>True if devices or datapaths of that type are dummies.</summary>
    public bool IsDummy(string type) => Dummies switch
    {
        DummyWorld.Override => true,
        DummyWorld.System when type is "system" or "internal" or "" => true,
        DummyWorld.None => false,
        _ => type.StartsWith("dummy", StringComparison.Ordinal) || DummyTypes.Contains(type),
    };
}
