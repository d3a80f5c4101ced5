using System.Globalization;

namespace Fabric.Simulation;

/// <summary>The command line of `fabric sim`.</summary>
internal sealed record SimulationCommand(int From, int Count, bool IsLogged, bool IsVerbose)
{
    /// <summary>Not zero: one large fleet in place of many seeds.</summary>
    public int Hosts { get; init; }

    /// <summary>Seeds of <see cref="RestartRun"/> in place of those of everything.</summary>
    public bool IsRestarts { get; init; }

    public const string Usage =
        """
        usage: fabric sim [--restarts] [--seeds N] [--from S] [--log] [--verbose]
               fabric sim --hosts N [--from S] [--log]
        Runs whole host nodes on a virtual clock, one seed after another: loss, delay, one-way
        partitions, crashes with torn writes, pauses, clock jumps, failing disks.
          --seeds N    so many seeds; 100 unless given
          --from S     the first seed; 0 unless given
          --restarts   hosts only die and come back, under loss and pauses
          --log        prints faults and what hosts log, with simulated seconds; of --hosts
                       what kinds of messages they send
          --verbose    a line for every seed, with the hash of its trace
          --hosts N    one fleet of N hosts with 10 ports each: join, leave, crash, rolling
                       restart; simulated seconds until all agree, and bytes sent by each host
        Exit code 1 when an invariant did not hold; the line names the command that replays it.
        Example: fabric sim --seeds 1000 --from 5000
        """;

    /// <returns>
    /// False with a problem; true with null when help was asked for.
    /// </returns>
    public static bool TryParse(
        ReadOnlySpan<string> arguments, out SimulationCommand? command, out string? problem)
    {
        var (from, count, hosts, isLogged, isVerbose) = (0, 100, 0, false, false);
        var isRestarts = false;
        (command, problem) = (null, null);
        for (var i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "-h" or "--help": return true;
                case "--log": isLogged = true; break;
                case "--restarts": isRestarts = true; break;
                case "--verbose": isVerbose = true; break;
                case "--seeds" or "--from" or "--hosts" when i + 1 < arguments.Length
                    && int.TryParse(
                        arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture,
                        out var number):
                    if (arguments[i] == "--seeds") count = number;
                    else if (arguments[i] == "--from") from = number;
                    else hosts = number;
                    i++;
                    break;
                default:
                    problem = $"'{arguments[i]}' is not understood";
                    return false;
            }
        }

        command = new SimulationCommand(from, count, isLogged, isVerbose)
        {
            Hosts = hosts,
            IsRestarts = isRestarts,
        };
        return true;
    }
}
