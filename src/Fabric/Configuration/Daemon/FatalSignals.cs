using System.Runtime.InteropServices;

namespace Fabric.Configuration;

/// <summary>A daemon dies of an error signal that somebody sent it, as any program does.</summary>
/// <remarks>
/// The runtime has handlers for the signals of faults. If one comes from outside, the handler puts
/// the system's own action back in its place and returns, to let the faulting instruction fault
/// again; there is none, and the process would live on, without the handler that its own null
/// references need. Whether a handler has gone is looked up some times a second; then the signal is
/// sent once more, and its default action ends the process. What waits for it, such as a monitor,
/// sees the same end as of any other program.
/// </remarks>
internal sealed partial class FatalSignals : IDisposable
{
    private const int StructureSizeMax = 256; // struct sigaction: 152 bytes with glibc
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(200);

    // SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV as Linux numbers them.
    private static readonly int[] Signals = [4, 6, 7, 8, 11];

    private readonly int[] _handled;
    private readonly Timer _timer;

    private FatalSignals(int[] handled)
    {
        _handled = handled;
        _timer = new Timer(_ => DieIfTold(), null, Period, Period);
    }

    /// <returns>Null where signals are not Linux's.</returns>
    public static FatalSignals? Watch() => OperatingSystem.IsLinux()
        ? new FatalSignals([.. Signals.Where(signal => !IsDefault(signal))])
        : null;

    public void Dispose() => _timer.Dispose();

    private void DieIfTold()
    {
        foreach (var signal in _handled)
        {
            if (IsDefault(signal)) _ = Kill(Environment.ProcessId, signal);
        }
    }

    /// <summary>The structure begins with the handler; SIG_DFL is a null pointer.</summary>
    private static unsafe bool IsDefault(int signal)
    {
        var action = stackalloc byte[StructureSizeMax];
        return SignalAction(signal, null, action) == 0 && *(nint*)action == 0;
    }

    [LibraryImport("libc", EntryPoint = "sigaction")]
    private static unsafe partial int SignalAction(int signal, byte* wanted, byte* before);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
