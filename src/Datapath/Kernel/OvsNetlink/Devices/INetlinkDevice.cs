using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>What a device answered to one call.</summary>
public enum DeviceStatus : byte
{
    Ok,
    /// <summary>Nothing happened within the time that was given; no call takes longer.</summary>
    TimedOut,
    /// <summary>The call was given up by <see cref="INetlinkHandle.Cancel"/>.</summary>
    Cancelled,
    /// <summary>A pend request is outstanding already.</summary>
    Busy,
    /// <summary>The device is there, but serves nobody: no switch has the extension.</summary>
    NotReady,
    /// <summary>The device or the handle is gone; only a new handle can help.</summary>
    Gone,
    /// <summary>The call itself was refused: see <see cref="DeviceResult.NativeError"/>.</summary>
    Refused,
}

/// <param name="Size">Bytes that were answered; 0 for none.</param>
/// <param name="NativeError">Win32 error or errno, for texts; 0 for none.</param>
public readonly record struct DeviceResult(DeviceStatus Status, int Size = 0, int NativeError = 0)
{
    public bool IsOk => Status == DeviceStatus.Ok;

    public override string ToString() =>
        NativeError == 0 ? $"{Status}" : $"{Status} (error {NativeError})";
}

/// <summary>Control codes of the OVSEXT device: type 0xAFC8, functions 0x100 to 0x105.</summary>
public enum DeviceControl : uint
{
    GetPid = 0xAFC8_8400,
    Read = 0xAFC8_4406,
    ReadEvent = 0xAFC8_440A,
    ReadPacket = 0xAFC8_440E,
    Write = 0xAFC8_4411,
    Transact = 0xAFC8_8416,
}

/// <summary>Something that speaks Open vSwitch's netlink messages, and bytes alone.</summary>
/// <remarks>
/// The calls are OVSEXT's; Linux's sockets offer the same ones. Implementations: the Windows
/// driver's device, generic netlink, the emulator, and the fault device around any of them.
/// </remarks>
public interface INetlinkDevice : IDisposable
{
    /// <summary>For texts: @"\\.\OpenvSwitchDevice", "generic netlink", "emulator".</summary>
    string Name { get; }

    NetlinkDialect Dialect { get; }

    /// <summary>Opens a handle; each has queues and a pid of its own.</summary>
    /// <param name="protocol"><see cref="NetlinkProtocol"/>: a socket needs to know.</param>
    DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle);
}

/// <summary>One open handle. One caller at a time; Cancel and Dispose: any thread.</summary>
public interface INetlinkHandle : IDisposable
{
    /// <summary>One call; returns within the device's patience, whatever happens.</summary>
    /// <param name="answer">At least 64 KiB, or the device may refuse.</param>
    DeviceResult Control(DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer);

    /// <summary>
    /// Hands in a pend request and waits until something is queued, at most 'patience'. A
    /// request that timed out is taken back before this returns.
    /// </summary>
    DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience);

    /// <summary>Ends the pend that is waiting, now or next.</summary>
    void Cancel();
}
