using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Fabric.HostNode.Windows;

/// <summary>The calls of advapi32 that a service and its installer need.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class ServiceNative
{
    private const string Library = "advapi32";

    public const uint AllAccess = 0xF003F;
    public const uint ServiceAllAccess = 0xF01FF;
    public const uint OwnProcess = 0x10;
    public const uint AutoStart = 2;
    public const uint ErrorNormal = 1;

    public const uint Stopped = 1;
    public const uint StartPending = 2;
    public const uint StopPending = 3;
    public const uint Running = 4;

    public const uint ControlStop = 1;
    public const uint ControlShutdown = 5;
    public const uint AcceptStop = 1;
    public const uint AcceptShutdown = 4;

    public const uint ConfigDescription = 1;
    public const uint ConfigFailureActions = 2;
    public const uint ConfigDelayedAutoStart = 3;
    public const uint ConfigFailureActionsFlag = 4;
    public const uint ActionRestart = 1;

    public const int ErrorServiceDoesNotExist = 1060;
    public const int ErrorServiceNotActive = 1062;
    public const int ErrorServiceExists = 1073;
    public const int ErrorAlreadyRunning = 1056;
    public const int ErrorNotAService = 1063;

    [StructLayout(LayoutKind.Sequential)]
    public struct Status
    {
        public uint ServiceType;
        public uint CurrentState;
        public uint ControlsAccepted;
        public uint ExitCode;
        public uint SpecificExitCode;
        public uint CheckPoint;
        public uint WaitHint;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TableEntry
    {
        public char* Name;
        public delegate* unmanaged<uint, char**, void> Main;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct FailureAction
    {
        public uint Type;
        public uint DelayMilliseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct FailureActions
    {
        public uint ResetSeconds;
        public char* RebootMessage;
        public char* Command;
        public uint Count;
        public FailureAction* Actions;
    }

    [LibraryImport(Library, EntryPoint = "StartServiceCtrlDispatcherW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool StartDispatcher(TableEntry* table);

    [LibraryImport(Library, EntryPoint = "RegisterServiceCtrlHandlerExW", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint RegisterHandler(
        string name, delegate* unmanaged<uint, uint, nint, nint, uint> handler, nint context);

    [LibraryImport(Library, EntryPoint = "SetServiceStatus", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool SetStatus(nint handle, Status* status);

    [LibraryImport(Library, EntryPoint = "OpenSCManagerW", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint OpenManager(string? machine, string? database, uint access);

    [LibraryImport(Library, EntryPoint = "CreateServiceW", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint Create(
        nint manager, string name, string displayName, uint access, uint type, uint start,
        uint errorControl, string commandLine, string? group, nint tag, char* dependencies,
        string? account, string? password);

    [LibraryImport(Library, EntryPoint = "ChangeServiceConfigW", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Change(
        nint service, uint type, uint start, uint errorControl, string commandLine,
        string? group, nint tag, char* dependencies, string? account, string? password,
        string displayName);

    [LibraryImport(Library, EntryPoint = "OpenServiceW", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint Open(nint manager, string name, uint access);

    [LibraryImport(Library, EntryPoint = "ChangeServiceConfig2W", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ChangeMore(nint service, uint level, void* info);

    [LibraryImport(Library, EntryPoint = "DeleteService", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Delete(nint service);

    [LibraryImport(Library, EntryPoint = "StartServiceW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Start(nint service, uint count, char** arguments);

    [LibraryImport(Library, EntryPoint = "ControlService", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Control(nint service, uint control, Status* status);

    [LibraryImport(Library, EntryPoint = "QueryServiceStatus", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Query(nint service, Status* status);

    [LibraryImport(Library, EntryPoint = "CloseServiceHandle")]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool Close(nint handle);

    [LibraryImport(Library, EntryPoint = "RegisterEventSourceW", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint RegisterEventSource(string? machine, string source);

    [LibraryImport(Library, EntryPoint = "ReportEventW", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool ReportEvent(
        nint log, ushort type, ushort category, uint id, nint user, ushort textCount,
        uint dataSize, char** texts, void* data);

    [LibraryImport(Library, EntryPoint = "DeregisterEventSource")]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool CloseEventSource(nint log);
}
