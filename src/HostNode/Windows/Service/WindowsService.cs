using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Fabric.HostNode.Windows;

/// <summary>The process as a Windows service: from the manager's calls to one task.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe class WindowsService
{
    private static readonly CancellationTokenSource s_stop = new();
    private static Func<CancellationToken, Task<int>> s_run = _ => Task.FromResult(0);
    private static nint s_handle;
    private static int s_exitCode;

    /// <summary>Returns when the service has stopped.</summary>
    /// <param name="run">The host node; ends soon after it is told to.</param>
    /// <exception cref="Win32Exception">Not started by the service control manager.</exception>
    public static int Run(Func<CancellationToken, Task<int>> run)
    {
        s_run = run;
        fixed (char* name = ServicePlan.Name)
        {
            var table = stackalloc ServiceNative.TableEntry[2];
            table[0] = new ServiceNative.TableEntry { Name = name, Main = &ServiceMain };
            table[1] = default;
            if (!ServiceNative.StartDispatcher(table))
            {
                throw new Win32Exception(Marshal.GetLastPInvokeError());
            }
        }

        return s_exitCode;
    }

    [UnmanagedCallersOnly]
    private static void ServiceMain(uint count, char** arguments)
    {
        s_handle = ServiceNative.RegisterHandler(ServicePlan.Name, &Handle, 0);
        if (s_handle == 0) return;
        Report(ServiceNative.StartPending);
        var task = s_run(s_stop.Token);
        Report(ServiceNative.Running);
        try
        {
            s_exitCode = task.GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            using var log = new WindowsEventLog();
            log.Write(WindowsEventLog.Error, error.ToString());
            s_exitCode = Cli.ExitCode.Failed;
        }

        Report(ServiceNative.Stopped);
    }

    [UnmanagedCallersOnly]
    private static uint Handle(uint control, uint type, nint data, nint context)
    {
        if (control is ServiceNative.ControlStop or ServiceNative.ControlShutdown)
        {
            Report(ServiceNative.StopPending);
            s_stop.Cancel();
        }

        return 0;
    }

    private static void Report(uint state)
    {
        const uint ServiceSpecificError = 1066;
        var status = new ServiceNative.Status
        {
            ServiceType = ServiceNative.OwnProcess,
            CurrentState = state,
            ControlsAccepted = state == ServiceNative.Running
                ? ServiceNative.AcceptStop | ServiceNative.AcceptShutdown
                : 0,
            ExitCode = s_exitCode == 0 ? 0 : ServiceSpecificError,
            SpecificExitCode = (uint)s_exitCode,
            WaitHint = state is ServiceNative.StartPending or ServiceNative.StopPending
                ? 30_000u
                : 0,
        };
        ServiceNative.SetStatus(s_handle, &status);
    }
}
