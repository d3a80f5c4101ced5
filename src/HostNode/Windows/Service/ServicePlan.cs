using System.Collections.Immutable;
using System.Text;

namespace Fabric.HostNode.Windows;

/// <summary>What the service control manager is to be told; decided without asking it.</summary>
internal sealed record ServicePlan
{
    public const string Name = "Fabric";

    public string DisplayName { get; init; } = "Fabric virtual network";

    public string Description { get; init; } =
        "Virtual switch and logical network of this Hyper-V host (successor of Open vSwitch).";

    /// <summary>One line, with quotes where there are blanks.</summary>
    public required string CommandLine { get; init; }

    /// <summary>Start after the Hyper-V management service, if it is there.</summary>
    public ImmutableArray<string> DependsOn { get; init; } = ["vmms"];

    /// <summary>Waits before the first, second and every further restart after a crash.</summary>
    public ImmutableArray<TimeSpan> RestartDelays { get; init; } =
        [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30)];

    /// <summary>A service that ran this long is as good as new.</summary>
    public TimeSpan FailureReset { get; init; } = TimeSpan.FromDays(1);

    public static ServicePlan For(IEnumerable<string> words, string configuration) => new()
    {
        CommandLine = Quote([.. words, "service", "run", "--config", configuration]),
    };

    /// <summary>As CommandLineToArgvW takes it apart again.</summary>
    public static string Quote(IEnumerable<string> words)
    {
        var line = new StringBuilder();
        foreach (var word in words)
        {
            if (line.Length > 0) line.Append(' ');
            if (word.Length > 0 && word.IndexOfAny([' ', '\t', '"']) < 0)
            {
                line.Append(word);
                continue;
            }

            line.Append('"');
            var slashes = 0;
            foreach (var letter in word)
            {
                if (letter == '\\')
                {
                    slashes++;
                    continue;
                }

                line.Append('\\', letter == '"' ? (slashes * 2) + 1 : slashes).Append(letter);
                slashes = 0;
            }

            line.Append('\\', slashes * 2).Append('"');
        }

        return line.ToString();
    }
}
