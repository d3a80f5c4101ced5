namespace Fabric.HostNode.Tests;

/// <summary>Runs `fabric ...` inside this process and keeps what it printed.</summary>
/// <remarks>The console and the environment are the process's: one run at a time.</remarks>
internal static class CommandLine
{
    private static readonly SemaphoreSlim Turn = new(1);

    public sealed record Answer(int ExitCode, string Output, string Error);

    /// <param name="runFolder">Where the command looks for the host node's socket.</param>
    public static async Task<Answer> RunAsync(
        string[] arguments, string runFolder = "/nonexistent/fabric")
    {
        await Turn.WaitAsync();
        var (output, errors) = (Console.Out, Console.Error);
        var folder = Environment.GetEnvironmentVariable("FABRIC_RUNDIR");
        using var said = new StringWriter();
        using var complained = new StringWriter();
        try
        {
            Console.SetOut(said);
            Console.SetError(complained);
            Environment.SetEnvironmentVariable("FABRIC_RUNDIR", runFolder);
            var exitCode = await Program.Main(arguments);
            return new Answer(exitCode, said.ToString(), complained.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
            Environment.SetEnvironmentVariable("FABRIC_RUNDIR", folder);
            Turn.Release();
        }
    }
}
