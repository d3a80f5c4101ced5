using System.Text;

namespace Fabric.Conformance;

/// <summary>Splits a command as a shell does that knows single quotes only.</summary>
/// <remarks>Tests read like the commands that an operator types; no shell runs them.</remarks>
internal static class CommandWords
{
    public static string[] Split(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var (isQuoted, isOpen) = (false, false);
        foreach (var letter in command)
        {
            if (letter == '\'')
            {
                isQuoted = !isQuoted;
                isOpen = true;
            }
            else if (letter == ' ' && !isQuoted)
            {
                if (isOpen) words.Add(word.ToString());
                word.Clear();
                isOpen = false;
            }
            else
            {
                word.Append(letter);
                isOpen = true;
            }
        }

        if (isOpen) words.Add(word.ToString());
        return [.. words];
    }
}
