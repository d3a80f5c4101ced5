using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>One command of ovsdb-tool.</summary>
/// <param name="Arguments">As list-commands shows them.</param>
/// <param name="Run">Its arguments, the options and where to print; gives the exit code.</param>
internal sealed record ToolCommand(
    string Name, string Arguments, int CountMin, int CountMax,
    Func<ImmutableArray<string>, ToolOptions, TextWriter, int> Run)
{
    /// <summary>A command that succeeds or fails, and nothing between.</summary>
    public static ToolCommand Of(
        string name, string arguments, int countMin, int countMax,
        Action<ImmutableArray<string>, ToolOptions, TextWriter> run) =>
        new(name, arguments, countMin, countMax, (words, options, output) =>
        {
            run(words, options, output);
            return 0;
        });

    /// <exception cref="ToolException">There are too few arguments, or too many.</exception>
    public int Invoke(ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        if (words.Length < CountMin)
        {
            throw new ToolException(
                $"'{Name}' command requires at least {CountMin} arguments");
        }

        return words.Length <= CountMax
            ? Run(words, options, output)
            : throw new ToolException($"'{Name}' command takes at most {CountMax} arguments");
    }
}
