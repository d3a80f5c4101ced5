using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Fabric.Wire.Netlink;
using Microsoft.Win32.SafeHandles;

namespace Fabric.Datapath;

/// <summary>The device of the OVSEXT driver, and of any driver that keeps its contract.</summary>
/// <remarks>
/// Every call is overlapped, also those that stock clients make synchronously: a driver that
/// does not answer costs its caller the patience and no more. Memory that a call may still write
/// to is given up rather than reused when the driver does not even take the call back.
/// Compiles everywhere; runs on Windows only. Not yet run against a loaded driver.
/// </remarks>
[SupportedOSPlatform("windows")]
public sealed class WindowsDevice : INetlinkDevice
{
    public const string Path = @"\\.\OpenvSwitchDevice";

    private readonly TimeSpan _patience;

    /// <param name="patience">How long one call may take.</param>
    public WindowsDevice(TimeSpan patience) => _patience = patience;

    public string Name => Path;
    public NetlinkDialect Dialect => NetlinkDialect.Ovsext;

    public DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle)
    {
        handle = null;
        var file = WindowsNative.CreateFile(
            Path, WindowsNative.ReadWrite, WindowsNative.ShareReadWrite, 0,
            WindowsNative.OpenExisting, WindowsNative.Overlapped, 0);
        if (file.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeError();
            file.Dispose();
            return new DeviceResult(StatusOf(error), 0, error);
        }

        handle = new WindowsHandle(file, _patience);
        return default;
    }

    public void Dispose()
    {
    }

    /// <summary>What a Win32 error says about the handle it came from.</summary>
    public static DeviceStatus StatusOf(int error) => error switch
    {
        WindowsNative.ErrorSuccess => DeviceStatus.Ok,
        WindowsNative.ErrorBusy => DeviceStatus.Busy,
        WindowsNative.ErrorNotFound => DeviceStatus.NotReady,
        WindowsNative.ErrorOperationAborted => DeviceStatus.Cancelled,
        WindowsNative.ErrorFileNotFound or WindowsNative.ErrorPathNotFound
            or WindowsNative.ErrorInvalidHandle or WindowsNative.ErrorBadDevice
            or WindowsNative.ErrorNoSuchDevice or WindowsNative.ErrorDeviceRemoved
            => DeviceStatus.Gone,
        _ => DeviceStatus.Refused,
    };
}

/// <summary>One file handle of the device with the memory that its calls use.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class WindowsHandle : INetlinkHandle
{
    private readonly SafeFileHandle _file;
    private readonly TimeSpan _patience;
    private readonly PendingCall _call = new();
    private readonly PendingCall _pend = new();
    private readonly ManualResetEvent _cancelled = new(false);
    private int _isDisposed;

    public WindowsHandle(SafeFileHandle file, TimeSpan patience)
    {
        _file = file;
        _patience = patience;
    }

    public DeviceResult Control(
        DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer)
    {
        lock (_call)
        {
            if (_call.IsAbandoned || _isDisposed != 0) return new(DeviceStatus.Gone);
            var result = _call.Start(_file, code, request, answer.Length);
            if (result.Status == DeviceStatus.TimedOut)
            {
                result = _call.Finish(_file, _patience, null);
            }

            if (!result.IsOk) return result;
            var size = Math.Min(result.Size, answer.Length);
            _call.Answer[..size].CopyTo(answer);
            return result with { Size = size };
        }
    }

    public DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience)
    {
        lock (_pend)
        {
            if (_pend.IsAbandoned || _isDisposed != 0) return new(DeviceStatus.Gone);
            if (_cancelled.WaitOne(0))
            {
                _cancelled.Reset();
                return new(DeviceStatus.Cancelled);
            }

            var result = _pend.Start(_file, DeviceControl.Write, request, 0);
            return result.Status == DeviceStatus.TimedOut
                ? _pend.Finish(_file, patience, _cancelled)
                : result;
        }
    }

    public void Cancel()
    {
        if (_isDisposed == 0) _cancelled.Set();
    }

    /// <remarks>
    /// The pend is taken back before the handle closes: leaving the group while one is
    /// outstanding is what may crash OVSEXT, closing is not.
    /// </remarks>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _cancelled.Set();
        lock (_pend) _pend.Dispose();
        lock (_call) _call.Dispose();
        _file.Dispose();
    }

    /// <summary>Memory and event of one overlapped call at a time.</summary>
    private sealed class PendingCall : IDisposable
    {
        private const int Capacity = NetlinkLimits.MessageSizeMax;
        private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(1);

        private readonly ManualResetEvent _done = new(false);
        private byte* _request = (byte*)NativeMemory.AllocZeroed(Capacity);
        private byte* _answer = (byte*)NativeMemory.AllocZeroed(Capacity);
        private NativeOverlapped* _overlapped =
            (NativeOverlapped*)NativeMemory.AllocZeroed((nuint)sizeof(NativeOverlapped));

        /// <summary>The driver kept the call: its memory is never touched again.</summary>
        public bool IsAbandoned { get; private set; }

        public ReadOnlySpan<byte> Answer => new(_answer, Capacity);

        /// <returns>TimedOut when the call is under way.</returns>
        public DeviceResult Start(
            SafeFileHandle file, DeviceControl code, ReadOnlySpan<byte> request, int answerSize)
        {
            if (request.Length > Capacity) return new(DeviceStatus.Refused);
            request.CopyTo(new Span<byte>(_request, Capacity));
            _done.Reset();
            *_overlapped = default;
            _overlapped->EventHandle = _done.SafeWaitHandle.DangerousGetHandle();
            var size = 0u;
            var isDone = WindowsNative.DeviceIoControl(
                file, (uint)code, _request, (uint)request.Length, _answer,
                (uint)Math.Min(answerSize, Capacity), &size, _overlapped);
            if (isDone) return new(DeviceStatus.Ok, (int)size);
            var error = Marshal.GetLastPInvokeError();
            return error == WindowsNative.ErrorIoPending
                ? new(DeviceStatus.TimedOut)
                : new(WindowsDevice.StatusOf(error), 0, error);
        }

        public DeviceResult Finish(SafeFileHandle file, TimeSpan patience, WaitHandle? cancelled)
        {
            WaitHandle[] handles = cancelled is null ? [_done] : [_done, cancelled];
            var which = WaitHandle.WaitAny(handles, patience);
            if (which == 0) return Result(file);
            if (which == 1) ((ManualResetEvent)cancelled!).Reset();

            // Taken back, or finished in the meantime; the driver decides which.
            WindowsNative.CancelIoEx(file, _overlapped);
            if (!_done.WaitOne(CancelPatience))
            {
                IsAbandoned = true;
                return new(DeviceStatus.Gone);
            }

            var result = Result(file);
            if (result.Status != DeviceStatus.Cancelled) return result;
            return new(which == 1 ? DeviceStatus.Cancelled : DeviceStatus.TimedOut);
        }

        private DeviceResult Result(SafeFileHandle file)
        {
            var size = 0u;
            if (WindowsNative.GetOverlappedResult(file, _overlapped, &size, false))
            {
                return new(DeviceStatus.Ok, (int)size);
            }

            var error = Marshal.GetLastPInvokeError();
            return new(WindowsDevice.StatusOf(error), 0, error);
        }

        public void Dispose()
        {
            if (IsAbandoned || _request is null) return;
            NativeMemory.Free(_request);
            NativeMemory.Free(_answer);
            NativeMemory.Free(_overlapped);
            _request = _answer = null;
            _overlapped = null;
            IsAbandoned = true;
            _done.Dispose();
        }
    }
}
