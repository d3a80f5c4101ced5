using System.Globalization;

namespace Fabric.Simulation;

/// <summary>The command line of `fabric sim`.</summary>
internal sealed record SimulationCommand(int From, int Count, bool IsLogged, bool IsVerbose)
{
    public const string Usage =
        """
        usage: fabric sim [--seeds N] [--from S] [--log] [--verbose]
        Runs whole host nodes on a virtual clock, one seed after another: loss, delay, one-way
        partitions, crashes with torn writes, pauses, clock jumps, failing disks.
          --seeds N    so many seeds; 100 unless given
          --from S     the first seed; 0 unless given
          --log        prints faults and what hosts log, with simulated seconds
          --verbose    a line for every seed, with the hash of its trace
        Exit code 1 when an invariant did not hold; the line names the command that replays it.
        Example: fabric sim --seeds 1000 --from 5000
        """;

    /// <returns>
    /// False with a problem; true with null when help was asked for.
    /// </returns>
    public static bool TryParse(
        ReadOnlySpan<string> arguments, out SimulationCommand? command, out string? problem)
    {
        var (from, count, isLogged, isVerbose) = (0, 100, false, false);
        (command, problem) = (null, null);
        for (var i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "-h" or "--help": return true;
                case "--log": isLogged = true; break;
                case "--verbose": isVerbose = true; break;
                case "--seeds" or "--from" when i + 1 < arguments.Length && int.TryParse(
                    arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture,
                    out var number):
                    if (arguments[i++] == "--seeds") count = number;
                    else from = number;
                    break;
                default:
                    problem = $"'{arguments[i]}' is not understood";
                    return false;
            }
        }

        command = new SimulationCommand(from, count, isLogged, isVerbose);
        return true;
    }
}
