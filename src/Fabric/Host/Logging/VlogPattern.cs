using System.Globalization;
using System.Text;

namespace Fabric.Host;

/// <summary>How a log line looks: ovs-appctl(8), "vlog/set PATTERN".</summary>
/// <remarks>
/// %A program, %B facility and level of RFC 5424, %c module, %d and %D{FORMAT} date and time (UTC
/// for %D, %d), %E host name, %m text, %N number of the line, %p level, %P pid, %r milliseconds
/// since start, %t and %T thread, %n new line, %% percent. Between the percent sign and the letter
/// may stand "-" for left, "0" for zeros, and a width.
/// </remarks>
public sealed class VlogPattern(string pattern)
{
    private static readonly long Start = Environment.TickCount64;

    public static VlogPattern Console { get; } = new("%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m");
    public static VlogPattern Syslog { get; } = new("ovs|%05N|%c%T|%p|%m");

    /// <summary>What RFC 3164 wants in front of a line to the system's log.</summary>
    public static VlogPattern SyslogPrefix { get; } = new("<%B> %D{%h %e %T} %E %A:");

    public static VlogPattern File { get; } =
        new("%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m");

    public override string ToString() => pattern;

    internal string Format(in VlogLine from)
    {
        var line = new StringBuilder(from.Text.Length + 64);
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] != '%' || i + 1 == pattern.Length)
            {
                line.Append(pattern[i]);
                continue;
            }

            i++;
            var isLeft = Take('-', ref i);
            var fill = Take('0', ref i) ? '0' : ' ';
            var width = 0;
            while (i < pattern.Length && char.IsAsciiDigit(pattern[i]) && width < 1000)
            {
                width = (width * 10) + (pattern[i++] - '0');
            }

            if (i == pattern.Length) break;
            var field = Field(ref i, in from);
            line.Append(isLeft ? field.PadRight(width) : field.PadLeft(width, fill));
        }

        return line.ToString();
    }

    private bool Take(char wanted, ref int i)
    {
        if (i >= pattern.Length || pattern[i] != wanted) return false;
        i++;
        return true;
    }

    private string Field(ref int i, in VlogLine line)
    {
        switch (pattern[i])
        {
            case 'A': return line.Program;
            case 'B': return line.Priority.ToString(CultureInfo.InvariantCulture);
            case 'c': return line.Module;
            case 'd' or 'D':
                var format = "%Y-%m-%d %H:%M:%S.###";
                if (i + 1 < pattern.Length && pattern[i + 1] == '{'
                    && pattern.IndexOf('}', i) is > 0 and var close)
                {
                    format = pattern[(i + 2)..close];
                    i = close;
                }

                return TimeText(line.Time.UtcDateTime, format);
            case 'E': return Environment.MachineName;
            case 'm': return line.Text;
            case 'N': return line.Number.ToString(CultureInfo.InvariantCulture);
            case 'n': return "\n";
            case 'p': return Vlog.Name(line.Level);
            case 'P': return Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            case 'r':
                return (Environment.TickCount64 - Start).ToString(CultureInfo.InvariantCulture);
            case 't': return "main";
            case 'T': return "";
            case '%': return "%";
            default: return "";
        }
    }

    /// <summary>strftime's letters that logs use; ### are the milliseconds.</summary>
    private static string TimeText(DateTime time, string format)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] == '#')
            {
                var end = i;
                while (end < format.Length && format[end] == '#') end++;
                var digits = time.ToString("fff", CultureInfo.InvariantCulture);
                text.Append(digits, 0, Math.Min(3, end - i));
                i = end - 1;
                continue;
            }

            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            if (format[++i] == 's')
            {
                text.Append(new DateTimeOffset(time).ToUnixTimeSeconds());
                continue;
            }

            if (format[i] == 'e')
            {
                text.Append($"{time.Day,2}");
                continue;
            }

            text.Append(time.ToString(
                format[i] switch
                {
                    'Y' => "yyyy",
                    'm' => "MM",
                    'd' => "dd",
                    'H' => "HH",
                    'M' => "mm",
                    'S' => "ss",
                    'h' or 'b' => "MMM",
                    'T' => "HH:mm:ss",
                    'F' => "yyyy-MM-dd",
                    'y' => "yy",
                    var other => $"'{other}'",
                },
                CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
