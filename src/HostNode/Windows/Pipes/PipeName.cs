using System.Text.RegularExpressions;

namespace Fabric.HostNode.Windows;

/// <summary>The names that OVS gives to pipes and control files on Windows.</summary>
internal static partial class PipeName
{
    /// <summary>Longer ones are refused: CreateNamedPipe's limit.</summary>
    public const int LengthMax = 256;

    /// <summary>
    /// The pipe of "unix:PATH": PATH without any slash, behind "\\.\pipe\" (which the system
    /// adds).
    /// </summary>
    public static string Of(string path) =>
        path.Replace("/", "", StringComparison.Ordinal)
            .Replace("\\", "", StringComparison.Ordinal);

    /// <summary>
    /// The file name that tools look for: on Windows the control file has no process id.
    /// </summary>
    public static string PublicNameOf(string socketFile) =>
        ControlFile().Replace(Path.GetFileName(socketFile), "$1.ctl");

    /// <summary>Files of the run folder that are sockets for others.</summary>
    public static bool IsSocket(string file) => Path.GetExtension(file) is
        ".sock" or ".mgmt" or ".snoop" or ".ctl";

    [GeneratedRegex(@"^([a-zA-Z][a-zA-Z0-9-]*)\.\d+\.ctl$")]
    private static partial Regex ControlFile();
}
