using System.CommandLine;
using Akka.Configuration;
using Fabric.Host;
using Fabric.HostNode.Composition;

namespace Fabric.HostNode.Cli;

/// <summary>fabric host: one host node in the foreground.</summary>
internal static class HostVerb
{
    public static Command Create()
    {
        var config = new Option<string>("--config")
        {
            Description = "The configuration file (HOCON); config/reference.conf has every key.",
            DefaultValueFactory = _ => "/etc/fabric/fabric.conf",
        };
        var datapath = new Option<string?>("--datapath")
        {
            Description = "What datapath type \"system\" means: ebpf, userspace, ovsext ...",
        };
        var verb = new Command("host",
            "Runs one host node until it is told to stop (SIGTERM, Ctrl-C).\n"
            + "Example: fabric host --config /etc/fabric/fabric.conf")
        {
            config, datapath,
        };
        verb.SetAction(async (result, cancellation) =>
        {
            HostSettings settings;
            try
            {
                settings = ConfigurationFile.Load(
                    result.GetValue(config)!, result.GetValue(datapath));
            }
            catch (Exception error) when (error is HostSettingsException or ConfigurationException
                or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"fabric host: {error.Message}");
                return ExitCode.Usage;
            }

            return await HostProcess.RunAsync(settings, cancellation);
        });
        return verb;
    }
}
