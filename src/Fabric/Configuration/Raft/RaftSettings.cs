using System.Globalization;

namespace Fabric.Configuration;

/// <summary>Times and limits of a cluster's servers.</summary>
internal static class RaftSettings
{
    /// <summary>Milliseconds without a leader until an election begins.</summary>
    public const long ElectionTimerDefault = 1000;

    /// <summary>Up to so many milliseconds are added by chance, so that one is first.</summary>
    public const int ElectionSpread = 1000;

    /// <summary>A server that joins asks again after so many milliseconds.</summary>
    public const long AskPause = 1000;

    /// <summary>Entries in one message; the rest follows when they are answered.</summary>
    public const int EntryCountMax = 500;

    /// <summary>Milliseconds; <see cref="TryParseTimer"/>.</summary>
    private const long TimerMin = 100;
    private const long TimerMax = 600_000;

    public const string TimerProblem =
        "election timer must be between 100 and 600000, in msec.";

    /// <summary>The timer as cluster/change-election-timer and create-cluster take it.</summary>
    public static bool TryParseTimer(string text, out long milliseconds) =>
        long.TryParse(
            text, NumberStyles.None, CultureInfo.InvariantCulture, out milliseconds)
        && milliseconds is >= TimerMin and <= TimerMax;

    /// <summary>The four digits by which OVS's texts name a cluster or a server.</summary>
    public static string ShortOf(Guid id) => $"{id:D}"[..4];
}
