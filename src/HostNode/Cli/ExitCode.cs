namespace Fabric.HostNode.Cli;

/// <summary>What every verb of the command line exits with.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The check or the operation failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line cannot be understood.</summary>
    public const int Usage = 2;

    /// <summary>The host node cannot be reached.</summary>
    public const int Unreachable = 3;
}
