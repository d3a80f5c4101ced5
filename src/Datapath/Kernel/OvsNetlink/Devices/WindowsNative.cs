using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Fabric.Datapath;

/// <summary>The calls of kernel32 that the device needs.</summary>
[SupportedOSPlatform("windows")]
internal static unsafe partial class WindowsNative
{
    public const uint ReadWrite = 0xC000_0000; // GENERIC_READ | GENERIC_WRITE
    public const uint ShareReadWrite = 3;
    public const uint OpenExisting = 3;
    public const uint Overlapped = 0x4000_0000; // FILE_FLAG_OVERLAPPED

    public const int ErrorSuccess = 0;
    public const int ErrorFileNotFound = 2;
    public const int ErrorPathNotFound = 3;
    public const int ErrorInvalidHandle = 6;
    public const int ErrorBadDevice = 1200;
    public const int ErrorBusy = 170;
    public const int ErrorNoSuchDevice = 433;
    public const int ErrorOperationAborted = 995;
    public const int ErrorIoPending = 997;
    public const int ErrorNotFound = 1168;
    public const int ErrorDeviceRemoved = 1617;

    private const string Kernel = "kernel32";

    [LibraryImport(Kernel, EntryPoint = "CreateFileW", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf16)]
    public static partial SafeFileHandle CreateFile(
        string name, uint access, uint share, nint security, uint disposition, uint flags,
        nint template);

    [LibraryImport(Kernel, EntryPoint = "DeviceIoControl", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool DeviceIoControl(
        SafeFileHandle file, uint code, void* request, uint requestSize, void* answer,
        uint answerSize, uint* size, NativeOverlapped* overlapped);

    [LibraryImport(Kernel, EntryPoint = "GetOverlappedResult", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool GetOverlappedResult(
        SafeFileHandle file, NativeOverlapped* overlapped, uint* size,
        [MarshalAs(UnmanagedType.Bool)] bool waits);

    [LibraryImport(Kernel, EntryPoint = "CancelIoEx", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool CancelIoEx(SafeFileHandle file, NativeOverlapped* overlapped);
}
