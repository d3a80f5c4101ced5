using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Fabric.HostNode.Windows;

/// <summary>Installs, starts, stops and removes the service. Needs an administrator.</summary>
/// <exception cref="Win32Exception">By all members: the manager refuses.</exception>
[SupportedOSPlatform("windows")]
internal sealed unsafe class ServiceManager : IDisposable
{
    private readonly nint _manager;

    public ServiceManager()
    {
        _manager = ServiceNative.OpenManager(null, null, ServiceNative.AllAccess);
        if (_manager == 0) throw Failure();
    }

    /// <summary>Makes the service, or changes the one that is there.</summary>
    public void Install(ServicePlan plan)
    {
        var dependencies = string.Concat(plan.DependsOn.Select(name => name + '\0')) + '\0';
        nint service;
        fixed (char* list = dependencies)
        {
            service = ServiceNative.Create(
                _manager, ServicePlan.Name, plan.DisplayName, ServiceNative.ServiceAllAccess,
                ServiceNative.OwnProcess, ServiceNative.AutoStart, ServiceNative.ErrorNormal,
                plan.CommandLine, null, 0, list, null, null);
            if (service == 0
                && Marshal.GetLastPInvokeError() == ServiceNative.ErrorServiceExists)
            {
                service = Open();
                if (!ServiceNative.Change(
                    service, ServiceNative.OwnProcess, ServiceNative.AutoStart,
                    ServiceNative.ErrorNormal, plan.CommandLine, null, 0, list, null, null,
                    plan.DisplayName))
                {
                    throw Failure();
                }
            }
        }

        if (service == 0) throw Failure();
        try
        {
            Describe(service, plan);
        }
        finally
        {
            ServiceNative.Close(service);
        }
    }

    /// <summary>Description, delayed start, and what happens after a crash.</summary>
    private static void Describe(nint service, ServicePlan plan)
    {
        fixed (char* text = plan.Description)
        {
            var pointer = text;
            Check(ServiceNative.ChangeMore(service, ServiceNative.ConfigDescription, &pointer));
        }

        var delayed = 0; // The host's network does not wait.
        Check(ServiceNative.ChangeMore(service, ServiceNative.ConfigDelayedAutoStart, &delayed));
        var actions = stackalloc ServiceNative.FailureAction[plan.RestartDelays.Length];
        for (var i = 0; i < plan.RestartDelays.Length; i++)
        {
            actions[i].Type = ServiceNative.ActionRestart;
            actions[i].DelayMilliseconds = (uint)plan.RestartDelays[i].TotalMilliseconds;
        }

        var failure = new ServiceNative.FailureActions
        {
            ResetSeconds = (uint)plan.FailureReset.TotalSeconds,
            Count = (uint)plan.RestartDelays.Length,
            Actions = actions,
        };
        Check(ServiceNative.ChangeMore(service, ServiceNative.ConfigFailureActions, &failure));
        var onError = 1; // Also when it stops with an exit code.
        Check(ServiceNative.ChangeMore(
            service, ServiceNative.ConfigFailureActionsFlag, &onError));
    }

    /// <summary>False when there was no such service.</summary>
    public bool Uninstall()
    {
        if (State() is null) return false;
        Stop(TimeSpan.FromSeconds(30));
        var service = Open();
        try
        {
            Check(ServiceNative.Delete(service));
            return true;
        }
        finally
        {
            ServiceNative.Close(service);
        }
    }

    public void Start()
    {
        var service = Open();
        try
        {
            if (!ServiceNative.Start(service, 0, null)
                && Marshal.GetLastPInvokeError() != ServiceNative.ErrorAlreadyRunning)
            {
                throw Failure();
            }
        }
        finally
        {
            ServiceNative.Close(service);
        }
    }

    /// <summary>False when it did not stop in time.</summary>
    public bool Stop(TimeSpan patience)
    {
        var service = Open();
        try
        {
            ServiceNative.Status status;
            if (!ServiceNative.Control(service, ServiceNative.ControlStop, &status)
                && Marshal.GetLastPInvokeError() != ServiceNative.ErrorServiceNotActive)
            {
                throw Failure();
            }

            using var pause = new ManualResetEventSlim(false);
            for (var waited = TimeSpan.Zero; waited < patience;
                waited += TimeSpan.FromMilliseconds(100))
            {
                Check(ServiceNative.Query(service, &status));
                if (status.CurrentState == ServiceNative.Stopped) return true;
                pause.Wait(TimeSpan.FromMilliseconds(100));
            }

            return false;
        }
        finally
        {
            ServiceNative.Close(service);
        }
    }

    /// <summary>"running", "stopped" ...; null when it is not installed.</summary>
    public string? State()
    {
        var service = ServiceNative.Open(
            _manager, ServicePlan.Name, ServiceNative.ServiceAllAccess);
        if (service == 0)
        {
            return Marshal.GetLastPInvokeError() == ServiceNative.ErrorServiceDoesNotExist
                ? null
                : throw Failure();
        }

        try
        {
            ServiceNative.Status status;
            Check(ServiceNative.Query(service, &status));
            return status.CurrentState switch
            {
                ServiceNative.Stopped => "stopped",
                ServiceNative.StartPending => "starting",
                ServiceNative.StopPending => "stopping",
                ServiceNative.Running => "running",
                _ => $"state {status.CurrentState}",
            };
        }
        finally
        {
            ServiceNative.Close(service);
        }
    }

    private nint Open()
    {
        var service = ServiceNative.Open(
            _manager, ServicePlan.Name, ServiceNative.ServiceAllAccess);
        return service != 0 ? service : throw Failure();
    }

    private static void Check(bool isDone)
    {
        if (!isDone) throw Failure();
    }

    private static Win32Exception Failure() => new(Marshal.GetLastPInvokeError());

    public void Dispose() => ServiceNative.Close(_manager);
}
