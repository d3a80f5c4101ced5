using System.Globalization;
using Fabric.Host;

namespace Fabric.HostNode.DropIn;

/// <summary>time/stop and time/warp: tests that wait for nothing.</summary>
internal static class TimeCommands
{
    /// <param name="settle">Ends when all that a step has set off has happened.</param>
    public static void Register(UnixctlCommands commands, WarpClock clock, Func<Task> settle)
    {
        commands.Register("time/stop", "", 0, 0, _ =>
        {
            clock.Stop();
            return Task.FromResult("");
        });
        commands.Register("time/warp", "[large_msecs] msecs", 1, 2, async request =>
        {
            var step = Milliseconds(request.Arguments[^1]);
            var left = Milliseconds(request.Arguments[0]);
            do
            {
                clock.Warp(TimeSpan.FromMilliseconds(Math.Min(step, left)));
                await settle();
                left -= step;
            }
            while (left > 0);
            return "warped";
        });
    }

    private static long Milliseconds(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value is > 0 and <= int.MaxValue
            ? value
            : throw new UnixctlException("invalid MSECS");
}
