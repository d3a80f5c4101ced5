using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Fabric.Benchmarks;

/// <summary>Collects figures, prints each as it comes, and writes all as JSON.</summary>
public sealed class BenchmarkReport(TextWriter output, bool isQuick)
{
    private readonly List<(string Benchmark, Figure Figure)> _figures = [];
    private readonly List<(string Benchmark, string Text)> _notes = [];
    private string _benchmark = "";

    /// <summary>Fewer and shorter runs: for a first look, not for a claim.</summary>
    public bool IsQuick { get; } = isQuick;

    /// <summary>How often each side is measured: odd, so that a median is a run.</summary>
    public int Runs => IsQuick ? 3 : 5;

    public IReadOnlyList<(string Benchmark, Figure Figure)> Figures => _figures;

    /// <summary>Names the benchmark that the next figures belong to.</summary>
    public void Begin(IBenchmark benchmark)
    {
        _benchmark = benchmark.Name;
        output.WriteLine($"== {benchmark.Name}: {benchmark.Summary}");
    }

    /// <summary>Adds and prints a figure.</summary>
    public void Add(Figure figure)
    {
        _figures.Add((_benchmark, figure));
        output.WriteLine(Line(figure));
        output.Flush();
    }

    /// <summary>Says what a reader of the figures must know, such as what was left out.</summary>
    public void Note(string text)
    {
        _notes.Add((_benchmark, text));
        output.WriteLine($"   {text}");
    }

    /// <summary>Measures ours and theirs in turn and gives back both medians.</summary>
    public (double Ours, double Theirs) Alternate(Func<double> ours, Func<double> theirs)
    {
        var a = new List<double>();
        var b = new List<double>();
        for (var run = 0; run < Runs; run++)
        {
            a.Add(ours());
            b.Add(theirs());
        }

        return (Median(a), Median(b));
    }

    /// <summary>The middle value; of an even number, the lower middle one.</summary>
    public static double Median(IReadOnlyCollection<double> values) =>
        values.Order().ElementAt((values.Count - 1) / 2);

    /// <summary>The heads of the columns that <see cref="Add"/> prints.</summary>
    public static string Head =>
        $"{"name",-58} {"ours",14} {"theirs",14} {"ratio",6} {"goal",12} held";

    /// <summary>All figures and notes with the machine's description.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            machine = new
            {
                system = RuntimeInformation.OSDescription,
                architecture = $"{RuntimeInformation.OSArchitecture}",
                runtime = RuntimeInformation.FrameworkDescription,
                processors = Environment.ProcessorCount,
                processor = ProcessorName(),
                memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            },
            quick = IsQuick,
            figures = _figures.Select(entry => new
            {
                benchmark = entry.Benchmark,
                name = entry.Figure.Name,
                unit = entry.Figure.Unit,
                ours = entry.Figure.Ours,
                theirs = entry.Figure.Theirs,
                competitor = entry.Figure.Competitor,
                ratio = entry.Figure.Ratio,
                goal = entry.Figure.Kind == GoalKind.None ? (double?)null : entry.Figure.Goal,
                kind = $"{entry.Figure.Kind}",
                held = entry.Figure.IsHeld,
            }),
            notes = _notes.Select(note => new { benchmark = note.Benchmark, text = note.Text }),
        },
        new JsonSerializerOptions { WriteIndented = true });

    private static string Line(Figure figure)
    {
        var theirs = figure.Theirs is { } value ? Number(value) : "";
        var ratio = figure.Ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";
        var goal = figure.Kind switch
        {
            GoalKind.AtLeast => $">= {Number(figure.Goal)}",
            GoalKind.AtMost => $"<= {Number(figure.Goal)}",
            GoalKind.RatioAtLeast => $">= {figure.Goal.ToString(CultureInfo.InvariantCulture)} x",
            GoalKind.RatioAtMost => $"<= {figure.Goal.ToString(CultureInfo.InvariantCulture)} x",
            _ => "",
        };
        var held = figure.IsHeld switch { true => "yes", false => "NO", _ => "" };
        var name = figure.Competitor.Length == 0
            ? figure.Name : $"{figure.Name} (theirs: {figure.Competitor})";
        return $"{name,-58} {Number(figure.Ours) + " " + figure.Unit,14} {theirs,14} "
            + $"{ratio,6} {goal,12} {held}";
    }

    private static string Number(double value) => Math.Abs(value) switch
    {
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };

    private static string ProcessorName() => File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':', 2)[1].Trim() ?? ""
        : "";
}
