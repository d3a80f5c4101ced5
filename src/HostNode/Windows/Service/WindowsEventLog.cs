using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32;

namespace Fabric.HostNode.Windows;

/// <summary>The Application log of Windows, source "Fabric".</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class WindowsEventLog : IDisposable
{
    public const ushort Error = 1;
    public const ushort Warning = 2;
    public const ushort Information = 4;

    private const string Source = ServicePlan.Name;
    private const string Key =
        @"SYSTEM\CurrentControlSet\Services\EventLog\Application\" + Source;

    /// <summary>Texts of this file are "%1": what was written, unchanged.</summary>
    private const string Messages = @"%SystemRoot%\System32\EventCreate.exe";

    private readonly nint _log = ServiceNative.RegisterEventSource(null, Source);

    public static void Register()
    {
        using var key = Registry.LocalMachine.CreateSubKey(Key);
        key.SetValue("EventMessageFile", Messages, RegistryValueKind.ExpandString);
        key.SetValue("TypesSupported", 7, RegistryValueKind.DWord);
    }

    public static void Unregister() =>
        Registry.LocalMachine.DeleteSubKeyTree(Key, throwOnMissingSubKey: false);

    public void Write(ushort type, string text)
    {
        if (_log == 0) return;
        fixed (char* pointer = text)
        {
            var texts = stackalloc char*[1];
            texts[0] = pointer;
            ServiceNative.ReportEvent(_log, type, 0, 1, 0, 1, 0, texts, null);
        }
    }

    public void Dispose()
    {
        if (_log != 0) ServiceNative.CloseEventSource(_log);
    }
}

/// <summary>Takes the host node's log lines and passes on those that matter.</summary>
/// <remarks>Lines are ovs-vswitchd's: time|number|module|LEVEL|text.</remarks>
internal sealed class EventLogWriter(Action<ushort, string> write) : TextWriter
{
    private const ushort Error = 1;
    private const ushort Warning = 2;

    public override Encoding Encoding => Encoding.UTF8;

    public override void WriteLine(string? value)
    {
        if (value is not null && TypeOf(value) is { } type) write(type, value);
    }

    public override void Write(char value)
    {
        // Lines only: half of one says nothing.
    }

    public override void Write(string? value)
    {
        foreach (var line in (value ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            WriteLine(line.TrimEnd('\r'));
        }
    }

    /// <summary>Null for what belongs to the log file alone.</summary>
    public static ushort? TypeOf(string line)
    {
        var parts = line.Split('|', 5);
        if (parts.Length < 5) return null;
        return parts[3].Trim() switch
        {
            "EMER" or "ERR" => Error,
            "WARN" => Warning,
            _ => null,
        };
    }
}
