using System.Diagnostics;

namespace Fabric.Datapath.Tests.Hyperv;

/// <summary>Compiles the extension's sources with the double, each program once.</summary>
internal static class ExtensionBuild
{
    public static readonly string Source = Path.Combine(Root(), "driver", "hyperv");

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);
    private static readonly string s_folder = MakeFolder();
    private static readonly Dictionary<string, string> s_programs = [];
    private static readonly Lock s_lock = new();

    /// <summary>Path of tests/NAME.c as a program.</summary>
    public static string Compile(string test, bool isSanitized)
    {
        lock (s_lock)
        {
            var name = Path.GetFileNameWithoutExtension(test) + (isSanitized ? "-sanitized" : "");
            if (s_programs.TryGetValue(name, out var program)) return program;
            program = Path.Combine(s_folder, name);
            Link(test, isSanitized, program);
            s_programs.Add(name, program);
            return program;
        }
    }

    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_patience)) process.Kill(entireProcessTree: true);
        Assert.True(process.ExitCode == 0, output.Result + errors.Result);
        return output.Result;
    }

    /// <summary>The extension and the double are compiled once each way, tests on top.</summary>
    private static void Link(string test, bool isSanitized, string program)
    {
        string[] flags =
        [
            "-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
            .. isSanitized
                ? (string[])["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
                : ["-O2"],
        ];
        var archive = Path.Combine(s_folder, isSanitized ? "sanitized.o" : "plain.o");
        if (!File.Exists(archive))
        {
            Run("gcc", [.. flags, "-r", "-nostdlib", .. Sources(), "-o", archive]);
        }

        Run("gcc",
        [
            .. flags, Path.Combine(Source, "tests", test), archive, "-lpthread", "-o", program,
        ]);
    }

    private static IEnumerable<string> Sources() =>
    [
        .. Directory.EnumerateFiles(Source, "*.c")
            .Where(path => Path.GetFileName(path) != "driver.c"),
        Path.Combine(Source, "double", "ndis_double.c"), Path.Combine(Source, "tests", "lab.c"),
    ];

    private static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("fabric-hyperv-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Fabric.sln"))) folder = folder.Parent;
        return folder.FullName;
    }
}
