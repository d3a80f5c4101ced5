using System.CommandLine;
using System.ComponentModel;
using System.Runtime.Versioning;
using Akka.Configuration;
using Fabric.Host;
using Fabric.HostNode.Composition;
using Fabric.HostNode.Windows;

namespace Fabric.HostNode.Cli;

/// <summary>fabric service: the host node as a Windows service.</summary>
internal static class ServiceVerb
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);

    public static Command Create()
    {
        var verb = new Command("service",
            "The host node as a Windows service (systemd unit on Linux: packaging/systemd).\n"
            + "Example: fabric service install --config C:\\ProgramData\\Fabric\\fabric.conf");
        var config = new Option<string>("--config")
        {
            Description = "The configuration file that the service reads.",
            DefaultValueFactory = _ => Paths().Configuration,
        };
        verb.Subcommands.Add(Sub(
            "install", "Makes the service, or changes it: automatic start, restart on failure.",
            config));
        verb.Subcommands.Add(Sub("uninstall", "Stops and removes the service.", null));
        verb.Subcommands.Add(Sub("start", "Starts the service.", null));
        verb.Subcommands.Add(Sub("stop", "Stops the service and waits for it.", null));
        verb.Subcommands.Add(Sub("status", "Prints what the service does.", null));
        verb.Subcommands.Add(Sub(
            "run", "What the service control manager starts; not for people.", config));
        return verb;
    }

    public static WindowsPaths Paths() => WindowsPaths.Find(
        Environment.GetEnvironmentVariable,
        Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData));

    private static Command Sub(string name, string help, Option<string>? config)
    {
        var command = new Command(name, $"{help}\nExample: fabric service {name}");
        if (config is not null) command.Options.Add(config);
        command.SetAction(result =>
        {
            if (!OperatingSystem.IsWindows())
            {
                Console.Error.WriteLine(
                    $"fabric service {name}: this is for Windows; on Linux use systemctl "
                    + "with packaging/systemd/fabric.service");
                return ExitCode.Failed;
            }

            try
            {
                return Do(name, config is null ? "" : result.GetValue(config)!);
            }
            catch (Exception error) when (error is Win32Exception or IOException
                or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"fabric service {name}: {error.Message}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    [SupportedOSPlatform("windows")]
    private static int Do(string name, string config) => name switch
    {
        "install" => Install(config),
        "uninstall" => Uninstall(),
        "start" => Start(),
        "stop" => Stop(),
        "status" => Status(),
        _ => Run(config),
    };

    [SupportedOSPlatform("windows")]
    private static int Install(string config)
    {
        using var manager = new ServiceManager();
        manager.Install(ServicePlan.For(Executable.Words, config));
        WindowsEventLog.Register();
        Console.WriteLine($"service {ServicePlan.Name} installed");
        return ExitCode.Ok;
    }

    [SupportedOSPlatform("windows")]
    private static int Uninstall()
    {
        using var manager = new ServiceManager();
        var wasThere = manager.Uninstall();
        WindowsEventLog.Unregister();
        Console.WriteLine(wasThere
            ? $"service {ServicePlan.Name} removed"
            : $"service {ServicePlan.Name} was not installed");
        return ExitCode.Ok;
    }

    [SupportedOSPlatform("windows")]
    private static int Start()
    {
        using var manager = new ServiceManager();
        manager.Start();
        return ExitCode.Ok;
    }

    [SupportedOSPlatform("windows")]
    private static int Stop()
    {
        using var manager = new ServiceManager();
        if (manager.Stop(StopPatience)) return ExitCode.Ok;
        Console.Error.WriteLine("fabric service stop: it did not stop in time");
        return ExitCode.Failed;
    }

    [SupportedOSPlatform("windows")]
    private static int Status()
    {
        using var manager = new ServiceManager();
        var state = manager.State();
        Console.WriteLine(state ?? "not installed");
        return state == "running" ? ExitCode.Ok : ExitCode.Failed;
    }

    [SupportedOSPlatform("windows")]
    private static int Run(string config)
    {
        using var log = new WindowsEventLog();
        Console.SetOut(new EventLogWriter(log.Write));
        return WindowsService.Run(cancellation => RunHostAsync(config, log, cancellation));
    }

    [SupportedOSPlatform("windows")]
    private static async Task<int> RunHostAsync(
        string config, WindowsEventLog log, CancellationToken cancellation)
    {
        try
        {
            var settings = ConfigurationFile.Load(config, null);
            await using var bridge = PipesOf(text => log.Write(WindowsEventLog.Warning, text));
            return await HostProcess.RunAsync(settings, cancellation);
        }
        catch (Exception error) when (error is HostSettingsException or ConfigurationException
            or IOException or UnauthorizedAccessException)
        {
            log.Write(WindowsEventLog.Error, error.Message);
            return ExitCode.Usage;
        }
    }

    /// <summary>Pipes for the tools, from the sockets that the rooms listen at.</summary>
    public static PipeBridge PipesOf(Action<string> log) => new(
        Environment.GetEnvironmentVariable("OVS_RUNDIR") ?? Paths().Sockets,
        WindowsEnvironment.PublicFolder, TimeProvider.System, log);
}
