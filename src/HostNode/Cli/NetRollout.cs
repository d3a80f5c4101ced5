using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Fabric.HostNode.Cli;

/// <summary>How far a change of the northbound has come.</summary>
/// <param name="Wanted">NB_Global.nb_cfg.</param>
/// <param name="Applied">NB_Global.hv_cfg: what all hosts that are alive have installed.</param>
/// <param name="ByHost">What each has installed; empty where nobody knows.</param>
internal sealed record RolloutState(
    long Wanted, long Applied, IReadOnlyDictionary<string, long> ByHost)
{
    private const int ShownMax = 5;

    /// <param name="json">The answer to net/progress.</param>
    public static RolloutState Parse(string json)
    {
        var state = JsonNode.Parse(json)!.AsObject();
        return new RolloutState(
            (long)state["wanted"]!, (long)state["applied"]!,
            state["hosts"]!.AsObject().ToDictionary(
                host => host.Key, host => (long)host.Value!, StringComparer.Ordinal));
    }

    public IReadOnlyList<string> Missing(long target) =>
        [.. ByHost.Where(host => host.Value < target).Select(host => host.Key).Order()];

    public string TextOf(long target)
    {
        var missing = Missing(target);
        var waiting = missing.Count is > 0 and <= ShownMax
            ? $", not yet {string.Join(", ", missing)}" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"installed on {ByHost.Count - missing.Count} of {ByHost.Count} hosts{waiting}");
    }
}

/// <summary>Follows a change of the northbound until every host has it.</summary>
internal static class NetRollout
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Shows a bar on a terminal, else a line whenever another host is done.
    /// </summary>
    /// <returns><see cref="ExitCode.Failed"/> when it takes longer than the limit.</returns>
    public static async Task<int> FollowAsync(TimeSpan limit, CancellationToken cancellation)
    {
        if (Console.IsOutputRedirected)
        {
            var last = "";
            return await UntilDoneAsync(limit, (state, target) =>
            {
                var text = state.TextOf(target);
                if (text != last) Console.WriteLine(last = text);
            }, cancellation);
        }

        return await AnsiConsole.Progress().AutoClear(true).StartAsync(async shown =>
        {
            var bar = shown.AddTask("rolling out");
            return await UntilDoneAsync(limit, (state, target) =>
            {
                bar.MaxValue = Math.Max(1, state.ByHost.Count);
                bar.Value = state.ByHost.Count - state.Missing(target).Count;
                bar.Description = Markup.Escape(state.TextOf(target));
            }, cancellation);
        });
    }

    private static async Task<int> UntilDoneAsync(
        TimeSpan limit, Action<RolloutState, long> show, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        long? target = null;
        while (true)
        {
            var (exitCode, text) = await HostClient.AskAsync("net/progress", [], cancellation);
            if (exitCode != ExitCode.Ok)
            {
                await Console.Error.WriteLineAsync($"fabric net apply: {text}");
                return exitCode;
            }

            var state = RolloutState.Parse(text);
            target ??= state.Wanted;
            if (state.Applied >= target)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"installed on every host after {clock.Elapsed.TotalSeconds:F2} s"));
                return ExitCode.Ok;
            }

            if (clock.Elapsed >= limit)
            {
                await Console.Error.WriteLineAsync(
                    $"fabric net apply: written, but after {limit.TotalSeconds:F0} s "
                    + state.TextOf(target.Value));
                return ExitCode.Failed;
            }

            show(state, target.Value);
            await Task.Delay(Interval, cancellation);
        }
    }
}
