using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Fabric.Configuration;

/// <summary>Open_vSwitch.statistics: processors, memory, daemons, file systems.</summary>
/// <remarks>
/// Keys and their numbers as ovs-vswitchd.conf.db(5) has them: memory in KiB, times in
/// milliseconds. What the system does not tell is left out.
/// </remarks>
public static class HostStatistics
{
    /// <param name="runFolder">Where daemons have their pidfiles.</param>
    /// <param name="now">Wall-clock time.</param>
    public static ImmutableSortedDictionary<string, string> Read(
        string runFolder, DateTimeOffset now)
    {
        var all = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        all["cpu"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture);
        Add("load_average", Load());
        Add("memory", Memory());
        Add("file_systems", FileSystems());
        if (!Directory.Exists(runFolder)) return all.ToImmutable();
        foreach (var path in Directory.EnumerateFiles(runFolder, "*.pid"))
        {
            Add($"process_{Path.GetFileNameWithoutExtension(path)}", ProcessOf(path, now));
        }

        return all.ToImmutable();

        void Add(string key, string? value)
        {
            if (value is { Length: > 0 }) all[key] = value;
        }
    }

    /// <summary>Of 1, 5 and 15 minutes.</summary>
    private static string? Load()
    {
        const string path = "/proc/loadavg";
        return File.Exists(path) ? string.Join(',', File.ReadAllText(path).Split(' ')[..3]) : null;
    }

    /// <summary>RAM and what of it is in use, swap and what of it is in use.</summary>
    private static string? Memory()
    {
        const string path = "/proc/meminfo";
        if (!File.Exists(path)) return null;
        var values = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && long.TryParse(words[1], out var value))
            {
                values[words[0].TrimEnd(':')] = value;
            }
        }

        var used = Of("MemTotal") - Of("MemFree") - Of("Buffers") - Of("Cached");
        return $"{Of("MemTotal")},{used},{Of("SwapTotal")},{Of("SwapTotal") - Of("SwapFree")}";

        long Of(string key) => values.GetValueOrDefault(key);
    }

    /// <summary>MOUNT,TOTAL,USED of each that is on a disk, in KiB.</summary>
    private static string FileSystems()
    {
        var text = new StringBuilder();
        foreach (var drive in DriveInfo.GetDrives())
        {
            try
            {
                if (!drive.IsReady || drive.DriveType != DriveType.Fixed || drive.TotalSize == 0)
                    continue;
                if (text.Length > 0) text.Append(' ');
                text.Append(CultureInfo.InvariantCulture, $"{drive.Name},{drive.TotalSize / 1024},"
                    + $"{(drive.TotalSize - drive.TotalFreeSpace) / 1024}");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It was taken away meanwhile.
            }
        }

        return text.ToString();
    }

    /// <summary>
    /// Virtual size, resident size, CPU time, crashes, time since the start, twice.
    /// </summary>
    private static string? ProcessOf(string pidFile, DateTimeOffset now)
    {
        try
        {
            if (!int.TryParse(File.ReadAllText(pidFile).Trim(), out var pid)) return null;
            using var process = Process.GetProcessById(pid);
            var uptime = (long)(now - process.StartTime).TotalMilliseconds;
            return string.Create(CultureInfo.InvariantCulture,
                $"{process.VirtualMemorySize64 / 1024},{process.WorkingSet64 / 1024},"
                + $"{(long)process.TotalProcessorTime.TotalMilliseconds},0,{uptime},{uptime}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException
            or ArgumentException or InvalidOperationException
            or System.ComponentModel.Win32Exception)
        {
            return null; // It has ended, and left its file.
        }
    }
}
