namespace Fabric.Benchmarks;

/// <summary>The command line of `fabric bench`.</summary>
public static class BenchmarkCommand
{
    private const string Help = """
        usage: fabric bench [--quick] [--json] [NAME...]
        Measures this machine, with the competitor beside it where one is installed, and writes
        artifacts/bench.json. Without a NAME it measures everything.
          --quick   three short runs instead of five
          --json    prints the JSON instead of the table
          --list    names what can be measured
          --micro   hands what follows to BenchmarkDotNet
        Example: fabric bench --quick datapath
        """;

    /// <summary>Runs what the words ask for.</summary>
    /// <returns>0; 1 when a benchmark failed; 2 for words that mean nothing.</returns>
    public static int Run(string[] words, TextWriter output, TextWriter errors)
    {
        var all = All();
        if (words.Contains("--help") || words.Contains("-h"))
        {
            output.WriteLine(Help);
            return 0;
        }

        if (words.Contains("--list"))
        {
            foreach (var one in all) output.WriteLine($"{one.Name,-14} {one.Summary}");
            return 0;
        }

        var names = words.Where(word => !word.StartsWith('-')).ToArray();
        var unknown = words.Except(names).Except(["--quick", "--json"])
            .Concat(names.Except(all.Select(one => one.Name))).FirstOrDefault();
        if (unknown is not null)
        {
            errors.WriteLine($"fabric bench: unknown: {unknown}. Try `fabric bench --list`.");
            return 2;
        }

        var isJson = words.Contains("--json");
        var report = new BenchmarkReport(isJson ? errors : output, words.Contains("--quick"));
        (isJson ? errors : output).WriteLine(BenchmarkReport.Head);
        var failed = Measure(all.Where(one => names.Length == 0 || names.Contains(one.Name)),
            report, errors);
        var json = report.ToJson();
        if (Environment.GetEnvironmentVariable("FABRIC_BENCH_JSON") is { Length: > 0 } path)
        {
            File.WriteAllText(path, json);
        }

        if (isJson) output.WriteLine(json);
        return failed ? 1 : 0;
    }

    private static bool Measure(
        IEnumerable<IBenchmark> benchmarks, BenchmarkReport report, TextWriter errors)
    {
        var failed = false;
        foreach (var benchmark in benchmarks)
        {
            report.Begin(benchmark);
            try
            {
                benchmark.Run(report);
            }
            catch (BenchmarkSkippedException skipped)
            {
                report.Note($"not measured: {skipped.Message}");
            }
            catch (Exception error)
            {
                // One that fails must not take the others' figures along.
                errors.WriteLine($"fabric bench {benchmark.Name}: {error}");
                failed = true;
            }
        }

        return failed;
    }

    private static IBenchmark[] All() =>
    [
        .. typeof(BenchmarkCommand).Assembly.GetTypes()
            .Where(type => type.IsAssignableTo(typeof(IBenchmark)) && !type.IsAbstract)
            .Select(type => (IBenchmark)Activator.CreateInstance(type)!)
            .OrderBy(one => one.Name, StringComparer.Ordinal),
    ];
}
