using System.Diagnostics;

namespace Fabric.Datapath.Tests.Hyperv;

/// <summary>Compiles the extension's sources with the double, each program once.</summary>
internal static class ExtensionBuild
{
    public static readonly string Source = Path.Combine(Checkout.Root, "driver", "hyperv");

    private const int FrameBytesMax = 2560;

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
            "-fno-strict-aliasing",
            .. isSanitized
                ? (string[])["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
                : ["-O2"],
        ];
        var (extension, lab) = isSanitized
            ? (Path.Combine(s_folder, "sanitized.o"), Path.Combine(s_folder, "sanitized-lab.o"))
            : (Path.Combine(s_folder, "plain.o"), Path.Combine(s_folder, "plain-lab.o"));
        if (!File.Exists(extension))
        {
            // A kernel's stack is small: 24 KB for all that is called, and there are six of us.
            string[] frames = isSanitized ? [] : [$"-Wframe-larger-than={FrameBytesMax}"];
            Run("gcc", [.. flags, .. frames, "-r", "-nostdlib", .. Sources(), "-o", extension]);
            Run("gcc", [.. flags, "-r", "-nostdlib", .. LabSources(), "-o", lab]);
        }

        Run("gcc",
        [
            .. flags, Path.Combine(Source, "tests", test), lab, extension, "-lpthread",
            "-o", program,
        ]);
    }

    /// <summary>All but the door to the kernel.</summary>
    private static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(Source, "*.c", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) is not
                ("double" or "tests"))
            .Where(path => Path.GetFileName(path) != "driver.c");

    private static string[] LabSources() =>
    [
        .. Directory.GetFiles(Path.Combine(Source, "double"), "*.c"),
        Path.Combine(Source, "tests", "lab.c"),
    ];

    private static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("fabric-hyperv-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }
}
