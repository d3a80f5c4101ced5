using System.Globalization;

namespace Fabric.Datapath;

/// <summary>How often a port shall go wrong: option `fault` of an interface.</summary>
/// <remarks>
/// `drop=0.1,duplicate=0.05,corrupt=0.01,reorder=0.02,truncate=0.01,seed=7`: probabilities for each
/// packet in each direction; what is not named does not happen. The same seed and packets give
/// the same faults.
/// </remarks>
public sealed record FaultPlan
{
    public double Drop { get; init; }
    public double Duplicate { get; init; }
    /// <summary>One bit of the packet turns over.</summary>
    public double Corrupt { get; init; }
    /// <summary>The packet changes places with the next one of its batch.</summary>
    public double Reorder { get; init; }
    /// <summary>The packet loses its second half.</summary>
    public double Truncate { get; init; }
    public ulong Seed { get; init; } = 1;

    public static bool TryParse(string text, out FaultPlan plan, out string error)
    {
        plan = new FaultPlan();
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var at = item.IndexOf('=');
            var name = at < 0 ? item : item[..at];
            var value = at < 0 ? "" : item[(at + 1)..];
            if (name == "seed" && ulong.TryParse(value, out var seed))
            {
                plan = plan with { Seed = seed };
                continue;
            }

            var isNumber = double.TryParse(
                value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out var probability);
            if (!isNumber || probability is < 0 or > 1
                || With(plan, name, probability) is not { } next)
            {
                error = $"fault: '{item}' is not one of drop, duplicate, corrupt, reorder, "
                    + "truncate with a probability from 0 to 1, or seed with a number";
                return false;
            }

            plan = next;
        }

        error = "";
        return true;
    }

    private static FaultPlan? With(FaultPlan plan, string name, double probability) => name switch
    {
        "drop" => plan with { Drop = probability },
        "duplicate" => plan with { Duplicate = probability },
        "corrupt" => plan with { Corrupt = probability },
        "reorder" => plan with { Reorder = probability },
        "truncate" => plan with { Truncate = probability },
        _ => null,
    };
}
