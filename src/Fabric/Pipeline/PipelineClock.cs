namespace Fabric.Pipeline;

/// <summary>Monotonic milliseconds of the injected time, as flow statistics have them.</summary>
public static class PipelineClock
{
    public static long Milliseconds(this TimeProvider time)
    {
        var frequency = time.TimestampFrequency;
        var ticks = time.GetTimestamp();
        return (ticks / frequency * 1000) + (ticks % frequency * 1000 / frequency);
    }
}
