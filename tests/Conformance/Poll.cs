using System.Diagnostics;

namespace Fabric.Conformance;

/// <summary>Waits for a condition by asking again, never by hoping that time is enough.</summary>
internal static class Poll
{
    public static readonly TimeSpan PatienceDefault = TimeSpan.FromSeconds(15);

    /// <returns>False when the condition did not hold within 'patience'.</returns>
    public static async Task<bool> UntilAsync(
        Func<Task<bool>> condition, TimeSpan? patience = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > (patience ?? PatienceDefault)) return false;
            await Task.Delay(50);
        }

        return true;
    }
}
