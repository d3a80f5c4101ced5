namespace Fabric.Logical;

/// <summary>An expression that people wrote does not mean anything: where and why.</summary>
public sealed class ExpressionException : Exception
{
    /// <param name="position">Index of the offending character, from zero.</param>
    public ExpressionException(string message, int position)
        : base($"{message} (at character {position + 1})") => Position = position;

    /// <summary>Index of the offending character in the text, from zero.</summary>
    public int Position { get; }
}
