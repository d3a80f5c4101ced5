namespace Fabric.Datapath;

/// <summary>The clock of the kernel's programs (CLOCK_MONOTONIC).</summary>
internal static class KernelClock
{
    /// <summary>Nanoseconds.</summary>
    public static ulong Now() =>
        (ulong)(TimeProvider.System.GetTimestamp()
            * (1e9 / TimeProvider.System.TimestampFrequency));
}
