using System.IO.Pipes;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;

namespace Fabric.HostNode.Windows;

/// <summary>
/// One "unix:PATH" as stock OVS tools on Windows open it: a named pipe and a placeholder file,
/// relayed byte for byte to a socket of the host node.
/// </summary>
/// <remarks>
/// Message pipe read as bytes, 64 instances, buffers of 65,000 bytes. Access: the network is
/// denied; SYSTEM, administrators and the account that runs this are allowed. Elsewhere the
/// same code runs on what .NET calls a named pipe there, without mode and access list.
/// </remarks>
internal sealed class PipeListener : IAsyncDisposable
{
    public const int InstancesMax = 64;
    public const int BufferSize = 65_000;

    private readonly string _path;
    private readonly string _socketPath;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _places = new(InstancesMax);
    private readonly Task _accepting;
    private int _served;

    private PipeListener(string path, string socketPath)
    {
        _path = path;
        _socketPath = socketPath;
        _accepting = AcceptAsync();
    }

    /// <summary>Clients that were connected to the socket.</summary>
    public int Served => Volatile.Read(ref _served);

    /// <summary>Makes the placeholder, then the pipe.</summary>
    /// <exception cref="IOException">The folder cannot be written or the name is too long.
    /// </exception>
    public static PipeListener Start(string path, string socketPath)
    {
        if (PipeName.Of(path).Length > PipeName.LengthMax)
        {
            throw new IOException($"{path}: longer than a pipe's name can be");
        }

        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
        }

        File.WriteAllBytes(path, []);
        return new PipeListener(path, socketPath);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _places.WaitAsync(_stop.Token);
                var pipe = Create(PipeName.Of(_path));
                try
                {
                    await pipe.WaitForConnectionAsync(_stop.Token);
                }
                catch
                {
                    await pipe.DisposeAsync();
                    throw;
                }

                _ = ServeAsync(pipe);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException
            or ObjectDisposedException)
        {
            // Stopped, or the name is another process's: its owner answers there.
        }
    }

    private async Task ServeAsync(NamedPipeServerStream pipe)
    {
        try
        {
            using var socket = new Socket(
                AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socketPath), _stop.Token);
            Interlocked.Increment(ref _served);
            await using var stream = new NetworkStream(socket);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var up = CopyAsync(pipe, stream, ended.Token);
            var down = CopyAsync(stream, pipe, ended.Token);
            await Task.WhenAny(up, down);
            await ended.CancelAsync();
            await Task.WhenAll(up, down);
        }
        catch (Exception error) when (IsEnd(error))
        {
            // Whoever went away, the other end is closed.
        }
        finally
        {
            await pipe.DisposeAsync();
            _places.Release();
        }
    }

    private static async Task CopyAsync(Stream from, Stream to, CancellationToken cancellation)
    {
        try
        {
            await from.CopyToAsync(to, BufferSize, cancellation);
        }
        catch (Exception error) when (IsEnd(error))
        {
            // As above.
        }
    }

    private static bool IsEnd(Exception error) => error is IOException or SocketException
        or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    private static NamedPipeServerStream Create(string name) =>
        OperatingSystem.IsWindows() ? CreateOnWindows(name) : new NamedPipeServerStream(
            name, PipeDirection.InOut, InstancesMax, PipeTransmissionMode.Byte,
            PipeOptions.Asynchronous, BufferSize, BufferSize);

    [SupportedOSPlatform("windows")]
    private static NamedPipeServerStream CreateOnWindows(string name)
    {
        var pipe = NamedPipeServerStreamAcl.Create(
            name, PipeDirection.InOut, InstancesMax, PipeTransmissionMode.Message,
            PipeOptions.Asynchronous, BufferSize, BufferSize, Access());
        pipe.ReadMode = PipeTransmissionMode.Byte;
        return pipe;
    }

    [SupportedOSPlatform("windows")]
    private static PipeSecurity Access()
    {
        var security = new PipeSecurity();
        void Rule(IdentityReference who, AccessControlType type) => security.AddAccessRule(
            new PipeAccessRule(who, PipeAccessRights.FullControl, type));
        Rule(new SecurityIdentifier(WellKnownSidType.NetworkSid, null), AccessControlType.Deny);
        Rule(new SecurityIdentifier(WellKnownSidType.LocalSystemSid, null),
            AccessControlType.Allow);
        Rule(new SecurityIdentifier(WellKnownSidType.BuiltinAdministratorsSid, null),
            AccessControlType.Allow);
        using var identity = WindowsIdentity.GetCurrent();
        if (identity.User is { } user) Rule(user, AccessControlType.Allow);
        return security;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        File.Delete(_path);
    }
}
