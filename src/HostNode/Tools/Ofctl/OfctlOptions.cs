using System.Globalization;
using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>What stands before the command of fabric ofctl, or between its words.</summary>
internal sealed record OfctlOptions
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private bool _isChosen;

    /// <summary>The versions that may be spoken, ascending.</summary>
    public OfVersion[] Versions { get; private set; } = [OfVersion.OpenFlow10];

    public bool IsHelp { get; private set; }
    public bool IsStrict { get; private set; }
    public bool IsBundle { get; private set; }
    public bool HasStats { get; private set; } = true;
    public bool MayCreate { get; private set; }

    /// <summary>Null: as the switch says; "": by priority; else by this field.</summary>
    public string? SortField { get; private set; }

    public bool IsDescending { get; private set; }
    public TimeSpan Limit { get; private set; } = s_limit;

    /// <summary>Options may stand anywhere before "--"; the other words keep their order.</summary>
    public static OfctlOptions Parse(string[] arguments, out string[] words)
    {
        var options = new OfctlOptions();
        var rest = new List<string>();
        var queue = new Queue<string>(arguments);
        while (queue.TryDequeue(out var word))
        {
            if (word == "--")
            {
                rest.AddRange(queue);
                break;
            }

            if (word.Length < 2 || word[0] != '-') rest.Add(word);
            else options.Set(word, queue);
        }

        words = [.. rest];
        // Bundles begin with OpenFlow 1.4.
        if (options is { IsBundle: true, _isChosen: false })
            options.Versions = [OfVersion.OpenFlow14];
        return options;
    }

    private void Set(string word, Queue<string> queue)
    {
        var isLong = word.StartsWith("--", StringComparison.Ordinal);
        var at = isLong ? word.IndexOf('=') : -1;
        var name = at > 0 ? word[..at] : isLong ? word : word[..2];
        var value = at > 0 ? word[(at + 1)..] : isLong || word.Length == 2 ? null : word[2..];
        switch (name)
        {
            case "-h" or "--help": IsHelp = true; break;
            case "--strict": IsStrict = true; break;
            case "--bundle": IsBundle = true; break;
            case "--no-stats": HasStats = false; break;
            case "--may-create": MayCreate = true; break;
            // Names of ports and tables are not printed; numbers are what scripts want.
            case "--names" or "--no-names" or "-m" or "--more": break;
            case "--sort": SortField = value ?? ""; break;
            case "--rsort": (SortField, IsDescending) = (value ?? "", true); break;
            case "-O" or "--protocols":
                (Versions, _isChosen) = (VersionsOf(value ?? Next(queue, name)), true);
                break;
            case "-t" or "--timeout": Limit = LimitOf(value ?? Next(queue, name)); break;
            case "-F" or "--flow-format": _ = value ?? Next(queue, name); break;
            default: throw new ToolException($"unrecognized option '{word}'");
        }
    }

    private static string Next(Queue<string> queue, string option) =>
        queue.TryDequeue(out var value)
            ? value
            : throw new ToolException($"option requires an argument -- '{option.TrimStart('-')}'");

    private static TimeSpan LimitOf(string text) =>
        uint.TryParse(text, CultureInfo.InvariantCulture, out var seconds) && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : throw new ToolException($"value {text} on -t or --timeout is invalid");

    private static OfVersion[] VersionsOf(string text) =>
    [
        .. text.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(name => Enum.TryParse<OfVersion>(name, ignoreCase: true, out var version)
                ? version
                : throw new ToolException($"{name}: unknown OpenFlow version"))
            .Distinct().Order(),
    ];
}
