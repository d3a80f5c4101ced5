using System.Text;
using System.Text.RegularExpressions;

namespace Fabric.Tidy;

/// <summary>
/// src/Wire/Generated says what driver/include says. UPDATE_GOLDEN=1 writes it anew.
/// </summary>
public sealed partial class AbiGeneratorTests
{
    [Fact]
    public void Drop_reasons_are_generated_from_the_header()
    {
        var header = Repository.Read("driver/include/fabric_drop_reasons.h");
        var expected = DropReasonsOf(header);
        const string Path = "src/Wire/Generated/DropReason.cs";

        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Repository.PathOf(Path), expected);
        }

        Assert.Equal(expected, Repository.Read(Path));
    }

    private static string DropReasonsOf(string header)
    {
        var names = new StringBuilder();
        var counters = new StringBuilder();
        var texts = new StringBuilder();
        var number = 0;
        foreach (Match match in DropPattern().Matches(header))
        {
            var (name, counter, text) =
                (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value);
            names.Append($"    /// <summary>{text}</summary>\n    {name} = {number++},\n");
            counters.Append($"        \"{counter}\",\n");
            texts.Append($"        \"{text}\",\n");
        }

        return $$"""
            // Generated from driver/include/fabric_drop_reasons.h. Do not edit: see tests/Tidy.
            namespace Fabric.Wire;

            /// <summary>Every way a packet can end without a port.</summary>
            public enum DropReason : byte
            {
            {{names.ToString().TrimEnd()}}
            }

            /// <summary>Counter names and explanations of <see cref="DropReason"/>.</summary>
            public static class DropReasons
            {
                public const int Count = {{number}};

                private static readonly string[] Counters =
                [
            {{counters.ToString().TrimEnd()}}
                ];

                private static readonly string[] Texts =
                [
            {{texts.ToString().TrimEnd()}}
                ];

                /// <summary>
                /// The name under which the drop is counted, as in coverage/show.
                /// </summary>
                public static string CounterOf(DropReason reason) => Counters[(int)reason];

                /// <summary>What happened, in words for people.</summary>
                public static string TextOf(DropReason reason) => Texts[(int)reason];
            }

            """;
    }

    [GeneratedRegex("""^FABRIC_DROP\((\w+), "([^"]+)", "([^"]+)"\)""", RegexOptions.Multiline)]
    private static partial Regex DropPattern();
}
