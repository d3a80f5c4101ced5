using System.Diagnostics;
using System.Globalization;
using Fabric.Simulation;

// fabric sim --seeds N --from S [--log]: runs seeds, prints a line for each failure and a summary.
if (!SimulationCommand.TryParse(args, out var command, out var problem))
{
    Console.Error.WriteLine($"fabric sim: {problem}");
    Console.Error.WriteLine(SimulationCommand.Usage);
    return 2;
}

if (command is null)
{
    Console.Out.WriteLine(SimulationCommand.Usage);
    return 0;
}

if (command.Hosts > 0)
{
    Console.Out.WriteLine(
        $"{"step",-42} {"converged",10} {"bytes/host",16} {"busiest host",16} {"took",10}");
    var traffic = command.IsLogged ? new ScaleTraffic() : null;
    using var run = new ScaleRun(
        command.Hosts, command.From,
        step =>
        {
            Console.Out.WriteLine(step);
            if (traffic is null) return;
            foreach (var line in traffic.Take()) Console.Out.WriteLine(line);
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"    memory {GC.GetTotalMemory(false) >> 20} MiB; collected so far "
                + $"{GC.CollectionCount(0)}, {GC.CollectionCount(1)}, {GC.CollectionCount(2)} "
                + $"times in {GC.GetTotalPauseDuration().TotalSeconds:F1} s"));
        },
        traffic);
    return run.Run() ? 0 : 1;
}

var watch = Stopwatch.StartNew();
var results = FleetSeeds.Run(
    command.From, command.Count, command.IsLogged ? Console.Out.WriteLine : null,
    result =>
    {
        if (result.Problem is null && !command.IsVerbose && command.Count > 1) return;
        Console.Out.WriteLine(FleetSeeds.Describe(result));
    },
    command.IsRestarts ? RestartRun.Run : FleetRun.Run);
Console.Out.WriteLine(FleetSeeds.Summarise(results, watch.Elapsed));
return results.All(result => result.Problem is null) ? 0 : 1;
