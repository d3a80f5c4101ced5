using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Fabric.Host;

/// <summary>Levels of Open vSwitch's log, most urgent first.</summary>
public enum VlogLevel : byte { Off, Emer, Err, Warn, Info, Dbg }

/// <summary>Where log lines go.</summary>
public enum VlogDestination : byte { Console, Syslog, File }

/// <summary>The log in Open vSwitch's format, with levels by module and destination.</summary>
/// <remarks>
/// Lines: <c>2026-11-22T09:48:39.733Z|00001|vlog|INFO|text</c>: UTC with milliseconds, a sequence
/// number, module, level, text. A module that repeats itself is limited to
/// <see cref="LinesPerMinuteMax"/> lines a minute; what was left out is said once.
/// </remarks>
public sealed class Vlog : IDisposable
{
    public const int LinesPerMinuteMax = 600;
    private const int ModulesMax = 1024;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly TextWriter? _console;
    private readonly string? _path;
    private readonly SortedDictionary<string, Module> _modules = new(StringComparer.Ordinal);
    private readonly VlogLevel[] _defaults;
    private readonly SyslogSocket? _syslog;
    private readonly VlogPattern[] _patterns =
    [
        VlogPattern.Console, VlogPattern.Syslog, VlogPattern.File,
    ];
    private StreamWriter? _file;
    private SyslogFacility _facility = SyslogFacility.Daemon;
    private int _sequence;

    private sealed class Module(VlogLevel[] levels)
    {
        public VlogLevel[] Levels { get; } = levels;
        public bool IsRateLimited { get; set; } = true;
        public long Minute { get; set; }
        public int Lines { get; set; }
        public int Dropped { get; set; }
    }

    /// <param name="path">The log file, or null for none.</param>
    /// <param name="console">The console, or null for none.</param>
    /// <param name="syslog">The system's log, or null for none.</param>
    public Vlog(
        TimeProvider time, string? path, TextWriter? console, VlogLevel level,
        SyslogSocket? syslog = null)
    {
        _time = time;
        _path = path;
        _console = console;
        _syslog = syslog;
        _defaults = [level, level, level];
        foreach (var module in VlogModules.Names) Find(module);
        Reopen();
    }

    /// <summary>%A of patterns: who writes.</summary>
    public string Program { get; init; } = "ovs-vswitchd";

    /// <summary>Writes one line to each destination whose level for the module allows it.</summary>
    public void Write(string module, VlogLevel level, string text)
    {
        lock (_gate)
        {
            var entry = Find(module);
            if (level > Max(entry)) return;
            if (entry.IsRateLimited && IsOverRate(module, entry)) return;
            WriteLine(module, entry, level, text);
        }
    }

    /// <summary>Sets levels: <c>[MODULE][:DESTINATION][:LEVEL]</c>, words in any order.</summary>
    /// <returns>Null, or what is wrong with the words.</returns>
    public string? Set(string words)
    {
        if (words.StartsWith("PATTERN:", StringComparison.OrdinalIgnoreCase))
        {
            return SetPattern(words[8..]);
        }

        if (words.StartsWith("FACILITY:", StringComparison.OrdinalIgnoreCase))
        {
            return SetFacility(words[9..]);
        }

        string? module = null;
        VlogDestination? destination = null;
        var level = VlogLevel.Dbg;
        foreach (var word in words.Split([':', ' ', ','], StringSplitOptions.RemoveEmptyEntries))
        {
            if (string.Equals(word, "any", StringComparison.OrdinalIgnoreCase)) continue;
            if (Enum.TryParse<VlogDestination>(word, true, out var place)) destination = place;
            else if (Enum.TryParse<VlogLevel>(word, true, out var named)) level = named;
            else if (HasModule(word)) module = word;
            else return $"no destination, level, or module \"{word}\"";
        }

        lock (_gate)
        {
            IEnumerable<VlogLevel[]> targets = module is null
                ? _modules.Values.Select(entry => entry.Levels).Append(_defaults)
                : [Find(module).Levels];
            foreach (var levels in targets)
            {
                for (var i = 0; i < levels.Length; i++)
                {
                    if (destination is null || (int)destination == i) levels[i] = level;
                }
            }
        }

        return null;
    }

    /// <summary>PATTERN:DESTINATION:FORMAT; DESTINATION may be "any".</summary>
    private string? SetPattern(string words)
    {
        var colon = words.IndexOf(':');
        var place = colon < 0 ? words : words[..colon];
        var isAny = string.Equals(place, "any", StringComparison.OrdinalIgnoreCase);
        if (!Enum.TryParse<VlogDestination>(place, true, out var destination) && !isAny)
        {
            return $"unknown destination \"{place}\"";
        }

        if (colon < 0) return "missing pattern";
        var pattern = new VlogPattern(words[(colon + 1)..]);
        lock (_gate)
        {
            for (var i = 0; i < _patterns.Length; i++)
            {
                if (isAny || (int)destination == i) _patterns[i] = pattern;
            }
        }

        return null;
    }

