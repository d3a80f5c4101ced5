using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Fabric.Configuration;

/// <summary>Opens the sockets that remotes name.</summary>
internal static class PassiveSocket
{
    private const int BacklogCount = 64;

    private const UnixFileMode SocketMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    public static bool TryListen(
        OvsdbRemote remote, [NotNullWhen(true)] out Socket? socket,
        [NotNullWhen(false)] out string? problem)
    {
        socket = null;
        try
        {
            socket = remote.IsUnix ? ListenUnix(remote.Path) : ListenTcp(remote);
            problem = null;
            return true;
        }
        catch (SocketException exception)
        {
            problem = exception.Message;
        }
        catch (IOException exception)
        {
            problem = exception.Message;
        }
        catch (UnauthorizedAccessException exception)
        {
            problem = exception.Message;
        }
        catch (ArgumentException exception)
        {
            problem = exception.Message; // A path longer than a socket address.
        }

        return false;
    }

    /// <remarks>
    /// A file that nobody listens at is left over from a process that was killed.
    /// </remarks>
    private static Socket ListenUnix(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory)
        {
            Directory.CreateDirectory(directory);
        }

        var address = new UnixDomainSocketEndPoint(path);
        if (File.Exists(path))
        {
            if (IsAlive(address)) throw new IOException("another process listens there");
            File.Delete(path);
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(address);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, SocketMode);
            socket.Listen(BacklogCount);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsAlive(UnixDomainSocketEndPoint address)
    {
        using var probe = new Socket(
            AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static Socket ListenTcp(OvsdbRemote remote)
    {
        var address = remote.Host.Length == 0 ? IPAddress.Any : IPAddress.Parse(remote.Host);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(
                SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, remote.Port));
            socket.Listen(BacklogCount);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
