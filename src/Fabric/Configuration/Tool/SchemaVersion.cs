using System.Collections.Immutable;
using System.Globalization;

namespace Fabric.Configuration;

/// <summary>`ovsdb-tool compare-versions`.</summary>
internal static class SchemaVersion
{
    /// <returns>0 if it holds, 2 if it does not.</returns>
    /// <exception cref="ToolException">A version or the operator is none.</exception>
    public static int Compare(
        ImmutableArray<string> words, ToolOptions options, TextWriter output)
    {
        var order = Parse(words[0]).CompareTo(Parse(words[2]));
        var holds = words[1] switch
        {
            "<" => order < 0,
            "<=" => order <= 0,
            "==" => order == 0,
            ">=" => order >= 0,
            ">" => order > 0,
            "!=" => order != 0,
            _ => throw new ToolException($"{words[1]}: not a relational operator"),
        };
        return holds ? 0 : 2;
    }

    private static (int, int, int) Parse(string text)
    {
        var parts = text.Split('.');
        var numbers = new int[3];
        var isVersion = parts.Length == 3;
        for (var i = 0; isVersion && i < numbers.Length; i++)
        {
            isVersion = int.TryParse(
                parts[i].TrimStart(' '), NumberStyles.None, CultureInfo.InvariantCulture,
                out numbers[i]);
        }

        return isVersion
            ? (numbers[0], numbers[1], numbers[2])
            : throw new ToolException($"{text}: not an OVSDB version number in format x.y.z");
    }
}