    private string? SetFacility(string name)
    {
        if (!Enum.TryParse<SyslogFacility>(name, true, out var facility)
            || char.IsAsciiDigit(name[0]))
        {
            return "invalid facility";
        }

        lock (_gate) _facility = facility;
        return null;
    }

    /// <summary>The table of vlog/list-pattern.</summary>
    public string ListPatterns()
    {
        var text = new StringBuilder("         prefix                            format\n");
        text.Append("         ------                            ------\n");
        lock (_gate)
        {
            var prefix = _syslog?.Prefix ?? VlogPattern.SyslogPrefix;
            Add("SYSLOG ", prefix.ToString(), _patterns[1]);
            Add("CONSOLE", "none", _patterns[0]);
            Add("FILE   ", "none", _patterns[2]);
        }

        return text.ToString();

        void Add(string destination, string prefix, VlogPattern pattern) =>
            text.Append($"{destination}  {prefix,-34}{pattern}\n");
    }

    /// <summary>vlog/enable-rate-limit and disable-rate-limit; null means every module.</summary>
    /// <returns>False if there is no such module.</returns>
    public bool SetRateLimit(string? module, bool isLimited)
    {
        if (module is not null && !HasModule(module)) return false;
        lock (_gate)
        {
            foreach (var entry in module is null ? [.. _modules.Values] : new[] { Find(module) })
            {
                entry.IsRateLimited = isLimited;
            }
        }

        return true;
    }

    /// <summary>The table of vlog/list.</summary>
    public string List()
    {
        var text = new StringBuilder("                 console    syslog    file\n");
        text.Append("                 -------    ------    ------\n");
        lock (_gate)
        {
            foreach (var (name, entry) in _modules)
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"{name,-16}  {Name(entry.Levels[0]),4}       ");
                text.Append(CultureInfo.InvariantCulture,
                    $"{Name(entry.Levels[1]),4}       {Name(entry.Levels[2]),4}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>Closes the file and opens it again under its name, after a rotation.</summary>
    public void Reopen()
    {
        if (_path is null) return;
        lock (_gate)
        {
            _file?.Dispose();
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            _file = new StreamWriter(new FileStream(
                _path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            {
                AutoFlush = true,
            };
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite
                    | UnixFileMode.GroupRead);
            }
        }

        Write("vlog", VlogLevel.Info, $"opened log file {_path}");
    }

    /// <summary>Closes the file; <see cref="Reopen"/> opens it again.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    public static string Name(VlogLevel level) => level.ToString().ToUpperInvariant();

    private void WriteLine(string module, Module entry, VlogLevel level, string text)
    {
        var line = new VlogLine(
            _time.GetUtcNow(), ++_sequence, module, level, text, Program, _facility);
        if (_console is not null && Takes(VlogDestination.Console))
        {
            _console.WriteLine(_patterns[(int)VlogDestination.Console].Format(in line));
        }

        if (_syslog is not null && Takes(VlogDestination.Syslog))
        {
            _syslog.Send(in line, _patterns[(int)VlogDestination.Syslog]);
        }

        if (_file is not null && Takes(VlogDestination.File))
        {
            _file.WriteLine(_patterns[(int)VlogDestination.File].Format(in line));
        }

        bool Takes(VlogDestination destination) => level <= entry.Levels[(int)destination];
    }

    private bool IsOverRate(string module, Module entry)
    {
        var minute = _time.GetTimestamp() / (_time.TimestampFrequency * 60);
        if (minute != entry.Minute)
        {
            var dropped = entry.Dropped;
            (entry.Minute, entry.Lines, entry.Dropped) = (minute, 0, 0);
            if (dropped > 0)
            {
                WriteLine(module, entry, VlogLevel.Info,
                    $"Dropped {dropped} log messages in last minute due to excessive rate");
            }
        }

        if (++entry.Lines <= LinesPerMinuteMax) return false;
        entry.Dropped++;
        return true;
    }

    private Module Find(string module)
    {
        if (_modules.TryGetValue(module, out var entry)) return entry;
        // A bound on names that come from outside; later ones share one entry.
        if (_modules.Count >= ModulesMax) return Find("other");
        return _modules[module] = new Module([.. _defaults]);
    }

    private static VlogLevel Max(Module entry) =>
        (VlogLevel)Math.Max((byte)entry.Levels[0],
            Math.Max((byte)entry.Levels[1], (byte)entry.Levels[2]));

    private bool HasModule(string word)
    {
        lock (_gate) return _modules.ContainsKey(word);
    }

    public void Dispose()
    {
        Close();
        _syslog?.Dispose();
    }
}
