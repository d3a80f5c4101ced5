using System.Diagnostics;

namespace Fabric.ActorRuntime.Tests.Persistence;

/// <summary>A test that needs Debian's package postgresql, and says so when it skips.</summary>
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        if (PostgresServer.BinDirectory is null) Skip =
            "Debian's package postgresql is not installed";
    }
}

/// <summary>A real PostgreSQL server in a directory of its own, for one test.</summary>
internal sealed class PostgresServer : IDisposable
{
    private readonly string _directory;

    public PostgresServer()
    {
        _directory = Directory.CreateTempSubdirectory("pg").FullName;
        // The server refuses to run as root: its own user owns the directory.
        if (IsRoot) Run("chown", "postgres", _directory);
        Postgres("initdb", "-D", Data, "-A", "trust", "-U", "fabric", "--no-sync");
        Postgres("pg_ctl", "-D", Data, "-w", "-l", Path.Combine(_directory, "log"), "-o",
            $"-c listen_addresses='' -k {_directory} -c fsync=off", "start");
    }

    public static string? BinDirectory { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Order().Select(d => d + "/bin")
            .LastOrDefault(d => File.Exists(d + "/initdb"))
        : null;

    public string ConnectionString =>
        $"Host={_directory};Username=fabric;Database=postgres;Pooling=false";

    private static bool IsRoot => Environment.UserName == "root";

    private string Data => Path.Combine(_directory, "data");

    public void Dispose()
    {
        Postgres("pg_ctl", "-D", Data, "-m", "immediate", "stop");
        Directory.Delete(_directory, recursive: true);
    }

    private static void Postgres(string program, params string[] arguments)
    {
        var path = Path.Combine(BinDirectory!, program);
        if (IsRoot) Run("runuser", ["-u", "postgres", "--", path, .. arguments]);
        else Run(path, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = "/" };
        using var process = Process.Start(start)!;
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), $"{program} did not end");
        Assert.Equal(0, process.ExitCode);
    }
}
