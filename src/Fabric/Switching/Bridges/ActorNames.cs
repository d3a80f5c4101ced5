using System.Text;

namespace Fabric.Switching;

/// <summary>
/// Names of bridges and ports as names of actors, which may hold fewer characters.
/// </summary>
public static class ActorNames
{
    /// <summary>
    /// Letters, digits, dash, underscore and dots stay; others become %HH per byte.
    /// </summary>
    public static string Of(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var each in Encoding.UTF8.GetBytes(name))
        {
            var isPlain = char.IsAsciiLetterOrDigit((char)each) || each is (byte)'-' or (byte)'_'
                || (each == (byte)'.' && text.Length > 0);
            if (isPlain) text.Append((char)each);
            else text.Append('%').Append(each.ToString("X2", null));
        }

        return text.ToString();
    }
}
