using System.Collections.Immutable;
using System.Globalization;

namespace Fabric.Switching;

/// <summary>What an Interface row asks of CFM (802.1ag, as Open vSwitch speaks it).</summary>
/// <param name="EndPoint">cfm_mpid: 1 to 8191, more in the extended mode.</param>
/// <param name="Interval">Milliseconds between two messages; usually 1000.</param>
/// <param name="IsExtended">Wide end points and any interval: between Open vSwitches.</param>
/// <param name="IsOperational">other_config:cfm_opstate is not "down".</param>
/// <param name="Vlan">Tag of the messages; 0: none.</param>
/// <param name="ChecksKey">Messages of a tunnel count with key 0 only.</param>
public sealed record CfmSettings(
    ulong EndPoint, int Interval, bool IsExtended, bool IsOperational, ushort Vlan, byte Priority,
    bool ChecksKey)
{
    private const int IntervalDefault = 1000;

    /// <summary>Intervals that the standard has codes for, by code less one.</summary>
    private static readonly ImmutableArray<int> CodedIntervals =
        [3, 10, 100, 1000, 10_000, 60_000, 600_000];

    /// <summary>0 where the interval has none: the extended mode carries it in full.</summary>
    public int IntervalCode => CodedIntervals.IndexOf(Interval) + 1;

    /// <summary>Without a message for so long an end point is lost: 3.5 intervals.</summary>
    public int FaultInterval => Interval * 7 / 2;

    public static CfmSettings Parse(
        long endPoint, ImmutableSortedDictionary<string, string> otherConfig)
    {
        var isExtended = Text("cfm_extended") == "true";
        var interval = Number("cfm_interval", 1, 3_600_000) ?? IntervalDefault;
        if (!isExtended)
        {
            // The greatest coded interval that is not above what is wanted.
            interval = CodedIntervals.Where(each => each <= interval).DefaultIfEmpty(3).Max();
        }

        return new CfmSettings(
            (ulong)endPoint, interval, isExtended, Text("cfm_opstate") != "down",
            (ushort)(Number("cfm_ccm_vlan", 1, 4094) ?? 0),
            (byte)(Number("cfm_ccm_pcp", 1, 7) ?? 0), Text("cfm_check_tnl_key") == "true");

        string? Text(string key) => otherConfig.GetValueOrDefault(key);

        int? Number(string key, int min, int max) =>
            int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                && value >= min && value <= max ? value : null;
    }
}
