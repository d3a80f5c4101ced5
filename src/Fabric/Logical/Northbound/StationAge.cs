using System.Globalization;

namespace Fabric.Logical;

/// <summary>How long a learnt MAC address is remembered while it is silent.</summary>
internal static class StationAge
{
    private const ushort SecondsDefault = 300;

    /// <summary>other_config:fdb_age_threshold; without it, or 0: 300 seconds.</summary>
    public static ushort Of(LogicalSwitch owner) =>
        ushort.TryParse(
            owner.OtherConfig.GetValueOrDefault("fdb_age_threshold"), NumberStyles.None,
            CultureInfo.InvariantCulture, out var seconds) && seconds > 0
                ? seconds
                : SecondsDefault;
}
