using System.CommandLine;
using Fabric.HostNode.Doctor;

namespace Fabric.HostNode.Cli;

/// <summary>fabric doctor: what the machine offers and what follows.</summary>
internal static class DoctorVerb
{
    public static Command Create()
    {
        var format = OutputFormat.Option();
        var json = OutputFormat.JsonOption();
        var verb = new Command("doctor",
            "Says what this machine offers (kernel, tools, privileges) and what follows.\n"
            + "Example: fabric doctor --json")
        {
            format, json,
        };
        verb.SetAction(result =>
        {
            var probes = MachineProbe.RunAll();
            OutputFormat.Print(
                OutputFormat.IsJson(result, format, json),
                ["what", "found", "detail", "consequence"],
                probes.Select(probe => (string[])[
                    probe.Name, probe.Finding.ToString().ToLowerInvariant(), probe.Detail,
                    probe.Consequence]));
            return probes.Any(probe => probe.Name == "root" && probe.Finding == Finding.Absent)
                ? ExitCode.Failed
                : ExitCode.Ok;
        });
        return verb;
    }
}
