using System.Diagnostics;
using System.Text.Json;
using Spectre.Console;

namespace Fabric.HostNode.Demo;

internal enum CheckState { Waiting, Running, Passed, Failed, NotApplicable }

/// <summary>One row of the demo's table.</summary>
internal sealed class DemoCheck(string name)
{
    public string Name { get; } = name;
    public CheckState State { get; set; }
    public string Detail { get; set; } = "";
    public TimeSpan Took { get; set; }
}

/// <summary>What a check found: passed or not, and the figure or reason to show.</summary>
internal readonly record struct CheckOutcome(CheckState State, string Detail)
{
    public static CheckOutcome Passed(string detail) => new(CheckState.Passed, detail);
    public static CheckOutcome Failed(string detail) => new(CheckState.Failed, detail);
    public static CheckOutcome NotApplicable(string why) => new(CheckState.NotApplicable, why);
}

/// <summary>
/// The live table with its progress bar, or plain lines where there is no terminal.
/// </summary>
internal sealed class DemoReport
{
    private readonly List<DemoCheck> _checks = [];
    private readonly bool _isQuiet;
    private LiveDisplayContext? _live;

    public DemoReport(bool isQuiet) => _isQuiet = isQuiet;

    public IReadOnlyList<DemoCheck> Checks => _checks;
    public bool HasFailed => _checks.Exists(check => check.State == CheckState.Failed);

    public void Announce(params IEnumerable<string> names) =>
        _checks.AddRange(names.Select(name => new DemoCheck(name)));

    /// <summary>Runs 'body' with the live table on the screen.</summary>
    public async Task ShowAsync(Func<Task> body)
    {
        if (_isQuiet || Console.IsOutputRedirected)
        {
            await body();
            return;
        }

        await AnsiConsole.Live(Picture()).AutoClear(false).StartAsync(async live =>
        {
            _live = live;
            try
            {
                await body();
            }
            finally
            {
                live.UpdateTarget(Picture());
                _live = null;
            }
        });
    }

    /// <summary>Runs one announced check and writes down how it went.</summary>
    public async Task<bool> RunAsync(string name, Func<Task<CheckOutcome>> check)
    {
        var row = _checks.First(candidate => candidate.Name == name);
        row.State = CheckState.Running;
        Refresh();
        var start = Stopwatch.GetTimestamp();
        CheckOutcome outcome;
        try
        {
            outcome = await check();
        }
        catch (Exception error) when (error is DemoException or IOException
            or System.Net.Sockets.SocketException or System.ComponentModel.Win32Exception)
        {
            outcome = CheckOutcome.Failed(error.Message);
        }

        row.Took = Stopwatch.GetElapsedTime(start);
        (row.State, row.Detail) = (outcome.State, outcome.Detail);
        Refresh();
        if (_live is null && !_isQuiet)
        {
            Console.WriteLine($"{Mark(row.State),-4} {row.Name}: {row.Detail}");
        }

        return row.State is CheckState.Passed or CheckState.NotApplicable;
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            passed = !HasFailed,
            checks = _checks.Select(check => new
            {
                name = check.Name,
                state = check.State switch
                {
                    CheckState.Passed => "passed",
                    CheckState.Failed => "failed",
                    CheckState.NotApplicable => "not applicable",
                    _ => "not run",
                },
                detail = check.Detail,
                milliseconds = (long)check.Took.TotalMilliseconds,
            }),
        },
        JsonOptions);

    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true };

    private void Refresh() => _live?.UpdateTarget(Picture());

    private Rows Picture()
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumn("").AddColumn("check").AddColumn("result").AddColumn("time");
        foreach (var check in _checks)
        {
            table.AddRow(
                Colour(check.State), Markup.Escape(check.Name), Markup.Escape(check.Detail),
                check.Took == default ? "" : $"{check.Took.TotalSeconds:0.0} s");
        }

        var done = _checks.Count(check => check.State > CheckState.Running);
        var bar = new BreakdownChart().Width(60).HideTagValues().HideTags()
            .AddItem("done", done, HasFailed ? Color.Red : Color.Green)
            .AddItem("left", _checks.Count - done, Color.Grey);
        return new Rows(table, bar);
    }

    private static string Mark(CheckState state) => state switch
    {
        CheckState.Passed => "ok",
        CheckState.Failed => "FAIL",
        CheckState.NotApplicable => "n/a",
        _ => "",
    };

    private static string Colour(CheckState state) => state switch
    {
        CheckState.Passed => "[green]ok[/]",
        CheckState.Failed => "[red]FAIL[/]",
        CheckState.NotApplicable => "[grey]n/a[/]",
        CheckState.Running => "[yellow]...[/]",
        _ => "",
    };
}
