using System.Text.RegularExpressions;
using Fabric.Host;

namespace Fabric.Tests.Host;

public sealed partial class VlogTests
{
    private readonly StringWriter _console = new();
    private readonly Vlog _log;

    public VlogTests() =>
        _log = new Vlog(TimeProvider.System, path: null, _console, VlogLevel.Info);

    [Fact]
    public void Lines_look_as_open_vswitch_writes_them()
    {
        _log.Write("bridge", VlogLevel.Info, "text");
        Assert.Matches(LinePattern(), _console.ToString());
    }

    [Theory]
    [InlineData("dbg", true)]
    [InlineData("bridge:dbg", true)]
    [InlineData("bridge:console:dbg", true)]
    [InlineData("bridge:file:dbg", false)]
    [InlineData("other:dbg", false)]
    [InlineData("ANY:console:dbg", true)]
    public void Levels_are_set_by_module_and_destination(string words, bool isWritten)
    {
        _log.Write("other", VlogLevel.Info, "known");
        _log.Write("bridge", VlogLevel.Dbg, "before");
        Assert.Null(_log.Set(words));
        _log.Write("bridge", VlogLevel.Dbg, "after");
        Assert.DoesNotContain("before", _console.ToString());
        Assert.Equal(isWritten, _console.ToString().Contains("after"));
    }

    [Fact]
    public void A_word_that_nobody_knows_is_refused() =>
        Assert.Equal("no destination, level, or module \"loud\"", _log.Set("loud:dbg"));

    [Fact]
    public void A_module_that_repeats_itself_is_limited_unless_told_otherwise()
    {
        for (var i = 0; i < Vlog.LinesPerMinuteMax * 2; i++)
        {
            _log.Write("loud", VlogLevel.Warn, "again");
        }

        var lines = _console.ToString().Split('\n').Length;
        Assert.InRange(lines, Vlog.LinesPerMinuteMax, Vlog.LinesPerMinuteMax + 20);
        _log.SetRateLimit("loud", isLimited: false);
        _log.Write("loud", VlogLevel.Warn, "heard");
        Assert.Contains("heard", _console.ToString());
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\|\d{5}\|bridge\|INFO\|text\s*$")]
    private static partial Regex LinePattern();
}
