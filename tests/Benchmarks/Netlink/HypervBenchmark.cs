using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Fabric.Benchmarks;

/// <summary>The Hyper-V extension in user mode: packets a second of processor time.</summary>
/// <remarks>
/// driver/hyperv/tests/measure.c, compiled by gcc as it is: a table of 16 masks, batches of 32
/// buffers that their sender uses again, counted by the double of the switch.
/// </remarks>
public sealed partial class HypervBenchmark : IBenchmark
{
    private const int RunCount = 5;

    public string Name => "hyperv";

    public string Summary => "Hyper-V extension in user mode: forwarding through 16 masks";

    public void Run(BenchmarkReport report)
    {
        var folder = Directory.CreateTempSubdirectory("fabric-hyperv-").FullName;
        try
        {
            var program = Compile(folder);
            var runs = Enumerable.Range(0, RunCount).Select(_ => Measure(program)).ToArray();
            report.Add(new Figure(
                "key and look-up through 16 masks", "packets/s", Median(runs, run => run.Found)));
            report.Add(new Figure(
                "forwarded through 16 masks, one core", "packets/s",
                Median(runs, run => run.Forwarded),
                Kind: GoalKind.AtLeast, Goal: 5_000_000));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Median(
        (double Found, double Forwarded)[] runs,
        Func<(double Found, double Forwarded), double> of) =>
        runs.Select(of).Order().ElementAt(runs.Length / 2);

    private static string Compile(string folder)
    {
        var source = Path.Combine(Checkout.Root, "driver", "hyperv");
        var program = Path.Combine(folder, "measure");
        Start("gcc",
        [
            "-std=gnu11", "-O2", "-fno-strict-aliasing",
            .. Directory.EnumerateFiles(source, "*.c", SearchOption.AllDirectories)
                .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) != "tests")
                .Where(path => Path.GetFileName(path) != "driver.c"),
            Path.Combine(source, "tests", "lab.c"), Path.Combine(source, "tests", "measure.c"),
            "-lpthread", "-o", program,
        ]);
        return program;
    }

    private static (double Found, double Forwarded) Measure(string program)
    {
        var figures = Millions().Matches(Start(program, [])).Select(match => double.Parse(
            match.Groups[1].Value, CultureInfo.InvariantCulture) * 1e6).ToArray();
        return (figures[0], figures[1]);
    }

    private static string Start(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
        })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{program}: exit code {process.ExitCode}");
    }

    [GeneratedRegex("([0-9.]+) million packets per second")]
    private static partial Regex Millions();
}
