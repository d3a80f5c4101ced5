using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>A command line as getopt_long cuts it: options with values, and operands.</summary>
public sealed record CommandLineWords(
    ImmutableArray<(string Name, string? Value)> Options, ImmutableArray<string> Operands)
{
    /// <param name="withValue">Options whose value may be the next word.</param>
    /// <returns>False, and what is wrong, in the words of getopt.</returns>
    public static bool TryCut(
        ReadOnlySpan<string> arguments, ReadOnlySpan<string> withValue, out CommandLineWords words,
        out string problem)
    {
        var options = ImmutableArray.CreateBuilder<(string, string?)>();
        var operands = ImmutableArray.CreateBuilder<string>();
        words = new CommandLineWords([], []);
        problem = "";
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (argument == "--")
            {
                operands.AddRange(arguments[(i + 1)..]);
                break;
            }

            if (argument.Length < 2 || argument[0] != '-')
            {
                operands.Add(argument);
                continue;
            }

            var (name, value) = Split(argument);
            if (value is null && withValue.Contains(name))
            {
                if (++i == arguments.Length)
                {
                    problem = $"option '{name}' requires an argument";
                    return false;
                }

                value = arguments[i];
            }

            options.Add((name, value));
        }

        words = new CommandLineWords(options.ToImmutable(), operands.ToImmutable());
        return true;
    }

    private static (string Name, string? Value) Split(string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            return argument.Length > 2 ? (argument[..2], argument[2..]) : (argument, null);
        }

        var equals = argument.IndexOf('=');
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }
}
