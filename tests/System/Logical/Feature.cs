using System.Collections.Immutable;

namespace Fabric.SystemTests;

/// <summary>One line of a feature: what is done, where.</summary>
/// <param name="Verb">See <see cref="Feature"/>.</param>
/// <param name="Where">A workload, `out`, or a host: `h1`, `h2`, `h3`; empty for `nb`.</param>
/// <param name="Place">File and line, for messages.</param>
internal sealed record FeatureStep(string Verb, string Where, string Command, string Place);

/// <summary>A feature of logical networks as operators meet it: rows in, packets out.</summary>
/// <remarks>
/// Features/*.txt hold them. `== NAME` begins one; a line that begins with a blank continues the
/// one before it; `#` begins a remark. The lines of a feature:
/// <code>
/// nb WORDS           ovn-nbctl --wait=hv WORDS, at the third host
/// yes WHERE COMMAND  must succeed, now or within seconds
/// no WHERE COMMAND   must fail
/// in WHERE COMMAND   must succeed at once
/// back WHERE COMMAND goes on in the background, to $LOG.WHERE, until the feature ends
/// undo WHERE COMMAND runs when the feature has ended, however it did
/// </code>
/// Commands are those of a shell, with the words of Features/words.sh.
/// </remarks>
internal sealed record Feature(string Name, ImmutableArray<FeatureStep> Steps)
{
    private static readonly string Folder = Path.Combine(
        Checkout.Root, "tests", "System", "Logical", "Features");

    private static readonly string[] Verbs = ["nb", "yes", "no", "in", "back", "undo"];

    public static string Words { get; } = Path.Combine(Folder, "words.sh");

    /// <summary>What holds for every feature; see Features/base.txt.</summary>
    public static Feature Base { get; } = Read(Path.Combine(Folder, "base.txt")).Single();

    /// <summary>FABRIC_TEST_FEATURE=PART runs only those with that in their names.</summary>
    public static ImmutableArray<Feature> All { get; } =
    [
        .. Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal)
            .Where(file => Path.GetFileName(file) != "base.txt").SelectMany(Read)
            .Where(feature => feature.Name.Contains(
                Environment.GetEnvironmentVariable("FABRIC_TEST_FEATURE") ?? "",
                StringComparison.Ordinal)),
    ];

    private static IEnumerable<Feature> Read(string file)
    {
        var lines = new List<(string Text, int Number)>();
        foreach (var (text, number) in File.ReadAllLines(file).Select((text, i) => (text, i + 1)))
        {
            if (text.Trim().Length == 0 || text.TrimStart()[0] == '#') continue;
            if (text[0] == ' ')
                lines[^1] = (lines[^1].Text + " " + text.Trim(), lines[^1].Number);
            else lines.Add((text, number));
        }

        string? name = null;
        var steps = ImmutableArray.CreateBuilder<FeatureStep>();
        foreach (var (text, number) in lines)
        {
            if (text.StartsWith("== ", StringComparison.Ordinal))
            {
                if (name is not null) yield return new Feature(name, steps.DrainToImmutable());
                name = text[3..];
                continue;
            }

            steps.Add(Step(text, $"{Path.GetFileName(file)}:{number}"));
        }

        yield return new Feature(name!, steps.DrainToImmutable());
    }

    private static FeatureStep Step(string text, string place)
    {
        var words = text.Split(' ', text.StartsWith("nb ", StringComparison.Ordinal) ? 2 : 3);
        if (!Verbs.Contains(words[0])) throw new FormatException($"{place}: what is {words[0]}?");
        return words.Length == 2
            ? new FeatureStep(words[0], "", words[1], place)
            : new FeatureStep(words[0], words[1], words[2], place);
    }
}
