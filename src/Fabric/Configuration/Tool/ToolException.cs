namespace Fabric.Configuration;

/// <summary>Ends ovsdb-tool with a sentence on standard error.</summary>
/// <param name="exitCode">1, or 2 where ovsdb-tool tells the two apart.</param>
internal sealed class ToolException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
