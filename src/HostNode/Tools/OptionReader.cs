using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>A stock tool's command line, word by word, as getopt_long takes it.</summary>
/// <param name="arguments">What stands behind the tool's name.</param>
/// <param name="isOrdered">Options end at the first word that is none.</param>
internal sealed class OptionReader(IEnumerable<string> arguments, bool isOrdered = false)
{
    private readonly Queue<string> _rest = new(arguments);
    private readonly List<string> _words = [];
    private string? _value;

    /// <summary>The words that are no options, in their order.</summary>
    public string[] Words => [.. _words, .. _rest];

    /// <summary>The option that was read last: "-t" or "--timeout".</summary>
    public string Name { get; private set; } = "";

    /// <summary>The next option; false at the end of them.</summary>
    public bool Read()
    {
        while (_rest.TryPeek(out var word))
        {
            var isOption = word.Length > 1 && word[0] == '-';
            if (!isOption && isOrdered) return false;
            _rest.Dequeue();
            if (word == "--") return false;
            if (isOption)
            {
                Take(word);
                return true;
            }

            _words.Add(word);
        }

        return false;
    }

    private void Take(string word)
    {
        var isLong = word.StartsWith("--", StringComparison.Ordinal);
        var at = isLong ? word.IndexOf('=') : -1;
        Name = at > 0 ? word[..at] : isLong ? word : word[..2];
        _value = at > 0 ? word[(at + 1)..] : isLong || word.Length == 2 ? null : word[2..];
    }

    /// <summary>What stands in the option's own word: "--sort=FIELD", "-vconsole:off".</summary>
    public string? Attached => _value;

    /// <summary>The option's value, in its own word or the next one.</summary>
    public string Value() => _value
        ?? (_rest.TryDequeue(out var next)
            ? next
            : throw new ToolException(Name.StartsWith("--", StringComparison.Ordinal)
                ? $"option '{Name}' requires an argument"
                : $"option requires an argument -- '{Name[1..]}'"));

    /// <summary>A time in whole seconds, at least one.</summary>
    /// <param name="spelled">How the tool names the option when the value is wrong.</param>
    public TimeSpan Seconds(string spelled)
    {
        var text = Value();
        return uint.TryParse(text, out var seconds) && seconds is > 0 and < int.MaxValue / 1000
            ? TimeSpan.FromSeconds(seconds)
            : throw new ToolException($"value {text} on {spelled} is invalid");
    }

    public ToolException Unknown() => new(
        Name.StartsWith("--", StringComparison.Ordinal)
            ? $"unrecognized option '{Name}{(_value is null ? "" : "=" + _value)}'"
            : $"invalid option -- '{Name[1..]}'");
}
