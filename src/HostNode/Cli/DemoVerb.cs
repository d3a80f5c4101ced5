using System.CommandLine;
using System.Runtime.InteropServices;
using Fabric.HostNode.Demo;

namespace Fabric.HostNode.Cli;

/// <summary>fabric demo: three hosts on this machine, checked with real packets.</summary>
internal static class DemoVerb
{
    private const int HostsMax = 8;

    public static Command Create()
    {
        var hosts = new Option<int>("--hosts")
        {
            Description = $"Hosts to bring up, 1 to {HostsMax}; a majority needs 3.",
            DefaultValueFactory = _ => 3,
        };
        var datapath = new Option<string?>("--datapath")
        {
            Description = "What moves packets: ebpf or userspace; ebpf where it can be used.",
        };
        var once = new Option<bool>("--once")
        {
            Description = "End after the checks, with 0 if all passed, else 1.",
        };
        var json = new Option<bool>("--json") { Description = "Print the checks as JSON." };
        var network = new Option<string?>("--network")
        {
            Description = "Another three-tier network in YAML.",
        };
        var evidence = new Option<string?>("--evidence")
        {
            Description = "Folder for flows, connections, packets and logs of a pair that fails.",
        };
        var verb = new Command("demo",
            "Brings up hosts as network namespaces, joins them, applies a logical network and\n"
            + "checks it with real packets. Nothing is left behind.\nExample: fabric demo --once")
        {
            hosts, datapath, once, json, network, evidence,
        };
        hosts.Validators.Add(result =>
        {
            if (result.Tokens is [var token]
                && int.TryParse(token.Value, out var count) && count is (< 1 or > HostsMax))
            {
                result.AddError($"--hosts takes a number from 1 to {HostsMax}");
            }
        });
        verb.SetAction((result, cancellation) => RunAsync(
            new DemoOptions(
                result.GetValue(hosts), result.GetValue(datapath),
                result.GetValue(once), result.GetValue(json),
                result.GetValue(network) ?? DefaultNetwork(), result.GetValue(evidence)),
            cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(DemoOptions options, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        var report = new DemoReport(options.IsJson);
        try
        {
            await using var demo = new DemoRunner(options, report, stop.Token);
            await report.ShowAsync(demo.RunAsync);
            if (options.IsJson) Console.WriteLine(report.ToJson());
            if (!options.IsOnce) await StayAsync(demo, stop.Token);
        }
        catch (DemoException error)
        {
            await Console.Error.WriteLineAsync($"fabric demo: {error.Message}");
            return ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Failed;
        }

        return report.HasFailed || report.Checks.Any(check => check.State == CheckState.Waiting)
            ? ExitCode.Failed
            : ExitCode.Ok;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static async Task StayAsync(DemoRunner demo, CancellationToken cancellation)
    {
        Console.WriteLine("\nThe hosts stay up. To look around, in another terminal:");
        foreach (var hint in demo.Hints()) Console.WriteLine($"  {hint}");
        Console.WriteLine("Ctrl-C ends the demo and removes everything.");
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine();
        }
    }

    private static string DefaultNetwork()
    {
        var root = Path.GetDirectoryName(Environment.GetEnvironmentVariable("FABRIC_LAUNCHER"))
            ?? AppContext.BaseDirectory;
        return Path.Combine(root, "config", "networks", "three-tier.yaml");
    }
}
